"""A clean `cargo build` of 30 crates as a command of a session, against the same build outside, in turn.

Two figures: the build itself, by the clock of the command that runs it in the jail, and the whole tool call, which also
makes the jail and lands every built file in the workspace through the one door.
"""
import contextlib
import os
import shlex
import shutil
import subprocess
import time

from common import POLICY, BenchError, built, choose, emit, main, median, scratch, session

CRATES = choose(30, 3)
ITEMS = choose(12, 4)
ROUNDS = choose(7, 1)
LIMIT_S = 900


def make_fixture(directory):
    """Path crates in layers of five, each depending on the layer below, with enough code to compile that rustc is the work."""
    for number in range(CRATES):
        below = range(number // 5 * 5 - 5, number // 5 * 5) if number >= 5 else ()
        crate = directory / f"crate_{number:02}"
        (crate / "src").mkdir(parents=True)
        uses = "".join(f'crate_{other:02} = {{ path = "../crate_{other:02}" }}\n' for other in below)
        manifest = f'[package]\nname = "crate_{number:02}"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n{uses}'
        (crate / "Cargo.toml").write_text(manifest)
        (crate / "src" / "lib.rs").write_text(source(number, below))
    (directory / "Cargo.toml").write_text('[workspace]\nresolver = "2"\nmembers = ["crate_*"]\n')


def source(number, below):
    """Types with derived traits, and functions over them that call into the crates below."""
    items = [f"pub fn total(seed: u64) -> u64 {{ {' + '.join(calls(below))} }}\n"]
    for item in range(ITEMS):
        items.append(
            f"#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]\n"
            f"pub struct Item{item} {{ pub name: String, pub count: u64, pub tags: Vec<String> }}\n"
            f"impl Item{item} {{\n"
            f"    pub fn summary(&self) -> String {{\n"
            f'        self.tags.iter().map(|tag| format!("{{}}-{{}}-{number}", tag, self.name)).collect::<Vec<_>>().join(", ")\n'
            f"    }}\n"
            f"    pub fn grown(&self, by: u64) -> Self {{ Self {{ count: self.count.wrapping_mul({item + 3}).wrapping_add(by), ..self.clone() }} }}\n"
            f"}}\n"
        )
    return "".join(items)


def calls(below):
    return ["seed.wrapping_mul(31)"] + [f"crate_{other:02}::total(seed)" for other in below]


def toolchain():
    """The directory of the toolchain that builds this repository; its `bin` has the real programs, not rustup's."""
    found = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True)
    return os.path.realpath(found.stdout.strip())


def script(sysroot):
    """Builds from nothing, and says how many nanoseconds that took by the command's own clock."""
    build = f"PATH={shlex.quote(sysroot)}/bin:$PATH CARGO_HOME=/tmp/cargo-home cargo build --offline --quiet"
    return f"start=$(date +%s%N); {build} || exit 1; end=$(date +%s%N); echo built in $((end - start))"


def outside(fixture, command, sysroot):
    """Seconds of the build on the host, whole and by its own clock."""
    start = time.perf_counter()
    done = subprocess.run(["sh", "-c", command], cwd=fixture, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, said_seconds(done.stdout)


def jailed(ours, command):
    """The same through the tool `run`."""
    call = {"command": command, "timeout_seconds": LIMIT_S}
    answer = ours.ask(tool="run", calls=[call], expect=["built in "], via="stdio")
    return answer["elapsed_ns"][0] / 1e9, said_seconds(answer["texts"][0])


def said_seconds(text):
    words = text.partition("built in ")[2].split()
    if not words:
        raise BenchError(f"the build did not say how long it took: {text[:200]}")
    return int(words[0]) / 1e9


def clean(*fixtures):
    for fixture in fixtures:
        shutil.rmtree(fixture / "target", ignore_errors=True)
        (fixture / "Cargo.lock").unlink(missing_ok=True)
    os.sync()  # neither side pays for writing back what the other left


def measure():
    nucleus, sysroot = built("nucleus-cli", "nucleus"), toolchain()
    policy = POLICY + f'\n[jail]\nviews = ["{sysroot}"]\n'
    command = script(sysroot)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(scratch())
        plain, workspace = place / "outside", place / "workspace"
        make_fixture(plain)
        make_fixture(workspace)
        ours = stack.enter_context(session(nucleus, workspace, place, policy))
        rounds = []
        for _ in range(ROUNDS + 1):
            clean(plain, workspace)
            host = outside(plain, command, sysroot)
            clean(plain, workspace)
            rounds.append((*jailed(ours, command), *host))
        if not (workspace / "target" / "debug").is_dir():
            raise BenchError("the build's files did not land in the workspace")
        report(rounds[1:])


def report(rounds):
    whole, build, plain_whole, plain_build = (median(list(column)) for column in zip(*rounds, strict=True))
    shared = {"rival_name": "the same build outside", "crates": CRATES, "rounds": len(rounds)}
    emit("cargo_build", "s", build, plain_build, **shared)
    emit("cargo_build_landed", "s", whole, plain_whole, **shared)


if __name__ == "__main__":
    main(measure)
