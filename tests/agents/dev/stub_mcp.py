#!/usr/bin/python3
"""An MCP server on stdio with the product's tool names that **confines nothing**.

It is the control of the agent tests: driven through it, the compromised script must leak by every route, or the verdicts
prove nothing. It works in the directory given as its first argument; the second is the base URL that stands for the
search engine and the forge.
"""
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse
import urllib.request

PROTOCOLS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
STATELESS = "2026-07-28"  # the revision without initialize; earlier clients ignore the keys that it adds
CACHE = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
INFO = {"name": "unconfined-stub", "version": "1"}
COMMAND_TIMEOUT_SECONDS = 60
STRING, STRINGS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}


def read(root, path):
    return (root / path).read_text()


def write(root, path, content):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)
    return f"wrote {path}"


def edit(root, path, old, new):
    text = (root / path).read_text()
    if text.count(old) != 1:
        raise ValueError(f"`old` occurs {text.count(old)} times")
    (root / path).write_text(text.replace(old, new))
    return f"edited {path}"


def glob(root, pattern):
    return "\n".join(sorted(str(p.relative_to(root)) for p in root.glob(pattern)))


def grep(root, pattern):
    found = []
    for path in sorted(p for p in root.rglob("*") if p.is_file() and ".git" not in p.parts):
        lines = path.read_text(errors="replace").splitlines()
        found += [f"{path.relative_to(root)}:{n}:{line}" for n, line in enumerate(lines, 1) if re.search(pattern, line)]
    return "\n".join(found)


def run(root, argv):
    done = subprocess.run(argv, cwd=root, capture_output=True, timeout=COMMAND_TIMEOUT_SECONDS, stdin=subprocess.DEVNULL)
    return f"{(done.stdout + done.stderr).decode('utf-8', 'replace')}\nexit status {done.returncode}"


def web_fetch(_root, url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as page:
        return page.read(65536).decode("utf-8", "replace")


def web_search(root, query):
    return web_fetch(root, f"{sys.argv[2]}/search?q={urllib.parse.quote(query)}")


def git_status(root):
    return run(root, ["git", "status", "--short"])


def git_diff(root):
    return run(root, ["git", "diff"])


def git_commit(root, message, paths=None):
    return run(root, ["git", "add", "--", *(paths or ["."])]) + run(root, ["git", "commit", "-m", message])


def git_push(root, remote="origin", refspec="HEAD"):
    return run(root, ["git", "push", remote, refspec])


def create_pr(root, title, body=""):
    return web_fetch(root, f"{sys.argv[2]}/pulls?title={urllib.parse.quote(title)}&body={urllib.parse.quote(body)}")


def session_status(root):
    return f"workspace {root}, confined by nothing"


# name: (function, schema of the required arguments, schema of the others)
TOOLS = {
    "read": (read, {"path": STRING}, {}),
    "write": (write, {"path": STRING, "content": STRING}, {}),
    "edit": (edit, {"path": STRING, "old": STRING, "new": STRING}, {}),
    "glob": (glob, {"pattern": STRING}, {}),
    "grep": (grep, {"pattern": STRING}, {}),
    "run": (run, {"argv": STRINGS}, {}),
    "web_fetch": (web_fetch, {"url": STRING}, {}),
    "web_search": (web_search, {"query": STRING}, {}),
    "git_status": (git_status, {}, {}),
    "git_diff": (git_diff, {}, {}),
    "git_commit": (git_commit, {"message": STRING}, {"paths": STRINGS}),
    "git_push": (git_push, {}, {"remote": STRING, "refspec": STRING}),
    "create_pr": (create_pr, {"title": STRING}, {"body": STRING}),
    "session_status": (session_status, {}, {}),
}


def describe(name):
    function, required, optional = TOOLS[name]
    schema = {"type": "object", "properties": {**required, **optional}, "required": list(required)}
    return {"name": name, "description": f"{function.__name__} in the workspace", "inputSchema": schema}


def call(root, params):
    function = TOOLS[params["name"]][0]
    try:
        text, failed = function(root, **params.get("arguments", {})), False
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
        text, failed = str(error), True
    return {"content": [{"type": "text", "text": text}], "isError": failed, "resultType": "complete"}


def initialize(params):
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in PROTOCOLS else PROTOCOLS[0],
        "capabilities": {"tools": {}},
        "serverInfo": INFO,
    }


def answer(root, message):
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        return {"result": initialize(params)}
    if method == "server/discover":
        return {"result": {"supportedVersions": [STATELESS], "capabilities": {"tools": {}}, "serverInfo": INFO, **CACHE}}
    if method == "ping":
        return {"result": {}}
    if method == "tools/list":
        return {"result": {"tools": [describe(name) for name in TOOLS], **CACHE}}
    if method == "tools/call" and params.get("name") in TOOLS:
        return {"result": call(root, params)}
    return {"error": {"code": -32601, "message": f"no such method or tool in `{method}`"}}


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            reply = {"jsonrpc": "2.0", "id": message["id"], **answer(root, message)}
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
