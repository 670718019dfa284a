"""Calls the tools of one MCP server and says how long each call took; the same client for every server that is compared.

    python mcp_client.py COMMAND [ARGUMENT..]

starts the server and speaks with it over its standard streams. An order is one line of JSON on standard input,

    {"tool": NAME, "calls": [ARGUMENTS..], "expect": [TEXT..], "via": "stdio"}

and its answer one line on standard output. `via` `port` speaks with 127.0.0.1:$NUCLEUS_MCP_PORT instead, over a
connection of its own. The clock runs from before the request is written until its answer's line is read; every answer
is then parsed, and one that is an error or lacks the expected text ends the measurement.
"""
import json
import os
import socket
import subprocess
import sys
import time

REVISION = "2025-06-18"


class Server:
    """One initialized connection."""

    def __init__(self, reads, writes):
        self.reads, self.writes, self.last = reads, writes, 0
        hello = {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.request("initialize", hello)
        self.send({"method": "notifications/initialized"})

    def send(self, message):
        self.writes.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
        self.writes.flush()

    def request(self, method, params):
        """The result of one request, when it was sent and how long its answer took."""
        self.last += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}).encode() + b"\n"
        sent, start = time.time_ns(), time.perf_counter_ns()
        self.writes.write(line)
        self.writes.flush()
        while True:
            answer = self.reads.readline()
            elapsed = time.perf_counter_ns() - start
            if not answer:
                raise ValueError(f"the server left while `{method}` was asked for")
            message = json.loads(answer)
            if message.get("id") == self.last:
                break
        if "result" not in message:
            raise ValueError(f"`{method}`: {message.get('error')}")
        return message["result"], sent, elapsed


def started(command):
    """The server that this client starts itself."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Server(process.stdout, process.stdin)


def dialled():
    """The server at the session's port."""
    stream = socket.create_connection(("127.0.0.1", int(os.environ["NUCLEUS_MCP_PORT"])))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Server(stream.makefile("rb"), stream.makefile("wb"))


def text(result):
    """All text of one result."""
    return "\n".join(block.get("text", "") for block in result["content"])


def obey(server, order):
    """Makes the calls of one order in turn."""
    sent_ns, elapsed_ns, texts = [], [], []
    for arguments, expected in zip(order["calls"], order["expect"], strict=True):
        result, sent, elapsed = server.request("tools/call", {"name": order["tool"], "arguments": arguments})
        said = text(result)
        if result.get("isError") or expected not in said:
            raise ValueError(f"`{order['tool']}` answered: {said[:500]}")
        sent_ns.append(sent)
        elapsed_ns.append(elapsed)
        texts.append(said[:400])
    return {"bench": 1, "sent_ns": sent_ns, "elapsed_ns": elapsed_ns, "texts": texts}


def main():
    servers = {}
    ways = {"stdio": lambda: started(sys.argv[1:]), "port": dialled}
    try:
        servers["stdio"] = ways["stdio"]()
        print(json.dumps({"bench": 1}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            via = order["via"]
            if via not in servers:
                servers[via] = ways[via]()
            print(json.dumps(obey(servers[via], order)), flush=True)
    except (OSError, ValueError, KeyError) as error:
        print(json.dumps({"bench": 1, "error": f"{type(error).__name__}: {error}"}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
