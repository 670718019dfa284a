"""The proxy of a session: plain tunnels against `tinyproxy`, seen requests against `mitmproxy`, added time, idle memory.

The measuring is done by the example `egress_bench` of `nucleus-egress`, which starts both rivals, the servers and the clients on
loopback and asks all ways in turn.
"""
import shutil
import subprocess

from common import PYTHON, ROOT, SCRATCH, SMOKE, BenchError, main, scratch

VERSION = "11.0.2"  # the newest for the system's Python


def mitmdump():
    """The rival's program, installed at its exact version on first use."""
    directory = SCRATCH / f"mitmproxy-{VERSION}"
    program = directory / "bin" / "mitmdump"
    if not (directory / ".installed").is_file():
        subprocess.run([PYTHON, "-m", "venv", "--clear", str(directory)], check=True)
        install = [str(directory / "bin" / "pip"), "install", "--quiet", f"mitmproxy=={VERSION}"]
        if subprocess.run(install).returncode != 0 or not program.is_file():
            raise BenchError(f"`pip install mitmproxy=={VERSION}` gave no program")
        (directory / ".installed").touch()
    return program


def measure():
    tinyproxy = shutil.which("tinyproxy")
    if not tinyproxy:
        raise BenchError("tinyproxy is not installed (package `tinyproxy`)")
    build = ["cargo", "build", "--release", "--quiet", "-p", "nucleus-egress", "--example", "egress_bench", "--message-format=short"]
    subprocess.run(build, cwd=ROOT, check=True)
    program = ROOT / "target" / "release" / "examples" / "egress_bench"
    with scratch() as place:
        command = [str(program), "--tinyproxy", tinyproxy, "--mitmdump", str(mitmdump()), "--dir", str(place)]
        subprocess.run(command + ["--smoke"] * SMOKE, check=True)


if __name__ == "__main__":
    main(measure)
