"""The attacker's side: web, raw TCP, UDP and Unix-socket listeners that record every byte that reaches them."""
import os
import pathlib
import socket
import socketserver
import threading
from http.server import ThreadingHTTPServer

from .http import Handler

RECORDED_BYTES = 65536
RAW_TIMEOUT_SECONDS = 5
POLL_SECONDS = 0.05  # how long a listener may take to notice that it is closed


class WebHandler(Handler):
    """Serves the script's pages and records every request, HTTP or not."""

    def do_GET(self):
        self.record("web", body=self.payload()[:RECORDED_BYTES].decode("latin1"))
        page = self.server.pages.get(self.path.partition("?")[0])
        self.answer(page or "ok", kind="text/html" if page else "text/plain")

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_CONNECT = do_GET

    def send_error(self, code, message=None, explain=None):
        self.server.journal.write("raw", data=self.raw_requestline[:RECORDED_BYTES].decode("latin1"))
        self.close_connection = True


class RawHandler(socketserver.BaseRequestHandler):
    """Records what a connection sends until it closes or falls silent; an empty connection is recorded too."""

    def handle(self):
        self.request.settimeout(RAW_TIMEOUT_SECONDS)
        data = b""
        try:
            while len(data) < RECORDED_BYTES and (piece := self.request.recv(4096)):
                data += piece
        except OSError:
            pass
        self.server.journal.write(self.server.kind, data=data.decode("latin1"))


class DatagramHandler(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.journal.write("udp", data=self.request[0].decode("latin1"))


class _RawServer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, kind = True, True, "raw"


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads, kind = True, "unix"


class Sink:
    """Every listener of the attacker, on ports that the system picks."""

    def __init__(self, journal, pages=None):
        self.journal, self.pages, self._servers = journal, pages or {}, []

    def listen_web(self, host="127.0.0.1", port=0):
        return self._serve(ThreadingHTTPServer((host, port), WebHandler)).server_address[1]

    def listen_raw(self, host="127.0.0.1", port=0):
        return self._serve(_RawServer((host, port), RawHandler)).server_address[1]

    def listen_udp(self, host="127.0.0.1", port=0):
        return self._serve(socketserver.ThreadingUDPServer((host, port), DatagramHandler)).server_address[1]

    def listen_unix(self, path):
        """A socket file that anybody may open, as a container daemon's would be to its group."""
        pathlib.Path(path).unlink(missing_ok=True)
        self._serve(_UnixServer(str(path), RawHandler))
        os.chmod(path, 0o666)

    def listen_abstract(self, name):
        self._serve(_UnixServer("\0" + name, RawHandler))

    def _serve(self, server):
        server.journal, server.pages, server.daemon_threads = self.journal, self.pages, True
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        self._servers.append(server)
        return server

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()


def outward_address():
    """The host's address on its network, or loopback where it has none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
