"""Resident memory of the monitor: of one idle session, and of 100 sessions at once.

Counted are all processes of a session that run our program, which are the monitor and the helper that clones its jails, and
not the agent. `ours` adds up the resident sizes (`Rss` of `/proc/PID/smaps_rollup`), which counts the pages that the
processes share once for each, the pages of the program's file first of all; the proportional size (`Pss`) counts them once,
and `private` is what each session adds: pages that were written (`Private_Dirty`).
"""
import contextlib
import os
import pathlib
import time

from common import BenchError, built, choose, emit, main, scratch, session

SESSIONS = choose(100, 3)
REST_S = choose(3.0, 0.5)  # an idle session has nothing left to do by then
KIB = 1024


def parents():
    """The parent of every process."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def ours_below(root, program):
    """The processes below `root`, itself included, that run our program."""
    tree, grown = {root}, True
    table = parents()
    while grown:
        more = {process for process, parent in table.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return [process for process in tree if runs(process, program)]


def runs(process, program):
    try:
        return os.path.samefile(f"/proc/{process}/exe", program)
    except OSError:
        return False


def memory(processes):
    """Resident, proportional and private bytes of all."""
    total = {"Rss": 0, "Pss": 0, "Private_Dirty": 0}
    for process in processes:
        for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in total:
                total[name] += int(value.split()[0]) * KIB
    if not total["Rss"]:
        raise BenchError("no process of a session was found")
    return total


def measure():
    nucleus = built("nucleus-cli", "nucleus")
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(scratch())
        sessions = []
        for number in range(SESSIONS):
            workspace, state = place / f"workspace_{number}", place / f"state_{number}"
            workspace.mkdir()
            state.mkdir()
            (workspace / "README.md").write_text("a small workspace\n")
            peer = stack.enter_context(session(nucleus, workspace, state))
            peer.time("read", [{"path": "README.md"}], ["a small workspace"])
            sessions.append(peer.process.pid)
            if number == 0:
                report("memory_idle", sessions, nucleus)
        report("memory_100_sessions", sessions, nucleus)


def report(claim, sessions, nucleus):
    time.sleep(REST_S)
    processes = [process for session in sessions for process in ours_below(session, nucleus)]
    total = memory(processes)
    size = {name: round(value / KIB / KIB, 2) for name, value in total.items()}
    parts = {"proportional": size["Pss"], "private": size["Private_Dirty"]}
    emit(claim, "MiB", size["Rss"], **parts, sessions=len(sessions), processes=len(processes))


if __name__ == "__main__":
    main(measure)
