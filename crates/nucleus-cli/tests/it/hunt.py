"""Looks for secrets wherever a program of the jail can look: memory, environments, arguments, open files, files.

The program knows a secret in two halves only and never joins them, so that its own memory holds the whole of none. Each hunt
plants strings of its own in the same kinds of places and looks for those too: a hunt that misses one says so.
"""
import re, select, tempfile

STEP, MAX_MEMORY, MAX_FILE = 1 << 20, 2 << 30, 256 << 20
ENDED_EARLY = []


def pieces(file, start, end):
    """The bytes of a range, each piece with the end of the one before it."""
    kept, at = b"", start
    while at < end:
        try:
            file.seek(at)
            piece = file.read(min(STEP, end - at))
        except (OSError, ValueError, OverflowError):
            return
        if not piece:
            return
        yield kept + piece
        kept, at = piece[-256:], at + len(piece)


def is_in(piece, halves):
    first, second = halves
    at = piece.find(first)
    while at >= 0:
        if piece.startswith(second, at + len(first)):
            return True
        at = piece.find(first, at + 1)
    return False


def memory(process):
    """Every readable mapping of a process, as bytes; refused for one that is not ours to read."""
    total = 0
    with open(f"{process}/maps") as maps, open(f"{process}/mem", "rb", buffering=0) as file:
        for line in maps.read().splitlines():
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if not rights.startswith("r") or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = int(start, 16), int(end, 16)
            total += end - start
            if total > MAX_MEMORY:
                ENDED_EARLY.append(f"{process}/mem")
                return
            yield from pieces(file, start, end)


def whole(path):
    """A regular file; what the kernel makes up as it is read has no size."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE:
            ENDED_EARLY.append(path)
        if size:
            yield from pieces(file, 0, min(size, MAX_FILE))
        else:
            yield file.read(MAX_FILE)


def places():
    """Each place by name, with what reads it."""
    for process in glob.glob("/proc/[0-9]*"):
        yield f"{process}/mem", memory(process)
        for name in ["environ", "cmdline", *(f"fd/{fd}" for fd in listed(f"{process}/fd"))]:
            yield f"{process}/{name}", whole(f"{process}/{name}")
    for top in ("/tmp", "/run", "/etc", "/dev/shm", os.environ.get("HOME", "/nowhere"), os.getcwd(), DRIVER):
        for directory, _, names in os.walk(top):
            for name in names:
                yield os.path.join(directory, name), whole(os.path.join(directory, name))


def listed(directory):
    try:
        return os.listdir(directory)
    except OSError:
        return []


def hunt(needles):
    """Where each of the named pairs of halves stands joined."""
    found = {name: set() for name in needles}
    for place, content in places():
        try:
            if not place.endswith("/mem") and not stat.S_ISREG(os.stat(place).st_mode):
                continue
            for piece in content:
                for name, halves in needles.items():
                    if is_in(piece, halves):
                        found[name].add(place)
        except OSError:
            continue
    return found


def half():
    return os.urandom(12).hex().encode()


# A process that holds one string in its memory, and another in its environment.
HOLDER = "import sys; first, second = sys.stdin.readline().split(); held = first + second; print(flush=True); sys.stdin.read()"

planted = {name: (half(), half()) for name in ("own memory", "another's memory", "environment", "end of a file", "open file")}
joined = {name: b"".join(planted[name]) for name in planted if name != "another's memory"}
holder = subprocess.Popen(
    [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"HELD": joined.pop("environment").decode()},
)
holder.stdin.write(b" ".join(planted["another's memory"]) + b"\n")
holder.stdin.flush()
holder.stdout.readline()
with tempfile.NamedTemporaryFile() as deep, tempfile.TemporaryFile() as nameless:
    deep.write(bytes(3 << 20) + joined.pop("end of a file"))
    deep.flush()
    nameless.write(joined.pop("open file"))
    nameless.flush()
    found = hunt({**planted, "secret": tuple(text.encode() for text in HALVES)})
    expected = {
        "own memory": f"/proc/{os.getpid()}/mem", "another's memory": f"/proc/{holder.pid}/mem",
        "environment": f"/proc/{holder.pid}/environ", "end of a file": deep.name,
        "open file": f"/proc/{os.getpid()}/fd/{nameless.fileno()}",
    }
holder.kill()
holder.wait()
got = {
    "secret": sorted(found["secret"]),
    "missed": sorted(name for name, place in expected.items() if place not in found[name]),
    "ended early": ENDED_EARLY,
}
