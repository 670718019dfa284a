//! The changed set, landed on a copy, is the tree the program saw.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nucleus_jail::changed::{Bounds, Change, ChangedSet, Node, changed_set};
use nucleus_jail::{Error, Overlay, Upper};
use proptest::prelude::*;

use crate::fixture::{over, overlay, python, run, sh};

/// Performs the operations of its argument, whatever fails, and prints the tree it then sees.
const PROGRAM: &str = r#"
import os, sys, stat, shutil, hashlib
os.umask(0o022)
def opener(p, f): return os.open(p, f | os.O_NONBLOCK, 0o666) # a FIFO nobody reads must not wait
def name(h): return os.fsencode(bytes.fromhex(h))
for line in OPS.split('\n'):
    w = line.split(' ')
    try:
        if w[0] == 'write':
            with open(name(w[1]), 'wb', opener=opener) as f: f.write(name(w[2]))
        elif w[0] == 'append':
            with open(name(w[1]), 'ab', opener=opener) as f: f.write(name(w[2]))
        elif w[0] == 'sparse':
            with open(name(w[1]), 'ab', opener=opener) as f: f.truncate(100000)
        elif w[0] == 'shorten': os.truncate(name(w[1]), 1)
        elif w[0] == 'mkdir': os.mkdir(name(w[1]))
        elif w[0] == 'rename': os.rename(name(w[1]), name(w[2]))
        elif w[0] == 'move': shutil.move(os.fsdecode(name(w[1])), os.fsdecode(name(w[2])))
        elif w[0] == 'link': os.link(name(w[1]), name(w[2]), follow_symlinks=False)
        elif w[0] == 'symlink': os.symlink(name(w[1]), name(w[2]))
        elif w[0] == 'unlink': os.unlink(name(w[1]))
        elif w[0] == 'rmdir': os.rmdir(name(w[1]))
        elif w[0] == 'rmtree' and os.path.isdir(name(w[1])): shutil.rmtree(name(w[1]))
        elif w[0] == 'chmod': os.chmod(name(w[1]), int(w[2], 8) | (0o500 if os.path.isdir(name(w[1])) else 0))
        elif w[0] == 'touch': os.utime(name(w[1]), (1, 1))
        elif w[0] == 'fifo': os.mkfifo(name(w[1]))
    except (OSError, shutil.Error): pass
def show(d):
    for n in sorted(os.listdir(d)):
        p = os.path.join(d, n); s = os.lstat(p); m = oct(s.st_mode & 0o777)[2:]; h = p[2:].hex()
        if stat.S_ISDIR(s.st_mode): print(h, 'dir', m); show(p)
        elif stat.S_ISLNK(s.st_mode): print(h, 'link', os.readlink(p).hex())
        elif stat.S_ISREG(s.st_mode): print(h, 'file', m, open(p, 'rb').read().hex())
        else: print(h, 'other')
show(b'.')
"#;

type Tree = BTreeMap<Vec<u8>, String>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn seen(out: &str) -> Tree {
    let lines = out.lines().filter(|line| !line.ends_with(" other"));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, rest)| (unhex(name), rest.to_owned()))
        .collect()
}

fn tree_of(root: &Path) -> Tree {
    let mut tree = Tree::new();
    listed(root, root, &mut tree);
    tree
}

fn listed(root: &Path, dir: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = path
            .strip_prefix(root)
            .unwrap()
            .as_os_str()
            .as_bytes()
            .to_vec();
        let mode = meta.mode() & 0o777;
        let text = if meta.is_dir() {
            format!("dir {mode:o}")
        } else if meta.is_symlink() {
            format!(
                "link {}",
                hex(fs::read_link(&path).unwrap().as_os_str().as_bytes())
            )
        } else {
            format!("file {mode:o} {}", hex(&fs::read(&path).unwrap()))
        };
        tree.insert(name, text);
        if meta.is_dir() {
            listed(root, &path, tree);
        }
    }
}

/// Applies a changed set to `tree` as a landing would: in order, modes of directories last.
fn land(set: &ChangedSet, upper: BorrowedFd<'_>, tree: &Path) {
    let from = PathBuf::from(format!("/proc/self/fd/{}", upper.as_raw_fd()));
    let mut modes = Vec::new();
    for changed in &set.changes {
        let (to, from) = (tree.join(&changed.path), from.join(&changed.path));
        match &changed.change {
            Change::Delete => {
                if fs::symlink_metadata(&to).unwrap().is_dir() {
                    fs::remove_dir(&to).unwrap();
                } else {
                    fs::remove_file(&to).unwrap();
                }
            }
            Change::Create(node) | Change::Modify(node) => {
                if matches!(changed.change, Change::Create(_)) {
                    assert!(
                        fs::symlink_metadata(&to).is_err(),
                        "{} is created over something",
                        to.display()
                    );
                } else {
                    fs::remove_file(&to).unwrap();
                }
                make(node, &from, &to, &mut modes);
            }
            Change::Mode(node @ Node::File { .. }) => {
                fs::remove_file(&to).unwrap(); // another name of it keeps its mode
                make(node, &from, &to, &mut modes);
            }
            Change::Mode(Node::Dir { mode }) => modes.push((to, *mode)),
            Change::Mode(Node::Symlink { .. }) => panic!("a link has no mode"),
        }
    }
    for (path, mode) in modes.into_iter().rev() {
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
}

fn make(node: &Node, from: &Path, to: &Path, modes: &mut Vec<(PathBuf, u32)>) {
    match node {
        Node::Dir { mode } => {
            fs::create_dir(to).unwrap();
            modes.push((to.to_owned(), *mode));
        }
        Node::Symlink { target } => symlink(target, to).unwrap(),
        Node::File { bytes, mode } => {
            let content = fs::read(from).unwrap();
            assert_eq!(content.len() as u64, *bytes);
            fs::write(to, content).unwrap();
            modes.push((to.to_owned(), *mode));
        }
    }
}

/// What every case starts with; built twice, once as workspace and once to land on.
fn start(dir: &Path, in_staged: bool) {
    let write = |path: &str, text: &str| {
        fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        fs::write(dir.join(path), text).unwrap();
        fs::set_permissions(dir.join(path), PermissionsExt::from_mode(0o644)).unwrap();
    };
    write("a/one", "1");
    write("a/two", "22");
    write("a/deep/three", "333");
    write("b/one", "b1");
    write("c", "c");
    symlink("a/one", dir.join("l")).unwrap();
    fs::hard_link(dir.join("a/two"), dir.join("h")).unwrap();
    if in_staged {
        write("a/staged", "s");
        write("b/one", "changed");
    }
    for path in ["a", "b", "a/deep"] {
        fs::set_permissions(dir.join(path), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop::sample::select(vec![
        "one",
        "two",
        "deep",
        "c",
        "l",
        "h",
        "x",
        "y z",
        "new\nline",
        "staged",
    ]);
    let dir = prop::sample::select(vec!["", "a/", "b/", "a/deep/", "n/", "n/m/"]);
    prop_oneof![
        9 => (dir, leaf).prop_map(|(dir, leaf)| [dir.as_bytes(), leaf.as_bytes()].concat()),
        1 => Just(b"odd\xff\xfe".to_vec()),
        4 => prop::sample::select(vec!["a", "b", "a/deep", "n", "n/m", "l", "c"]).prop_map(|name| name.as_bytes().to_vec()),
    ]
}

fn operation() -> impl Strategy<Value = String> {
    let one = |word: &'static str| name().prop_map(move |a| format!("{word} {}", hex(&a)));
    let two = |word: &'static str| {
        (name(), name()).prop_map(move |(a, b)| format!("{word} {} {}", hex(&a), hex(&b)))
    };
    prop_oneof![
        3 => two("write"),
        1 => two("append"),
        1 => one("sparse"),
        1 => one("shorten"),
        3 => one("mkdir"),
        3 => two("rename"),
        2 => two("move"),
        1 => two("link"),
        2 => two("symlink"),
        3 => one("unlink"),
        1 => one("rmdir"),
        2 => one("rmtree"),
        1 => (name(), prop::sample::select(vec!["644", "600", "755", "4755", "700", "2711", "500"])).prop_map(|(a, mode)| format!("chmod {} {mode}", hex(&a))),
        1 => one("touch"),
        1 => one("fifo"),
    ]
}

fn check(operations: &[String], on_disk: bool) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| fs::canonicalize(dir.path()).unwrap().join(name);
    for name in ["ws", "staged", "copy", "cmd"] {
        fs::create_dir(path(name)).unwrap();
    }
    start(&path("ws"), false);
    start(&path("copy"), true);
    for (file, text) in [("a/staged", "s"), ("b/one", "changed")] {
        fs::create_dir_all(path("staged").join(file).parent().unwrap()).unwrap();
        fs::write(path("staged").join(file), text).unwrap();
    }
    let before = tree_of(&path("ws"));
    let program = PROGRAM.replace("OPS", &format!("'''{}'''", operations.join("\n")));
    let mut spec = over(&path("ws"), python(&program));
    let upper = if on_disk {
        Upper::Disk(path("cmd"))
    } else {
        Upper::Tmpfs {
            bytes: 64 << 20,
            inodes: 10_000,
        }
    };
    spec.workspace = Some(Overlay {
        staged: Some(path("staged")),
        upper,
        ..overlay(&path("ws"))
    });
    let ran = run(spec);
    prop_assert_eq!(ran.exit, nucleus_jail::Exit::Code(0), "{}", ran.err);
    let open = |name: &str| fs::File::open(path(name)).unwrap();
    let (staged, ws) = (open("staged"), open("ws"));
    let upper = ran.jail.upper().unwrap();
    let set = changed_set(upper, &[staged.as_fd(), ws.as_fd()], Bounds::default()).unwrap();
    land(&set, upper, &path("copy"));
    prop_assert_eq!(tree_of(&path("copy")), seen(&ran.out), "{:?}", set);
    prop_assert_eq!(tree_of(&path("ws")), before, "the real tree is unchanged");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn landing_gives_the_tree_the_program_saw(operations in prop::collection::vec(operation(), 1..40), on_disk: bool) {
        check(&operations, on_disk)?;
    }
}

/// Runs a script over a small workspace and returns its changed set as text.
fn changes_of(script: &str) -> (Vec<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let ws = dir.path().join("ws");
    fs::create_dir(&ws).unwrap();
    start(&ws, false);
    let ran = run(over(&ws, sh(script)));
    assert_eq!(ran.exit, nucleus_jail::Exit::Code(0), "{}", ran.err);
    let lower = fs::File::open(&ws).unwrap();
    let set = changed_set(
        ran.jail.upper().unwrap(),
        &[lower.as_fd()],
        Bounds::default(),
    )
    .unwrap();
    let changes = set.changes.iter().map(|changed| {
        let word = match &changed.change {
            Change::Create(_) => "create",
            Change::Modify(_) => "modify",
            Change::Mode(_) => "mode",
            Change::Delete => "delete",
        };
        format!("{word} {}", changed.path.display())
    });
    (
        changes.collect(),
        set.refused
            .iter()
            .map(|refused| format!("{} {}", refused.kind, refused.path.display()))
            .collect(),
    )
}

#[test]
fn what_did_not_change_is_not_listed() {
    assert_eq!(changes_of("touch c a/one; cat c >> /dev/null; : >> c; chmod 644 c; echo c > x; rm x; rm -rf b; mkdir b; printf b1 > b/one").0, Vec::<String>::new());
    assert_eq!(changes_of("printf d > c").0, ["modify c"]);
}

#[test]
fn deletions_come_first_and_deepest_first() {
    let (changes, _) = changes_of(
        "rm -rf a; echo file > a; mkdir -p n/m; echo x > n/m/f; chmod 700 b; chmod 600 c; rm l; ln -s elsewhere l",
    );
    let expected = [
        "delete a/two",
        "delete a/one",
        "delete a/deep/three",
        "delete a/deep",
        "delete a",
        "create a",
        "mode c",
        "modify l",
        "create n",
        "create n/m",
        "create n/m/f",
        "mode b",
    ];
    let mut sorted = changes.clone();
    sorted[..5].sort();
    let mut wanted: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    wanted[..5].sort();
    assert_eq!(sorted, wanted);
    let position = |text: &str| changes.iter().position(|change| change == text).unwrap();
    assert!(
        position("delete a/deep/three") < position("delete a/deep")
            && position("delete a/deep") < position("delete a")
    );
}

#[test]
fn what_is_no_file_directory_or_link_is_refused_by_name() {
    let script = "mkfifo pipe; mkdir d; python3 -c 'import os; os.mknod(\"d/sock\", 0o140644)'; echo ok > d/file";
    let (changes, mut refused) = changes_of(script);
    refused.sort();
    assert_eq!(changes, ["create d", "create d/file"]);
    assert_eq!(refused, ["FIFO pipe", "socket d/sock"]);
}

#[test]
fn setuid_bits_are_not_part_of_a_mode() {
    assert_eq!(changes_of("chmod 4644 c").0, Vec::<String>::new());
    assert_eq!(changes_of("chmod 4755 c").0, ["mode c"]);
}

#[test]
fn what_the_program_made_unreadable_is_still_read() {
    assert_eq!(
        changes_of("printf d > c; chmod 000 c; mkdir n; echo x > n/f; chmod 000 n/f n").0,
        ["modify c", "create n", "create n/f"]
    );
}

#[test]
fn deleting_a_directory_does_not_name_what_was_hidden_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| fs::canonicalize(dir.path()).unwrap().join(name);
    for name in ["ws", "mask"] {
        fs::create_dir(path(name)).unwrap();
    }
    start(&path("ws"), false);
    fs::write(path("ws/a/.env"), "secret").unwrap();
    let open = |name: &str| fs::File::open(path(name)).unwrap();
    nucleus_jail::mask::build_mask_of(open("ws").as_fd(), open("mask").as_fd(), ["a/.env".into()])
        .unwrap();
    let mut spec = over(&path("ws"), sh("rm -r a && test ! -e a"));
    spec.workspace = Some(Overlay {
        mask: Some(path("mask")),
        ..overlay(&path("ws"))
    });
    let ran = run(spec);
    let (mask, ws) = (open("mask"), open("ws"));
    let set = changed_set(
        ran.jail.upper().unwrap(),
        &[mask.as_fd(), ws.as_fd()],
        Bounds::default(),
    )
    .unwrap();
    let paths: Vec<&OsStr> = set
        .changes
        .iter()
        .map(|changed| changed.path.as_os_str())
        .collect();
    assert!(!paths.contains(&OsStr::new("a/.env")), "{paths:?}");
    assert_eq!(paths.last(), Some(&OsStr::new("a")));
}

#[test]
fn a_changed_set_above_its_bounds_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(over(
        dir.path(),
        sh("for i in 1 2 3 4 5 6 7 8 9; do mkdir d && cd d && echo x > f; done"),
    ));
    let lower = fs::File::open(dir.path()).unwrap();
    let with = |bounds: Bounds| changed_set(ran.jail.upper().unwrap(), &[lower.as_fd()], bounds);
    assert!(matches!(
        with(Bounds {
            entries: 10,
            ..Bounds::default()
        }),
        Err(Error::TooLarge {
            what: "entries",
            ..
        })
    ));
    assert!(matches!(
        with(Bounds {
            depth: 5,
            ..Bounds::default()
        }),
        Err(Error::TooLarge {
            what: "directory depth",
            ..
        })
    ));
    assert_eq!(with(Bounds::default()).unwrap().changes.len(), 18);
}
