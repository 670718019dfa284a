//! A program for jails that does a list of file operations and tells what it sees afterwards.

use super::fixture::Dump;

/// Takes JSON lists of operations; each that fails is passed over. Prints the tree it then sees.
pub(crate) const PROGRAM: &str = r#"
import hashlib, json, os, shutil, stat, sys
root = os.getcwdb()
def b(text): return bytes.fromhex(text) if isinstance(text, str) else bytes([text[0]]) * text[1]
def put(path, data, flags):
    fd = os.open(path, flags | os.O_NOFOLLOW, 0o666)
    try: os.write(fd, data)
    finally: os.close(fd)
def move(old, new):
    try: os.rename(old, new)
    except OSError as e:
        # As mv does where an overlay refuses to rename a directory of a lower layer.
        if e.errno != 18 or os.path.lexists(new) or (new + b'/').startswith(old + b'/'): raise
        shutil.copytree(old, new, symlinks=True)
        shutil.rmtree(old)
def sparse(path, size):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    try:
        os.ftruncate(fd, size); os.pwrite(fd, b'end', size - 3)
    finally: os.close(fd)
OPS = {
    'create': lambda p, d: put(b(p), b(d), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    'append': lambda p, d: put(b(p), b(d), os.O_WRONLY | os.O_APPEND),
    'truncate': lambda p, n: os.truncate(b(p), n) if not os.path.islink(b(p)) else None,
    'mkdir': lambda p: os.makedirs(b(p)),
    'rename': lambda p, q: move(b(p), b(q)),
    'link': lambda p, q: os.link(b(p), b(q), follow_symlinks=False),
    'symlink': lambda t, p: os.symlink(b(t), b(p)),
    'unlink': lambda p: os.unlink(b(p)),
    'rmtree': lambda p: shutil.rmtree(b(p)),
    'chmod': lambda p, m: os.chmod(b(p), m) if os.path.isfile(b(p)) and not os.path.islink(b(p)) else None,
    'chmod_dir': lambda p, m: os.chmod(b(p), m) if os.path.isdir(b(p)) and not os.path.islink(b(p)) else None,
    'sparse': lambda p, n: sparse(b(p), n),
    'touch': lambda p: os.utime(b(p), follow_symlinks=False),
    'recreate': lambda p, d: (os.unlink(b(p)), put(b(p), b(d), os.O_WRONLY | os.O_CREAT)),
}
for op in json.loads(sys.argv[1]):
    try: OPS[op[0]](*op[1:])
    except (OSError, shutil.Error): pass
for dir, dirs, files in os.walk(root):
    for name in dirs + files:
        path = os.path.join(dir, name)
        st = os.lstat(path)
        mode = st.st_mode & 0o777
        if stat.S_ISDIR(st.st_mode): text = 'dir %o' % mode
        elif stat.S_ISLNK(st.st_mode): text = 'link ' + hashlib.sha256(os.readlink(path)).hexdigest()
        elif stat.S_ISREG(st.st_mode):
            with open(path, 'rb') as f: text = 'file %o %d %s' % (mode, st.st_size, hashlib.sha256(f.read()).hexdigest())
        else: text = 'other'
        print(os.path.relpath(path, root).hex(), text)
"#;

/// Parses what [`PROGRAM`] printed.
pub(crate) fn parse(out: &str) -> Dump {
    out.lines()
        .map(|line| {
            let (path, text) = line.split_once(' ').unwrap_or_else(|| panic!("{out}"));
            let bytes = (0..path.len()).step_by(2);
            let bytes = bytes.map(|at| u8::from_str_radix(&path[at..at + 2], 16).unwrap());
            (bytes.collect(), text.to_owned())
        })
        .collect()
}

/// Hex of a path for an operation.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
