"""The proxy of a session: plain tunnels against `tinyproxy`, seen requests against `mitmproxy`, added time, idle memory.

The measuring is done by the example `egress_bench` of `nucleus-egress`, which starts both rivals, the servers and the clients on
loopback and asks all ways in turn.
"""
import shutil
import subprocess

from common import ROOT, SMOKE, BenchError, installed, main, scratch

VERSION = "11.0.2"  # the newest for the system's Python


def measure():
    tinyproxy = shutil.which("tinyproxy")
    if not tinyproxy:
        raise BenchError("tinyproxy is not installed (package `tinyproxy`)")
    build = ["cargo", "build", "--release", "--quiet", "-p", "nucleus-egress", "--example", "egress_bench", "--message-format=short"]
    subprocess.run(build, cwd=ROOT, check=True)
    program = ROOT / "target" / "release" / "examples" / "egress_bench"
    with scratch() as place:
        command = [str(program), "--tinyproxy", tinyproxy, "--mitmdump", str(installed("mitmproxy", VERSION, "mitmdump")), "--dir", str(place)]
        subprocess.run(command + ["--smoke"] * SMOKE, check=True)


if __name__ == "__main__":
    main(measure)
