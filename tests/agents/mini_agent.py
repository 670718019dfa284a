#!/usr/bin/python3
"""A whole coding agent in the standard library: asks a chat model, does the tool calls it wants, until it wants none.

Tools come from an MCP server on stdio (the words after --mcp, by default `nucleus mcp`) and, with --shell, from a shell of
its own in the place where the agent itself runs. The model is at OPENAI_BASE_URL.
"""
import argparse
import contextlib
import itertools
import json
import os
import shlex
import subprocess
import sys
import urllib.request

PROTOCOL = "2025-06-18"
SHELL_TIMEOUT_SECONDS = 60
SHELL_TOOL = {
    "name": "shell",
    "description": "Run a shell command where the agent runs.",
    "inputSchema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
}


class McpError(Exception):
    """The server answered a request with an error, or went away."""


class McpClient:
    """An MCP client over the standard streams of a child process."""

    def __init__(self, argv):
        self._child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ids = itertools.count(1)
        info = {"name": "mini-agent", "version": "1"}
        try:
            self.server = self.request("initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo=info)
            self._send({"method": "notifications/initialized"})
        except BaseException:
            self.close()
            raise

    def tools(self):
        tools, cursor = [], None
        while True:
            page = self.request("tools/list", **({"cursor": cursor} if cursor else {}))
            tools += page["tools"]
            cursor = page.get("nextCursor")
            if not cursor:
                return tools

    def call(self, name, arguments):
        """The text of a tool's result; a refusal is a result too."""
        result = self.request("tools/call", name=name, arguments=arguments)
        return "\n".join(block.get("text", json.dumps(block)) for block in result.get("content", []))

    def request(self, method, **params):
        wanted = next(self._ids)
        self._send({"id": wanted, "method": method, "params": params})
        while line := self._child.stdout.readline():
            message = json.loads(line)
            if "method" in message and "id" in message:
                self._answer(message)
            elif message.get("id") == wanted:
                if "error" in message:
                    raise McpError(message["error"].get("message", "no message"))
                return message["result"]
        raise McpError("the server closed its output")

    def _answer(self, message):
        """Answers a request of the server: ping, and nothing else."""
        if message["method"] == "ping":
            return self._send({"id": message["id"], "result": {}})
        self._send({"id": message["id"], "error": {"code": -32601, "message": "not offered"}})

    def _send(self, message):
        try:
            self._child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError as error:
            raise McpError("the server closed its input") from error

    def close(self):
        """Ends the input, which ends the server; one that stays is killed."""
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()


def ask(base_url, model, conversation, tools):
    """The model's next message."""
    body = json.dumps({"model": model, "messages": conversation, "tools": tools}).encode()
    key = os.environ.get("OPENAI_API_KEY", "placeholder")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(base_url + "/chat/completions", body, headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=120) as reply:
        return json.load(reply)["choices"][0]["message"]


def shell(command):
    try:
        done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, timeout=SHELL_TIMEOUT_SECONDS,
                              stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"shell failed: {error}"
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def do_call(mcp, call):
    name = call["function"]["name"]
    try:
        arguments = json.loads(call["function"]["arguments"])
        return shell(arguments["command"]) if name == SHELL_TOOL["name"] else mcp.call(name, arguments)
    except (McpError, ValueError, KeyError) as error:
        return f"tool `{name}` failed: {error}"


def run_task(mcp, task, options):
    offered = mcp.tools() + ([SHELL_TOOL] if options.shell else [])
    tools = [
        {"type": "function", "function": {
            "name": t["name"], "description": t.get("description", ""), "parameters": t["inputSchema"]}}
        for t in offered
    ]
    conversation = [{"role": "system", "content": "Do the task with the tools."}, {"role": "user", "content": task}]
    for _ in range(options.max_turns):
        message = ask(os.environ["OPENAI_BASE_URL"], options.model, conversation, tools)
        conversation.append(message)
        if not message.get("tool_calls"):
            return message.get("content") or ""
        for call in message["tool_calls"]:
            result = do_call(mcp, call)
            conversation.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    raise SystemExit(f"the model wanted more than {options.max_turns} turns")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mcp", default="nucleus mcp", help="command of the MCP server")
    parser.add_argument("--model", default="fake-1")
    parser.add_argument("--max-turns", type=int, default=100)
    parser.add_argument("--shell", action="store_true", help="also offer a shell of the agent's own")
    parser.add_argument("task")
    options = parser.parse_args()
    mcp = McpClient(shlex.split(options.mcp))
    try:
        print("FINAL:", run_task(mcp, options.task, options))
    finally:
        mcp.close()


if __name__ == "__main__":
    sys.exit(main())
