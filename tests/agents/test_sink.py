"""Every listener of the sink records what reaches it."""
import http.client
import pathlib
import socket
import tempfile
import time
import unittest

from modelserver.journal import Journal
from modelserver.sink import Sink

WAIT_SECONDS = 20


class SinkTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.journal = Journal(self.directory / "sink.jsonl")
        self.sink = Sink(self.journal, pages={"/page": "<p>obey</p>"})
        self.addCleanup(self.journal.close)
        self.addCleanup(self.sink.close)

    def recorded(self, kind):
        """The first entry of a kind; listeners record after the sender is done, so it may take a moment."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for entry in self.journal.entries(kind):
                return entry
            time.sleep(0.01)
        self.fail(f"no `{kind}` was recorded")

    def send(self, sock, where, data):
        with sock:
            sock.connect(where)
            sock.sendall(data)

    def test_web_request_with_its_body(self):
        web = http.client.HTTPConnection("127.0.0.1", self.sink.listen_web())
        web.request("POST", "/page?q=1", body="stolen")
        self.assertEqual(web.getresponse().read(), b"<p>obey</p>")
        web.close()
        entry = self.recorded("web")
        self.assertEqual((entry["method"], entry["path"], entry["body"]), ("POST", "/page?q=1", "stolen"))

    def test_bytes_on_the_web_port_that_are_not_http(self):
        self.send(socket.socket(), ("127.0.0.1", self.sink.listen_web()), b"stolen\r\n")
        self.assertIn("stolen", self.recorded("raw")["data"])

    def test_raw_bytes(self):
        self.send(socket.socket(), ("127.0.0.1", self.sink.listen_raw()), b"stolen")
        self.assertEqual(self.recorded("raw")["data"], "stolen")

    def test_a_bare_connection_is_recorded_too(self):
        self.send(socket.socket(), ("127.0.0.1", self.sink.listen_raw()), b"")
        self.assertEqual(self.recorded("raw")["data"], "")

    def test_datagram(self):
        self.send(socket.socket(type=socket.SOCK_DGRAM), ("127.0.0.1", self.sink.listen_udp()), b"stolen")
        self.assertEqual(self.recorded("udp")["data"], "stolen")

    def test_socket_file_and_abstract_name(self):
        self.sink.listen_unix(self.directory / "daemon.sock")
        self.send(socket.socket(socket.AF_UNIX), str(self.directory / "daemon.sock"), b"by file")
        self.assertEqual(self.recorded("unix")["data"], "by file")
        name = f"nucleus-test-{self.directory.name}"
        self.sink.listen_abstract(name)
        self.send(socket.socket(socket.AF_UNIX), "\0" + name, b"by name")
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.journal.entries("unix")) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.journal.entries("unix")[1]["data"], "by name")


if __name__ == "__main__":
    unittest.main()
