"""MCP `read` of 4 KiB through a session of ours, against `@modelcontextprotocol/server-filesystem` called directly.

The same client speaks over standard streams with both: inside the jail with `nucleus mcp`, outside with the rival. Every
read of ours is judged and recorded before its bytes are read. The log lies on a tmpfs for one figure, on a disk for the
other; the files that are read lie on the disk for all.
"""
import contextlib
import subprocess

from common import SCRATCH, BenchError, built, choose, client, emit, main, median, quantile, scratch, session, Peer

PACKAGE = "@modelcontextprotocol/server-filesystem"
VERSION = "2026.8.31"
FILES = 16
FILE_BYTES = 4096
ROUNDS = choose(60, 3)
CALLS = choose(32, 4)
WARM_UP = choose(5, 1)


def rival_server():
    """The rival's script, installed at its exact version on first use."""
    directory = SCRATCH / f"server-filesystem-{VERSION}"
    script = directory / "node_modules" / PACKAGE / "dist" / "index.js"
    if not (directory / ".installed").is_file():
        directory.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--no-save", "--prefix", str(directory)]
        done = subprocess.run(["npm", "install", *options, f"{PACKAGE}@{VERSION}"], cwd=directory, stdout=subprocess.DEVNULL)
        if done.returncode != 0 or not script.is_file():
            raise BenchError(f"`npm install {PACKAGE}@{VERSION}` gave no server")
        (directory / ".installed").touch()
    return script


def make_files(workspace):
    """Files of 4 KiB, each with a text of its own."""
    texts = {}
    for number in range(FILES):
        line = f"line of file {number:02} with words that a model might read\n"
        body = (line * (FILE_BYTES // len(line) + 1))[: FILE_BYTES - 1] + "\n"
        path = workspace / "src" / f"file_{number:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
        texts[path] = body.rstrip("\n")
    return texts


def measure():
    nucleus, script = built("nucleus-cli", "nucleus"), rival_server()
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(scratch())
        memory = stack.enter_context(scratch(memory=True))
        workspace = place / "workspace"
        texts = make_files(workspace)
        expect = list(texts.values())
        ours = [{"path": str(path.relative_to(workspace))} for path in texts]
        theirs = [{"path": str(path)} for path in texts]
        disk = place / "log"
        disk.mkdir()
        on_memory = stack.enter_context(session(nucleus, workspace, memory))
        on_disk = stack.enter_context(session(nucleus, workspace, disk))
        rival = stack.enter_context(Peer(client("node", str(script), str(workspace))))
        sides = {
            "tmpfs": lambda at: on_memory.time("read", at(ours), at(expect)),
            "disk": lambda at: on_disk.time("read", at(ours), at(expect)),
            "rival": lambda at: rival.time("read_text_file", at(theirs), at(expect)),
            "tmpfs_port": lambda at: on_memory.time("read", at(ours), at(expect), "port"),
        }
        report(in_turn(sides))


def in_turn(sides):
    """Microseconds of every call after the warm-up, a round of each side after the other, a different one first each time."""
    timed = {side: [] for side in sides}
    order = list(sides)
    for turn in range(ROUNDS + WARM_UP):
        def at(items, turn=turn):
            return [items[(turn + step) % FILES] for step in range(CALLS)]

        for step in range(len(order)):
            side = order[(turn + step) % len(order)]
            elapsed = sides[side](at)
            if turn >= WARM_UP:
                timed[side] += [ns / 1000 for ns in elapsed]
    return timed


def report(timed):
    rival = median(timed["rival"])
    shared = {
        "rival_name": f"{PACKAGE} {VERSION}",
        "rival_p99": quantile(timed["rival"], 0.99),
        "ours_without_nucleus_mcp": median(timed["tmpfs_port"]),
        "calls": ROUNDS * CALLS,
    }
    for claim, side in {"mcp_read_tmpfs": "tmpfs", "mcp_read_disk": "disk"}.items():
        emit(claim, "us", median(timed[side]), rival, ours_p99=quantile(timed[side], 0.99), **shared)


if __name__ == "__main__":
    main(measure)
