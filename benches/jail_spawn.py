"""The time from request to the dead jail for `/bin/true`, against bubblewrap by the same user: as root, and as a user without rights.

`jail bench` does the measuring, both sides in turn in one run. Started by an ordinary user, only that user's figure exists.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from common import BenchError, built, choose, emit, main

ROUNDS = choose("60", "3")
ORDINARY = 60_999  # no user of any distribution, and below what systemd hands out


def measure():
    program = built("nucleus-jail", "jail")
    if not shutil.which("bwrap"):
        raise BenchError("bubblewrap is not installed (package `bubblewrap`)")
    if os.geteuid() != 0:
        report("jail_spawn_user", run([str(program), "bench", ROUNDS]))
        return
    report("jail_spawn", run([str(program), "bench", ROUNDS]))
    with tempfile.TemporaryDirectory(prefix="nucleus-bench-") as name:
        place = pathlib.Path(name)  # the build directory may lie where the user cannot go
        place.chmod(0o755)
        copy = shutil.copy2(program, place / "jail")
        drop = ["setpriv", "--reuid", str(ORDINARY), "--regid", str(ORDINARY), "--clear-groups", "--inh-caps=-all"]
        report("jail_spawn_user", run([*drop, copy, "bench", ROUNDS], place))


def run(command, directory=None):
    done = subprocess.run(command, capture_output=True, text=True, cwd=directory)
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(command)}`: {done.stderr.strip()}")
    return json.loads(done.stdout)


def report(claim, said):
    emit(
        claim,
        "ms",
        said["ours_ms"],
        said["rival_ms"],
        rival_name="bwrap --unshare-all",
        back_to_back_ms=said["back_to_back_ms"],
        cold_ms=said["cold_ms"],
        rounds=said["rounds"],
    )


if __name__ == "__main__":
    main(measure)
