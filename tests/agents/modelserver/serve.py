"""Serves scripts as a model: on loopback TCP, on a Unix socket that only its owner can open, or on both."""
import json
import os
import pathlib
import re
import socketserver
import threading
import time
from http.server import ThreadingHTTPServer

from .http import Handler
from .play import Session
from .replies import chat, messages, responses
from .wire import read_request

# Matched on the last part of the path, so that any prefix works.
APIS = {"completions": ("chat", chat), "responses": ("responses", responses), "messages": ("messages", messages)}
RECORDED_BODY_BYTES = 65536  # of a body that is no model request
BACKLOG = 128  # calls that come at once; a full queue of a Unix socket refuses
POLL_SECONDS = 0.05  # how long a listener may take to notice that it is closed
MODELS = {
    "object": "list", "data": [{"id": "fake-1", "object": "model", "created": 0}], "models": [], "has_more": False,
}


class ModelHandler(Handler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/__status":
            return self.answer(self.server.model.status())
        if path.endswith("/models"):
            self.record("get")
            return self.answer(MODELS)
        self.record("other", body="")
        return self._no_such_endpoint(path)

    def do_POST(self):
        raw, path = self.payload(), self.path.partition("?")[0].rstrip("/")
        name = (re.match(r"/s/([^/]+)/", path) or (None, "main"))[1]
        if path.endswith("/messages/count_tokens"):
            return self.answer({"input_tokens": len(raw) // 4})
        api, encode = APIS.get(path.rpartition("/")[2], (None, None))
        body = _json_object(raw)
        if not api or body is None:
            self.record("other", session=name, body=raw[:RECORDED_BODY_BYTES].decode("latin1"))
            return self._no_such_endpoint(path)
        request = read_request(api, body)
        reply = self.server.model.session(name).next(request)
        self._record_turn(name, request, reply)
        time.sleep(reply.turn.get("delay_ms", 0) / 1000)
        if "error" in reply.turn:
            return self._fail(reply.turn["error"])
        whole, events = encode(reply, body.get("model", "fake-1"))
        return self._stream(events, reply.turn) if body.get("stream") else self.answer(whole)

    def do_other(self):
        self.record("other", body=self.payload()[:RECORDED_BODY_BYTES].decode("latin1"))
        self._no_such_endpoint(self.path)

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = do_other

    def _no_such_endpoint(self, path):
        self.answer({"error": {"message": f"no such endpoint {path}", "type": "not_found"}}, 404)

    def _record_turn(self, name, request, reply):
        said = {"text": reply.text, "calls": [[call.tool.flat, call.args] for call in reply.calls]}
        self.record(
            "model", session=name, api=request.api, turn=reply.index, stream=bool(request.body.get("stream")),
            tools=[tool.flat for tool in request.tools], reply=said, **reply.notes, body=request.body,
        )

    def _fail(self, error):
        detail = {"type": error.get("type", "server_error"), "message": error.get("message", "scripted error")}
        self.answer({"type": "error", "error": detail}, error.get("status", 500), headers=error.get("headers"))

    def _stream(self, events, turn):
        self.start(kind="text/event-stream", **{"Cache-Control": "no-cache", "Connection": "close"})
        self.close_connection = True
        for kind, data in events[: turn.get("cut_after")]:
            line = data if isinstance(data, str) else json.dumps(data)
            self.wfile.write(((f"event: {kind}\n" if kind else "") + f"data: {line}\n\n").encode())
            time.sleep(turn.get("chunk_ms", 0) / 1000)


def _json_object(raw):
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


class _TcpServer(ThreadingHTTPServer):
    request_queue_size = BACKLOG


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = BACKLOG


class ModelServer:
    """Sessions by name (`main`, or NAME of the prefix /s/NAME/v1), shared by all listeners."""

    def __init__(self, scripts, variables, journal):
        self.scripts, self.variables, self.journal = scripts, variables, journal
        self._sessions, self._lock, self._servers = {}, threading.Lock(), []

    def session(self, name):
        with self._lock:
            if name not in self._sessions:
                script = self.scripts.get(name) or next(iter(self.scripts.values()))
                self._sessions[name] = Session(script, self.variables)
            return self._sessions[name]

    def status(self):
        with self._lock:
            return {name: session.status() for name, session in self._sessions.items()}

    def listen_tcp(self, port=0):
        """Serves on 127.0.0.1 and returns the port."""
        return self._serve(_TcpServer(("127.0.0.1", port), ModelHandler)).server_address[1]

    def listen_unix(self, path):
        """Serves on a socket file of mode 0600. Whoever can open it can speak to the model: one socket per session."""
        pathlib.Path(path).unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._serve(_UnixServer(str(path), ModelHandler))
        finally:
            os.umask(mask)

    def _serve(self, server):
        server.model, server.journal, server.daemon_threads = self, self.journal, True
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        self._servers.append(server)
        return server

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()
