"""What the benches share: where things are, medians in turn, sessions to talk to, and one JSON line a figure."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BENCHES = ROOT / "benches"
SCRATCH = ROOT / "target" / "bench"
SMOKE = "--smoke" in sys.argv[1:]
PYTHON = "/usr/bin/python3"  # of the system, because jails see it
MEMORY_FILESYSTEMS = {"tmpfs", "ramfs"}


class BenchError(Exception):
    """Says why nothing was measured."""


def choose(full, smoke):
    """The first for a figure, the second to see that it works."""
    return smoke if SMOKE else full


def main(measure):
    """Runs one bench; an error is one line and exit code 1, so that the claim reads as not measured."""
    unknown = [word for word in sys.argv[1:] if word != "--smoke"]
    if unknown:
        sys.exit(f"error: unknown argument `{unknown[0]}`: only `--smoke` is known")
    try:
        measure()
    except (BenchError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"error: {error}")


def emit(claim, unit, ours, rival=None, **more):
    """Prints the figures of one claim as `cargo xtask bench` reads them."""
    line = {"id": claim, "unit": unit, "ours": ours}
    if rival is not None:
        line["rival"] = rival
    print(json.dumps(line | more), flush=True)


def built(package, binary):
    """The path of a release binary, built first where it is not current; `NUCLEUS_BIN` names a `nucleus` to take as it is."""
    if binary == "nucleus" and "NUCLEUS_BIN" in os.environ:
        return pathlib.Path(os.environ["NUCLEUS_BIN"]).resolve()
    command = ["cargo", "build", "--release", "--quiet", "-p", package, "--bin", binary]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / "target" / "release" / binary


def quantile(values, share):
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[round((len(ordered) - 1) * share)]


def median(values):
    """The median of a list that must not be empty."""
    if not values:
        raise BenchError("no round was measured")
    return statistics.median(values)


@contextlib.contextmanager
def scratch(memory=False):
    """A directory of this run on a real disk, or on a tmpfs; removed afterwards, and an error if it is not what was asked for."""
    parent = pathlib.Path("/dev/shm") if memory else SCRATCH
    parent.mkdir(parents=True, exist_ok=True)
    if (filesystem(parent) in MEMORY_FILESYSTEMS) != memory:
        raise BenchError(f"`{parent}` is on {filesystem(parent)}, which is not what this figure is about")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="nucleus-bench-", dir=parent))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def filesystem(path):
    """The type of the file system a path is on."""
    found = subprocess.run(["stat", "-f", "-c", "%T", str(path)], check=True, capture_output=True, text=True)
    return found.stdout.strip()


POLICY = """version = 1
extends = "local_dev"

[budget]
max_cost_usd = 100000.0
"""


class Peer:
    """The client of `mcp_client.py` in a process of its own, in front of one MCP server."""

    def __init__(self, command, environment=None, directory=None):
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment, cwd=directory
        )
        try:
            self._answer()
        except BenchError:
            self.close()
            raise

    def ask(self, **order):
        """Sends one order and returns the client's answer."""
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer below says what happened
        return self._answer()

    def time(self, tool, calls, expect, via="stdio"):
        """Nanoseconds of each call, one after the other; every result must hold its expected text."""
        return self.ask(tool=tool, calls=calls, expect=expect, via=via)["elapsed_ns"]

    def close(self):
        """Ends the client, and with it its server or session."""
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _answer(self):
        for line in self.process.stdout:
            if line.startswith(b'{"bench":'):
                answer = json.loads(line)
                if "error" in answer:
                    raise BenchError(answer["error"])
                return answer
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")[-2000:]
        raise BenchError(f"`{self.process.args[0]}` ended with {self.process.wait()}: {said}")


def client(*words):
    """The command of a client, with its source in the arguments: a jail has no view of this directory."""
    return [PYTHON, "-c", (BENCHES / "mcp_client.py").read_text(), *words]


def session(nucleus, workspace, state, policy=POLICY, options=()):
    """A client as the agent of a session of ours over this workspace, its log below `state`."""
    config = state / "policy.toml"
    config.write_text(policy)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "XDG_STATE_HOME": str(state / "state"),
        "XDG_CONFIG_HOME": str(state / "config"),
        "NO_COLOR": "1",
    }
    start = [str(nucleus), "run", "--local", "--config", str(config), "--dir", str(workspace), *options, "--"]
    return Peer(start + client("nucleus", "mcp"), environment, state)


def installed(package, version, binary):
    """The program of a rival from PyPI, installed at its exact version on first use."""
    directory = SCRATCH / f"{package}-{version}"
    program = directory / "bin" / binary
    if not (directory / ".installed").is_file():
        subprocess.run([PYTHON, "-m", "venv", "--clear", str(directory)], check=True)
        install = [str(directory / "bin" / "pip"), "install", "--quiet", f"{package}=={version}"]
        if subprocess.run(install).returncode != 0 or not program.is_file():
            raise BenchError(f"`pip install {package}=={version}` gave no program")
        (directory / ".installed").touch()
    return program
