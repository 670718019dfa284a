"""Both ends of many connections to a proxy, in a process of its own.

`crowd.py PORT TUNNELS SILENT` serves on a port of its own and says which, opens so many tunnels to it by the proxy on the
port given, then so many connections that say half a head, prints `open`, and on a line of input passes bytes through every
tunnel. Each step waits for a line of input.
"""
import resource
import socket
import sys
import threading

PORT, TUNNELS, SILENT = map(int, sys.argv[1:])
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))


def serve(listener, accepted):
    for _ in range(TUNNELS):
        accepted.append(listener.accept()[0])


def connect():
    own = socket.create_connection(("127.0.0.1", PORT))
    own.settimeout(240)
    return own


def tunnel():
    own = connect()
    own.sendall(b"CONNECT raw.test:2222 HTTP/1.1\r\nHost: raw.test:2222\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = own.recv(4096)
        assert more, head
        head += more
    assert b" 200 " in head, head
    own.sendall(b"first")
    return own


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    accepted = []
    serving = threading.Thread(target=serve, args=(listener, accepted), daemon=True)
    serving.start()
    print("listening", listener.getsockname()[1], flush=True)
    sys.stdin.readline()
    tunnels = [tunnel() for _ in range(TUNNELS)]
    silent = []
    for _ in range(SILENT):
        own = connect()
        own.sendall(b"CONNECT raw.te")
        silent.append(own)
    print("open", flush=True)
    sys.stdin.readline()
    for own in tunnels:
        own.sendall(b"x")
    serving.join()
    for own in accepted:
        own.settimeout(240)
        said = b""
        while said != b"firstx":
            more = own.recv(64)
            assert more, said
            said += more
    print(f"passed {len(accepted)}", flush=True)
    sys.stdin.readline()


main()
