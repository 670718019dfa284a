#!/usr/bin/python3
"""The command line of a session, **confining nothing**: it lets the driver's own path be tested without the product.

`run` starts the agent as it is, with the model's socket forwarded to a port and the control's tool server as `nucleus mcp`.
"""
import argparse
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

STUB = pathlib.Path(__file__).resolve().with_name("stub_mcp.py")


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward(listener, path):
    """Passes every connection on to the socket file, whatever it says."""
    while True:
        client, _ = listener.accept()
        model = socket.socket(socket.AF_UNIX)
        model.connect(path)
        for pair in ((client, model), (model, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


def write_log():
    directory = pathlib.Path(os.environ["XDG_STATE_HOME"], "nucleus", "session")
    directory.mkdir(parents=True)
    (directory / "audit-0000.jsonl").write_text('{"kind": "start"}\n{"kind": "end"}\n')


def run(options):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=forward, args=(listener, options.model_socket), daemon=True).start()
    write_log()
    place = tempfile.mkdtemp()
    try:
        command = pathlib.Path(place, "nucleus")
        command.write_text(f"#!/bin/sh\nexec /usr/bin/python3 {shlex.quote(str(STUB))} {shlex.quote(options.dir)} http://127.0.0.1:9\n")
        command.chmod(0o755)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        own = {"PATH": f"{place}:{os.environ['PATH']}", "HOME": place, "OPENAI_BASE_URL": base + "/v1", "ANTHROPIC_BASE_URL": base,
               "OPENAI_API_KEY": "placeholder", "ANTHROPIC_API_KEY": "placeholder", "NUCLEUS_MCP_PORT": "0"}
        return subprocess.run(options.command[1:], cwd=place, env={**os.environ, **own}).returncode
    finally:
        shutil.rmtree(place)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("word", choices=["run"])
    parser.add_argument("--local", action="store_true", required=True)
    for flag in ("--profile", "--dir", "--model-socket", "--task"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--view-dir", action="append", default=[])
    at = sys.argv.index("--")
    options = parser.parse_args(sys.argv[1:at])
    options.command = sys.argv[at:]
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
