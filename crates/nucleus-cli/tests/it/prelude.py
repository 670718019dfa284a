import ctypes, errno, glob, json, os, signal, socket, stat, struct, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """A raw system call; an error is an OSError."""
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def each(**tries):
    """The result or the errno's name of each of several tries."""
    found = {}
    for name, body in tries.items():
        try:
            found[name] = {"got": repr(body())[:2000]}
        except OSError as error:
            found[name] = {"errno": errno.errorcode.get(error.errno, str(error.errno))}
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {error}"}
    return found


def put(path, text, mode=None):
    """Writes a file and the directories above it."""
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    if mode is not None:
        os.chmod(path, mode)


def slurp(path):
    with open(path, "rb") as file:
        return file.read(4096)


def sh(script):
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60)
    return {"status": done.returncode, "out": (done.stdout + done.stderr).decode(errors="replace")[-2000:]}


def attempt(code):
    """Runs the code and prints what it left in `got`, or how it failed, as the last line."""
    names = dict(globals())
    try:
        exec(compile(code, "attempt", "exec"), names)
        told = {"ok": True, "got": names.get("got")}
    except OSError as error:
        told = {"ok": False, "errno": errno.errorcode.get(error.errno, str(error.errno)), "error": str(error)}
    except BaseException as error:
        told = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print("\n@@" + json.dumps(told), flush=True)
