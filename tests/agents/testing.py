"""What the tests share: a model server on its own journal, plain HTTP, and stream parsing."""
import json
import pathlib
import tempfile
import unittest
import urllib.error
import urllib.request

from modelserver.journal import Journal
from modelserver.serve import ModelServer

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PATH_TOOL = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
ARGV_TOOL = {"type": "object", "properties": {"argv": {"type": "array", "items": {"type": "string"}}}}


class ServerCase(unittest.TestCase):
    """Each test has a directory and, once it calls `serve`, a model server on a port of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.journal = Journal(self.directory / "model.jsonl")
        self.addCleanup(self.journal.close)

    def serve(self, *turns, variables=None, **script):
        self.model = ModelServer({"main": {**script, "turns": list(turns)}}, variables or {}, self.journal)
        self.addCleanup(self.model.close)
        self.base = f"http://127.0.0.1:{self.model.listen_tcp()}"
        return self.base

    def post(self, path, body, **headers):
        """(status, parsed body) or, for a stream, (status, [(event, data)])."""
        status, raw, kind = self.post_raw(path, json.dumps(body).encode(), **headers)
        return status, parse_stream(raw) if "event-stream" in kind else json.loads(raw)

    def post_raw(self, path, raw, **headers):
        request = urllib.request.Request(self.base + path, raw, {"Content-Type": "application/json", **headers})
        try:
            with DIRECT.open(request, timeout=30) as reply:
                return reply.status, reply.read(), reply.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers["Content-Type"]

    def get(self, path):
        with DIRECT.open(self.base + path, timeout=30) as reply:
            return json.load(reply)


def parse_stream(raw):
    events = []
    for block in raw.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            data = fields["data"]
            events.append((fields.get("event"), data if data == "[DONE]" else json.loads(data)))
    return events


def chat_request(*messages, tools=("read",), **extra):
    schemas = {"run": ARGV_TOOL}
    offered = [{"type": "function", "function": {"name": t, "parameters": schemas.get(t, PATH_TOOL)}} for t in tools]
    return {"model": "m", "messages": list(messages) or [{"role": "user", "content": "go"}], "tools": offered, **extra}


def tool_result(call, text):
    return {"role": "tool", "tool_call_id": call["id"], "content": text}
