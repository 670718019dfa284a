"""The scanner of configuration: one file against `snyk-agent-scan`, the whole corpus, and a monorepo of 200,000 files.

The rival judges by its vendor's service and by starting the servers it finds; without a network, and with nothing started, it
reads the configuration and prints what is in it. That is compared, with its start-up beside it; ours judges the same file and
prints its findings. Both sides run in an empty network namespace, so that neither can wait for an answer.
"""
import json
import os
import subprocess
import time

from common import ROOT, BenchError, built, choose, emit, installed, main, median, scratch

VERSION = "0.6.9"  # of `snyk-agent-scan`, once called `mcp-scan`
ROUNDS = choose(11, 1)
RIVAL_ROUNDS = choose(5, 1)
MONOREPO_FILES = choose(200_000, 2_000)
FILES_OF_A_DIRECTORY = 100
CONFIGURED_EVERY = 40  # one directory in 40 has configuration of agents: 50 of 2,000
KIB = 1024
OFFLINE = ["unshare", "--map-root-user", "--net", "--"]
CONFIG = """{"mcpServers": {
  "fetch": {"command": "uvx", "args": ["mcp-server-fetch"]},
  "filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me"]}
}}
"""


class Run:
    """One run of a command to its end: what it printed, how long it took and the most memory it held."""

    def __init__(self, command, home):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_COLOR": "1"}
        with (home / "out").open("w+b") as out, (home / "err").open("w+b") as err:
            begin = time.perf_counter()
            process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, cwd=home
            )
            _, status, used = os.wait4(process.pid, 0)
            self.elapsed_s = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            self.said = out.read().decode()
            err.seek(0)
            errors = err.read().decode(errors="replace")[-500:]
        if process.returncode != 0:
            raise BenchError(f"`{process.args}` ended with {process.returncode}: {errors}")
        self.peak_bytes = used.ru_maxrss * KIB


def findings(said):
    """What our report in JSON holds."""
    return json.loads(said)["findings"]


def audit(nucleus, *paths):
    return [nucleus, "audit", "--no-home", "--json", "--fail-on", "never", *paths]


def measure():
    nucleus, rival = built("nucleus-cli", "nucleus"), installed("snyk-agent-scan", VERSION, "snyk-agent-scan")
    with scratch() as place:
        home = place / "home"
        home.mkdir()
        against_the_rival(nucleus, rival, home)
        corpus(nucleus, home)
        monorepo(nucleus, home, place / "monorepo")


def against_the_rival(nucleus, rival, home):
    """Start-up, then one file that is read by both; each answer is checked."""
    config = home / "repository" / ".mcp.json"
    config.parent.mkdir()
    config.write_text(CONFIG)
    pairs = {
        "audit_start": ([nucleus, "audit", "--help"], [rival, "--help"]),
        "audit_scan": (audit(nucleus, config.parent), [rival, "inspect", "--no-skills", "--json", config]),
    }
    for claim, (our_command, rival_command) in pairs.items():
        ours, theirs = [], []
        for number in range(ROUNDS):
            ours.append(Run(OFFLINE + our_command, home))
            if number < RIVAL_ROUNDS:
                theirs.append(Run(OFFLINE + rival_command, home))
        if claim == "audit_scan":
            check(ours[-1].said, theirs[-1].said)
        times = [median([run.elapsed_s * 1e3 for run in runs]) for runs in (ours, theirs)]
        emit(claim, "ms", round(times[0], 2), round(times[1], 2), rival_name=f"snyk-agent-scan {VERSION}")


def check(ours, theirs):
    """Ours names the path through both servers; the rival names both servers and contacted none."""
    if not any(one["rule"] == "trifecta-complete" for one in findings(ours)):
        raise BenchError("the scan did not find the path through both servers")
    read = json.loads(theirs[theirs.find("{"):])
    servers = next(iter(read.values()))["servers"]
    if {server["name"] for server in servers} != {"fetch", "filesystem"}:
        raise BenchError("the rival did not read both servers")


def corpus(nucleus, home):
    """Every file of the labelled collection where it lies beside the checkout, else of the corpus of our own."""
    labelled = ROOT.parent / "shared" / "agent-configs" / "files"
    if labelled.is_dir():
        paths = sorted(path for path in labelled.iterdir() if path.is_dir())
    else:
        paths = [ROOT / "corpus" / "scan"]
    runs = [Run(audit(nucleus, *paths), home) for _ in range(ROUNDS + 1)][1:]
    found = len(findings(runs[-1].said))
    if not found:
        raise BenchError("nothing was found in a corpus of findings")
    elapsed_ms = median([run.elapsed_s * 1e3 for run in runs])
    emit("audit_corpus", "ms", round(elapsed_ms, 2), collection=labelled.is_dir(), findings=found)


def monorepo(nucleus, home, root):
    """A tree of many files with a little configuration in it, after a first scan that is not measured."""
    configured = plant(root)
    runs = [Run(audit(nucleus, root), home) for _ in range(ROUNDS + 1)][1:]
    found = {place["file"] for one in findings(runs[-1].said) for place in one["evidence"]}
    if len(found) != configured:
        raise BenchError(f"{configured} files configure agents, and findings name {len(found)}")
    more = {"files": MONOREPO_FILES, "configured": configured}
    emit("audit_monorepo", "s", round(median([run.elapsed_s for run in runs]), 3), **more)
    emit("audit_monorepo_memory", "MiB", round(median([run.peak_bytes for run in runs]) / KIB / KIB, 1), **more)


def plant(root):
    """Writes the monorepo; returns how many of its files configure an agent."""
    configured = 0
    for number in range(MONOREPO_FILES // FILES_OF_A_DIRECTORY):
        directory = root / f"team_{number % 20}" / f"package_{number}" / "src"
        directory.mkdir(parents=True)
        for file in range(FILES_OF_A_DIRECTORY):
            (directory / f"module_{file}.rs").touch()
        if number % CONFIGURED_EVERY == 0:
            (directory.parent / ".mcp.json").write_text(CONFIG)
            configured += 1
    return configured


if __name__ == "__main__":
    main(measure)
