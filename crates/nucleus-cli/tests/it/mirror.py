"""A mirror of packages and a forge over TLS: one crate, one wheel, one npm package and one git repository.

`mirror.py ADDRESS NAME CERTIFICATE KEY DIR PORT` serves on two ports of the address under the name, the second PORT or,
where that is 0, any, and prints them. Each request
is a line of `DIR/hits`; what is published is a line of `DIR/published`, and is accepted: refusing it is the proxy's task.
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile

ADDRESS, NAME, CERTIFICATE, KEY, DIR, PORT = sys.argv[1:]
PACKAGE = "tiny-mirrored"


def tar(files):
    """A compressed archive with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


def wheel():
    """A wheel with one module."""
    packed, info = io.BytesIO(), "tiny_mirrored-0.1.0.dist-info"
    files = {
        "tiny_mirrored.py": "ANSWER = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 0.1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: mirror\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(text)}\n")
    files[f"{info}/RECORD"] = "".join(lines) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


CRATE = tar({
    f"{PACKAGE}-0.1.0/Cargo.toml": f'[package]\nname = "{PACKAGE}"\nversion = "0.1.0"\nedition = "2021"\n',
    f"{PACKAGE}-0.1.0/src/lib.rs": "pub const ANSWER: u32 = 42;\n",
})
WHEEL = wheel()
TARBALL = tar({
    "package/package.json": json.dumps({"name": PACKAGE, "version": "0.1.0", "main": "index.js"}),
    "package/index.js": "module.exports = 42;\n",
})
WHEEL_PATH = "/files/tiny_mirrored-0.1.0-py3-none-any.whl"


def pages(base):
    """What is served, by path."""
    entry = {
        "name": PACKAGE, "vers": "0.1.0", "deps": [], "cksum": hashlib.sha256(CRATE).hexdigest(), "features": {}, "yanked": False,
    }
    digest = base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()
    dist = {"tarball": f"{base}/npm/{PACKAGE}/-/{PACKAGE}-0.1.0.tgz", "integrity": f"sha512-{digest}"}
    packument = {
        "name": PACKAGE, "dist-tags": {"latest": "0.1.0"},
        "versions": {"0.1.0": {"name": PACKAGE, "version": "0.1.0", "dist": dist}},
    }
    link = f'<a href="{WHEEL_PATH}#sha256={hashlib.sha256(WHEEL).hexdigest()}">tiny_mirrored-0.1.0-py3-none-any.whl</a>'
    return {
        "/cargo/config.json": (json.dumps({"dl": f"{base}/cargo/dl", "api": f"{base}/cargo"}).encode(), "application/json"),
        f"/cargo/ti/ny/{PACKAGE}": (json.dumps(entry).encode() + b"\n", "text/plain"),
        f"/cargo/dl/{PACKAGE}/0.1.0/download": (CRATE, "application/gzip"),
        f"/simple/{PACKAGE}/": (f"<!DOCTYPE html><html><body>{link}</body></html>".encode(), "text/html"),
        WHEEL_PATH: (WHEEL, "application/octet-stream"),
        f"/npm/{PACKAGE}": (json.dumps(packument).encode(), "application/json"),
        f"/npm/{PACKAGE}/-/{PACKAGE}-0.1.0.tgz": (TARBALL, "application/octet-stream"),
    }


def note(name, line):
    with open(os.path.join(DIR, name), "a") as file:
        file.write(line + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    pages = {}

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        note("hits", f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if path.startswith("/git/"):
            self.git(b"")
        elif path in self.pages:
            self.answer(200, *self.pages[path])
        else:
            self.answer(404, b"no such page\n")

    do_HEAD = do_GET

    def do_POST(self):
        note("hits", f"{self.command} {self.path}")
        body = self.body()
        if self.path.endswith("/git-upload-pack"):
            self.git(body)
        else:
            note("published", f"{self.command} {self.path}")
            if self.path.endswith("/crates/new"):
                self.index(body)
            self.answer(200, b"{}", "application/json")

    do_PUT = do_POST

    def index(self, body):
        """Lists a published crate, which cargo waits for."""
        size = int.from_bytes(body[:4], "little")
        told, crate = json.loads(body[4:4 + size]), body[8 + size:]
        name, digest = told["name"], hashlib.sha256(crate).hexdigest()
        entry = {"name": name, "vers": told["vers"], "deps": [], "cksum": digest, "features": {}, "yanked": False}
        self.pages[f"/cargo/{name[:2]}/{name[2:4]}/{name}"] = (json.dumps(entry).encode() + b"\n", "text/plain")

    def git(self, body):
        """The repository by git's own program."""
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": os.path.join(DIR, "git"), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path.removeprefix("/git"), "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "192.0.2.1",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.answer(int(headers.get("Status", "200").split()[0]), rest, headers.get("Content-Type", "text/plain"))


def main():
    git = ["git", "-c", "user.name=Mirror", "-c", "user.email=mirror@localhost", "-c", "init.defaultBranch=main"]
    made, served = os.path.join(DIR, "made"), os.path.join(DIR, "git", "repo.git")
    for words in (["init", "-q", made], ["-C", made, "commit", "-q", "--allow-empty", "-m", "mirrored"], ["clone", "-q", "--bare", made, served]):
        subprocess.run(git + words, check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    servers = [served_by(context, port) for port in (0, int(PORT))]
    print(*(server.server_port for server in servers), flush=True)
    for server in servers:
        threading.Thread(target=server.serve_forever).start()


def served_by(context, port):
    """A server on a port of its own, whose pages name that port."""
    handler = type("Port", (Handler,), {})
    server = http.server.ThreadingHTTPServer((ADDRESS, port), handler)
    server.daemon_threads = True
    handler.pages = pages(f"https://{NAME}:{server.server_port}")
    # The handshake is made by the connection's own thread, at its first byte.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


if __name__ == "__main__":
    main()
