"""A small MCP client that performs the steps of steps.json and prints one JSON line for each.

Steps: {"tool", "args"} calls a tool; {"agent"} runs Python in the agent's own process tree;
{"command"} runs Python by the tool `run`; {"wait"} waits for a file that the host makes;
{"list"} names the tools offered; {"raw"} sends bytes to the session's port; {"at_once"} performs steps side by side;
{"exit"} ends with that code and {"signal"} by that signal.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = int(os.environ.get("NUCLEUS_MCP_PORT", "0"))
PRELUDE = open(os.path.join(HERE, "prelude.py")).read()
PLAN = json.load(open(os.path.join(HERE, "steps.json")))


class Client:
    """One connection to the session's tools."""

    def __init__(self):
        if PORT:
            self.socket = socket.create_connection(("127.0.0.1", PORT))
            self.reader = self.writer = self.socket.makefile("rwb")
        else:
            self.bridge = subprocess.Popen(["nucleus", "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.reader, self.writer = self.bridge.stdout, self.bridge.stdin
        self.last = 0
        self.ask("initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"},
        })
        self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def say(self, message):
        self.writer.write(json.dumps(message).encode() + b"\n")
        self.writer.flush()

    def ask(self, method, params):
        self.last += 1
        number = self.last
        self.say({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            line = self.reader.readline()
            if not line:
                raise EOFError("the session closed the connection")
            answer = json.loads(line)
            if answer.get("id") == number and "method" not in answer:
                return answer

    def call(self, tool, arguments):
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if "error" in answer:
            return {"is_error": True, "text": answer["error"]["message"], "data": {"code": "protocol"}}
        result = answer["result"]
        text = "".join(block.get("text", "") for block in result["content"])
        data = result.get("structuredContent") or result.get("_meta", {}).get("nucleus")
        return {"is_error": bool(result.get("isError")), "text": text, "data": data}


def program(code):
    """The attempt as one Python program that prints its result as its last line."""
    return f"{PRELUDE}\nWORDS = {PLAN['words']!r}\nglobals().update(WORDS)\nattempt({code!r})\n"


def parsed(output):
    """The result that an attempt printed, if it lived to print one."""
    lines = [line for line in output.splitlines() if line.startswith("@@")]
    return json.loads(lines[-1][2:]) if lines else {"silent": output[-2000:]}


def by_agent(code):
    done = subprocess.run([sys.executable, "-"], input=program(code).encode(), capture_output=True, timeout=120)
    output = done.stdout.decode(errors="replace")
    return {"python": parsed(output), "text": output + done.stderr.decode(errors="replace"), "status": done.returncode}


def by_command(client, code, extra):
    answer = client.call("run", {"command": "python3 -", "stdin": program(code), **extra})
    data = answer["data"] or {}
    answer["python"] = parsed(data.get("stdout", ""))
    return answer


def by_raw(data):
    with socket.create_connection(("127.0.0.1", PORT)) as raw:
        raw.settimeout(30)
        try:
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            return {"text": raw.recv(65536).decode(errors="replace")}
        except OSError as error:
            return {"text": str(error)}


def wait(name):
    path, deadline = os.path.join(HERE, name), time.monotonic() + 240
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise SystemExit(f"the host never made {name}")
        time.sleep(0.01)
    return {"text": "seen"}


def perform(client, step):
    if "tool" in step:
        return client.call(step["tool"], step["args"])
    if "agent" in step:
        return by_agent(step["agent"])
    if "command" in step:
        return by_command(client, step["command"], step.get("extra", {}))
    if "list" in step:
        tools = client.ask("tools/list", {})["result"]["tools"]
        return {"text": " ".join(tool["name"] for tool in tools)}
    if "raw" in step:
        return by_raw(base64.b64decode(step["raw"]))
    if "wait" in step:
        return wait(step["wait"])
    if "at_once" in step:
        return at_once(step["at_once"])
    if "exit" in step:
        sys.stdout.flush()
        os._exit(step["exit"])
    os.kill(os.getpid(), step["signal"])
    time.sleep(60)


def at_once(steps):
    results = [None] * len(steps)

    def one(index, step):
        results[index] = perform(Client(), step)

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"parts": results}


def main():
    client = Client()
    for index, step in enumerate(PLAN["steps"]):
        print(json.dumps({"begins": index}), flush=True)
        result = perform(client, step)
        result["step"] = index
        print(json.dumps(result), flush=True)


main()
