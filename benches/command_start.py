"""How long a command of a session takes to start, on a small workspace and on one of 100,000 files.

The command is `date`: its own clock says when it ran, the client's when it was asked for, so what is measured is judging,
the durable record, the view of the workspace, the jail and the program's start. The whole call, with the changed set and
the records after it, is beside it. The bubblewrap figure beside the small one is the jail alone, without any of that.
"""
import contextlib
import shutil
import subprocess
import time

from common import POLICY, BenchError, built, choose, emit, main, median, quantile, scratch, session

FILES = choose(100_000, 2_000)
FILES_IN_A_DIRECTORY = 100
ROUNDS = choose(60, 3)
WARM_UP = 3
COMMAND = "date +ran=%s%N"
BWRAP = "bwrap --ro-bind / / --unshare-all --die-with-parent --proc /proc --dev /dev --tmpfs /tmp /bin/true".split()


def make_tree(directory, files):
    """Small files, a hundred in a directory, as a large repository has them."""
    for number in range(files):
        place = directory / f"part_{number // 10_000:02}" / f"module_{number // FILES_IN_A_DIRECTORY:04}"
        if number % FILES_IN_A_DIRECTORY == 0:
            place.mkdir(parents=True)
        (place / f"file_{number:06}.txt").write_text(f"file {number}\n")


def started(ours):
    """Milliseconds until the command ran, and until its result was there."""
    answer = ours.ask(tool="run", calls=[{"command": COMMAND}], expect=["ran="], via="stdio")
    ran = answer["texts"][0].partition("ran=")[2].split()[0]
    return (int(ran) - answer["sent_ns"][0]) / 1e6, answer["elapsed_ns"][0] / 1e6


def bubblewrap():
    start = time.perf_counter()
    subprocess.run(BWRAP, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1e3


def true(ours):
    """Milliseconds of the whole call of a command that does nothing."""
    return ours.time("run", [{"command": "/bin/true"}], [""])[0] / 1e6


def measure():
    if not shutil.which("bwrap"):
        raise BenchError("bubblewrap is not installed (package `bubblewrap`)")
    nucleus = built("nucleus-cli", "nucleus")
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(scratch())
        small, large = place / "small", place / "large"
        make_tree(small, FILES_IN_A_DIRECTORY)
        make_tree(large, FILES)
        sides = {}
        for workspace in (small, large):
            state = place / f"state_{workspace.name}"
            state.mkdir()
            sides[workspace] = stack.enter_context(session(nucleus, workspace, state, POLICY))
        first = started(sides[large])
        rounds = []
        for _ in range(ROUNDS + WARM_UP):
            rounds.append((*started(sides[large]), *started(sides[small]), true(sides[small]), bubblewrap()))
        report(first, list(zip(*rounds[WARM_UP:], strict=True)))


def report(first, columns):
    large_start, large_whole, small_start, _, small_true, alone = (list(column) for column in columns)
    emit(
        "large_workspace_start",
        "ms",
        median(large_start),
        files=FILES,
        p90=quantile(large_start, 0.9),
        whole=median(large_whole),
        first_of_the_session=first[0],
        small_workspace=median(small_start),
        rounds=ROUNDS,
    )
    emit("jail_spawn_mediated", "ms", median(small_true), median(alone), rival_name="bwrap alone", rounds=ROUNDS)


if __name__ == "__main__":
    main(measure)
