"""What the model endpoint and the sink have in common: reading a body, answering, and recording the request."""
import json
import zlib
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Silent: the journal has every request."""

    def payload(self):
        """The request's body, of any framing, decompressed."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return zlib.decompress(raw, 47) if self.headers.get("Content-Encoding") in ("gzip", "deflate") else raw

    def record(self, kind, **entry):
        headers = dict(self.headers)
        self.server.journal.write(kind, method=self.command, path=self.path, headers=headers, **entry)

    def start(self, status=200, kind="application/json", **headers):
        self.send_response(status)
        for key, value in {"Content-Type": kind, **headers}.items():
            self.send_header(key, value)
        self.end_headers()

    def answer(self, body, status=200, kind="application/json", headers=None):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.start(status, kind, **{"Content-Length": str(len(data)), **(headers or {})})
        self.wfile.write(b"" if self.command == "HEAD" else data)
