//! The workspace inside: blocked names hidden, staged changes on top, the real tree untouched.

use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nucleus_jail::mask::build_mask;
use nucleus_jail::{Error, JailSpec, Overlay, Owner, Upper, View};

use crate::fixture::{Ran, is_root, launcher, output, over, overlay, run, sh, skip};

/// A workspace, its mask, staged layer and a place for changes, side by side.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ws", "mask", "staged", "cmd"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        std::fs::canonicalize(self.dir.path()).unwrap().join(name)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn mask(&self, blocked: &[&str]) {
        let open = |name: &str| std::fs::File::open(self.path(name)).unwrap();
        build_mask(open("ws").as_fd(), open("mask").as_fd(), |path, _| {
            blocked.iter().any(|name| {
                path == name.as_bytes() || path.ends_with(format!("/{name}").as_bytes())
            })
        })
        .unwrap();
    }

    fn spec(&self, script: &str) -> JailSpec {
        let overlay = Overlay {
            mask: Some(self.path("mask")),
            staged: Some(self.path("staged")),
            ..overlay(&self.path("ws"))
        };
        JailSpec {
            workspace: Some(overlay),
            ..over(&self.path("ws"), sh(script))
        }
    }
}

#[test]
fn blocked_names_are_hidden_and_others_are_not() {
    let place = Place::new();
    for path in ["ws/.env", "ws/a/.env", "ws/a/keep", "ws/keys/id", "ws/top"] {
        place.write(path, "text\n");
    }
    place.mask(&[".env", "keys"]);
    let script = "ls -A . a; cat .env a/.env keys/id a/../.env ./a/.env 2>/dev/null; for p in .env a/.env keys; do test -e $p && echo SEEN; done; cat top a/keep";
    assert_eq!(
        output(place.spec(script)),
        ".:\na\ntop\n\na:\nkeep\ntext\ntext\n"
    );
}

#[test]
fn a_blocked_file_stays_hidden_when_the_host_saves_it_by_rename() {
    let place = Place::new();
    place.write("ws/.env", "old\n");
    place.write("ws/a/.env", "old\n");
    place.write("ws/plain", "old\n");
    place.mask(&[".env"]);
    let script = "echo up; read x; cat .env a/.env 2>/dev/null; ls -A . a; cat plain";
    let (mut to, stdin) = {
        let (read, write) = std::io::pipe().unwrap();
        (write, read)
    };
    let (out, stdout) = std::io::pipe().unwrap();
    let stderr = std::fs::File::options()
        .write(true)
        .open("/dev/null")
        .unwrap();
    let stdio = nucleus_jail::Stdio::Fds {
        stdin: stdin.into(),
        stdout: stdout.into(),
        stderr: stderr.into(),
    };
    let jail = launcher()
        .spawn(JailSpec {
            stdio,
            ..place.spec(script)
        })
        .unwrap();
    let mut reader = std::io::BufReader::new(out);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    for name in [".env", "a/.env", "plain"] {
        let (path, fresh) = (place.path("ws").join(name), place.path("ws/fresh"));
        std::fs::write(&fresh, "new secret\n").unwrap();
        std::fs::rename(&fresh, path).unwrap();
    }
    std::io::Write::write_all(&mut to, b"\n").unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut reader, &mut rest).unwrap();
    jail.wait().unwrap();
    assert_eq!(
        rest, ".:\na\nplain\n\na:\nnew secret\n",
        "the plain file is seen, the blocked ones are not"
    );
    assert_eq!(
        output(place.spec("cat .env a/.env 2>/dev/null; cat plain")),
        "new secret\n"
    );
}

#[test]
fn a_mask_cannot_be_lifted_from_inside() {
    let place = Place::new();
    place.write("ws/a/.env", "secret\n");
    place.mask(&[".env"]);
    let script = "mv a b 2>/dev/null; cat a/.env b/.env 2>/dev/null; rm -rf a b; mkdir -p a; cat a/.env 2>/dev/null
        echo mine > a/.env && rm a/.env && cat a/.env 2>/dev/null
        mknod c c 0 0 2>/dev/null && echo WHITEOUT; umount . 2>/dev/null && echo UNMOUNTED; setfattr -n user.overlay.opaque -v y a 2>/dev/null; cat a/.env 2>/dev/null; echo end";
    assert_eq!(output(place.spec(script)), "end\n");
    assert_eq!(
        std::fs::read_to_string(place.path("ws/a/.env")).unwrap(),
        "secret\n"
    );
}

#[test]
fn staged_changes_are_seen_and_the_real_tree_is_not_changed() {
    let place = Place::new();
    place.write("ws/file", "real\n");
    place.write("ws/gone", "real\n");
    place.write("staged/file", "staged\n");
    rustix::fs::mknodat(
        std::fs::File::open(place.path("staged")).unwrap(),
        "gone",
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::empty(),
        0,
    )
    .unwrap();
    place.mask(&[]);
    let before = tree(&place.path("ws"));
    assert_eq!(
        output(place.spec("cat file; ls; echo more >> file; echo new > new; rm -f file; ls")),
        "staged\nfile\nnew\n"
    );
    assert_eq!(tree(&place.path("ws")), before);
    assert_eq!(
        std::fs::read_to_string(place.path("staged/file")).unwrap(),
        "staged\n"
    );
}

fn tree(dir: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut all: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).ok()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_read_only_workspace_cannot_be_written() {
    let place = Place::new();
    place.write("ws/file", "real\n");
    place.write("ws/.env", "secret\n");
    place.mask(&[".env"]);
    let with = |mask: bool| {
        let mut spec = place.spec("cat file; (echo x > file; echo x > new; rm file; chmod 777 .) 2>&1 | grep -c 'Read-only'; cat .env 2>/dev/null");
        let mask = mask.then(|| place.path("mask"));
        spec.workspace = Some(Overlay {
            mask,
            upper: Upper::None,
            ..overlay(&place.path("ws"))
        });
        spec
    };
    assert!(
        output_any(with(true)).starts_with("real\n4\n")
            && !output_any(with(true)).contains("secret")
    );
    assert_eq!(
        output_any(with(false)),
        "real\n4\nsecret\n",
        "without a mask it is all there"
    );
}

fn output_any(spec: JailSpec) -> String {
    run(spec).out
}

#[test]
fn files_of_the_owner_can_be_changed_inside_and_changes_are_not_host_roots() {
    let place = Place::new();
    place.write("ws/file", "real\n");
    std::fs::set_permissions(place.path("ws/file"), PermissionsExt::from_mode(0o600)).unwrap();
    let mut spec = place
        .spec("cat file; echo more >> file; chmod 4755 file; mkdir d; stat -c %U file; id -un");
    spec.workspace = Some(Overlay {
        upper: Upper::Disk(place.path("cmd")),
        ..overlay(&place.path("ws"))
    });
    let Ran { out, jail, err, .. } = run(spec);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "real", "{err}");
    if is_root() {
        assert_eq!(lines[1..], ["agent", "agent"], "{err}");
    }
    let upper = std::fs::metadata(place.path("cmd/up/file")).unwrap();
    assert_eq!(upper.uid(), jail.enforced().ids.host_uid);
    assert_ne!(upper.uid(), 0);
    assert_eq!(
        std::fs::read_to_string(place.path("ws/file")).unwrap(),
        "real\n"
    );
}

#[test]
fn odd_names_need_no_escaping() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a:b,c\\d e\n=");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("file"), "odd\n").unwrap();
    assert_eq!(
        output(over(&odd, sh("cat file; echo x > new; ls | wc -l"))),
        "odd\n2\n"
    );
}

#[test]
fn a_workspace_below_tmp_is_not_covered() {
    let dir = tempfile::Builder::new()
        .prefix("nucleus-ws")
        .tempdir_in("/tmp")
        .unwrap();
    std::fs::write(dir.path().join("file"), "below tmp\n").unwrap();
    assert_eq!(
        output(over(dir.path(), sh("cat file; ls /tmp | wc -l"))),
        "below tmp\n1\n"
    );
}

#[test]
fn the_mount_table_does_not_name_the_state_directory() {
    let place = Place::new();
    place.write("ws/file", "x\n");
    place.mask(&["file"]);
    let table = output(place.spec("cat /proc/self/mountinfo"));
    assert!(
        !table.contains("/staged") && !table.contains("/mask") && !table.contains("/cmd"),
        "{table}"
    );
    assert!(table.contains("overlay"));
}

/// What a jail reads of the place's `ws`, shown at `/shown` under its mask.
fn shown(place: &Place, owner: Owner, script: &str) -> Ran {
    let mut spec = sh(script);
    spec.views.push(View::Masked {
        host: place.path("ws"),
        inside: "/shown".into(),
        mask: place.path("mask"),
        owner,
    });
    run(spec)
}

#[test]
fn a_masked_view_hides_what_its_mask_names_and_shows_the_rest() {
    let place = Place::new();
    std::fs::set_permissions(place.path("ws"), PermissionsExt::from_mode(0o755)).unwrap();
    for name in ["open", ".env", "sub/key.pem", "sub/open"] {
        place.write(&format!("ws/{name}"), &format!("{name}\n"));
    }
    place.mask(&[".env", "key.pem"]);
    // The host saves the hidden file as editors do.
    place.write("ws/new", "secret\n");
    std::fs::rename(place.path("ws/new"), place.path("ws/.env")).unwrap();
    let script = "cd /shown; cat open sub/open; ls -A . sub; cat .env sub/key.pem; echo x > open; rm open; echo x > new";
    let Ran { out, err, .. } = shown(&place, Owner::Host, script);
    assert_eq!(
        out, "open\nsub/open\n.:\nopen\nsub\n\nsub:\nopen\n",
        "{err}"
    );
    assert_eq!(err.matches("No such file").count(), 2, "{err}");
    assert!(!out.contains("secret") && !err.contains("secret"));
    assert_eq!(
        std::fs::read_to_string(place.path("ws/open")).unwrap(),
        "open\n"
    );
    assert!(!place.path("ws/new").exists());
}

#[test]
fn the_owner_of_a_masked_view_is_the_jail_only_where_it_is_said() {
    if !is_root() {
        skip(
            "workspace::the_owner_of_a_masked_view_is_the_jail_only_where_it_is_said",
            "root, who shows files as another's",
        );
        return;
    }
    let place = Place::new();
    place.write("ws/private", "key\n");
    place.write("ws/.env", "x");
    place.mask(&[".env"]);
    std::fs::set_permissions(place.path("ws"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(place.path("mask"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(place.path("ws/private"), PermissionsExt::from_mode(0o600)).unwrap();
    let read = |owner| shown(&place, owner, "cat /shown/private").out;
    assert_eq!([read(Owner::Host), read(Owner::Jail)], ["", "key\n"]);
}

#[test]
fn a_masked_view_on_an_unknown_file_system_or_over_a_mount_is_refused() {
    let place = Place::new();
    let spawn = |host: &str| {
        let mut spec = sh("true");
        spec.views.push(View::Masked {
            host: host.into(),
            inside: "/shown".into(),
            mask: place.path("mask"),
            owner: Owner::Host,
        });
        launcher().spawn(spec).map(drop)
    };
    assert!(matches!(spawn("/dev"), Err(Error::NestedMount { .. })));
    let unknown = spawn("/proc/self");
    assert!(
        matches!(unknown, Err(Error::UnsupportedFilesystem { .. })),
        "{unknown:?}"
    );
}
