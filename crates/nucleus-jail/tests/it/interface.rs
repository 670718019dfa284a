//! What callers get: typed errors, views, and stdio that cannot lead out.

use std::os::unix::fs::PermissionsExt;

use nucleus_jail::{
    Access, Error, Exit, HelperCommand, JailSpec, Launcher, Layer, Limits, Overlay, Step, Tree,
    TreeId, Upper, View, probe_host,
};

use crate::fixture::{helper, is_root, launcher, output, over, overlay, run, sh, skip, spec};

#[test]
fn a_program_that_does_not_exist_is_named() {
    let error = launcher().spawn(spec(&["no-such-program"])).unwrap_err();
    assert!(
        matches!(&error, Error::Exec { program, .. } if program == "no-such-program"),
        "{error}"
    );
    assert_eq!(
        launcher().spawn(spec(&["true"])).unwrap().wait().unwrap(),
        Exit::Code(0),
        "and the next jail starts"
    );
}

#[test]
fn a_view_of_nothing_names_its_step_and_path() {
    let mut spec = spec(&["true"]);
    spec.views.push(View::Bind {
        host: "/no/such/tree".into(),
        inside: "/x".into(),
        access: Access::ReadOnly,
    });
    match launcher().spawn(spec).unwrap_err() {
        Error::Setup {
            step: Step::OpenTree,
            detail,
            source,
        } => {
            assert!(detail.contains("/no/such/tree"));
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_directory_that_is_not_there_to_start_in_is_an_error() {
    let error = launcher()
        .spawn(JailSpec {
            cwd: "/nowhere".into(),
            ..spec(&["true"])
        })
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Setup {
                step: Step::Chdir,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_helper_that_is_no_helper_is_an_error() {
    let command = HelperCommand {
        program: "/bin/true".into(),
        args: vec![],
    };
    assert!(matches!(Launcher::start(&command), Err(Error::HelperGone)));
    assert!(Launcher::start(&helper()).is_ok());
}

#[test]
fn a_workspace_that_was_swapped_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (dir.path().join("ours"), dir.path().join("other"));
    std::fs::create_dir(&ours).unwrap();
    std::fs::create_dir(&other).unwrap();
    let with_id = |id: TreeId| {
        let overlay = Overlay {
            lower: Tree {
                path: ours.clone(),
                id: Some(id),
            },
            ..overlay(&ours)
        };
        JailSpec {
            workspace: Some(overlay),
            ..spec(&["true"])
        }
    };
    let id = |path: &std::path::Path| TreeId::of(std::fs::File::open(path).unwrap()).unwrap();
    let error = launcher().spawn(with_id(id(&other))).unwrap_err();
    assert!(
        matches!(&error, Error::Setup { step: Step::OpenTree, detail, .. } if detail.contains("is not the directory it was")),
        "{error}"
    );
    assert_eq!(
        launcher()
            .spawn(with_id(id(&ours)))
            .unwrap()
            .wait()
            .unwrap(),
        Exit::Code(0)
    );
}

#[test]
fn an_unknown_file_system_is_refused_as_workspace() {
    let overlay = Overlay {
        inside: "/w".into(),
        lower: Tree {
            path: "/proc/self".into(),
            id: None,
        },
        staged: None,
        mask: None,
        upper: Upper::None,
    };
    let error = launcher()
        .spawn(JailSpec {
            workspace: Some(overlay),
            ..spec(&["true"])
        })
        .unwrap_err();
    assert!(
        matches!(&error, Error::UnsupportedFilesystem { filesystem, .. } if filesystem == "proc"),
        "{error}"
    );
}

#[test]
fn a_mount_inside_the_workspace_is_refused_by_name() {
    if !is_root() {
        skip(
            "interface::a_mount_inside_the_workspace_is_refused_by_name",
            "root, who can mount",
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/inner");
    std::fs::create_dir_all(&inner).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "none"])
        .arg(&inner)
        .status()
        .unwrap();
    assert!(mounted.success());
    let result = launcher().spawn(over(dir.path(), spec(&["true"])));
    assert!(
        std::process::Command::new("umount")
            .arg(&inner)
            .status()
            .unwrap()
            .success()
    );
    assert!(
        matches!(&result, Err(Error::NestedMount { mount, .. }) if mount.ends_with("a/inner")),
        "{result:?}"
    );
    assert_eq!(
        launcher()
            .spawn(over(dir.path(), spec(&["true"])))
            .unwrap()
            .wait()
            .unwrap(),
        Exit::Code(0)
    );
}

#[test]
fn impossible_specs_are_refused() {
    let cases = [
        JailSpec::new(Vec::<String>::new()),
        JailSpec {
            hostname: "x".repeat(65).into(),
            ..spec(&["true"])
        },
        JailSpec {
            limits: Limits {
                processes: 0,
                ..Limits::default()
            },
            ..spec(&["true"])
        },
        JailSpec {
            env: vec![("A=B".into(), "c".into())],
            ..spec(&["true"])
        },
        JailSpec {
            ports: (1..=65).collect(),
            ..spec(&["true"])
        },
    ];
    for case in cases {
        assert!(matches!(launcher().spawn(case), Err(Error::InvalidSpec(_))));
    }
}

#[test]
fn views_are_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let host = std::fs::canonicalize(dir.path()).unwrap();
    std::fs::set_permissions(&host, PermissionsExt::from_mode(0o755)).unwrap();
    for name in ["read", "write"] {
        std::fs::create_dir(host.join(name)).unwrap();
        std::fs::write(host.join(name).join("file"), "from host\n").unwrap();
    }
    let mut spec = sh(
        "cat /r/file /r2 /w/file /home/.conf /etc/os-release | head -5; readlink /link; ls -A /empty
         echo x > /r/new; echo x > /w/new && echo written; echo y >> /home/.conf && tail -1 /home/.conf; echo z > /etc/hosts; touch /empty/x",
    );
    let bind = |name: &str, inside: &str, access| View::Bind {
        host: host.join(name),
        inside: inside.into(),
        access,
    };
    spec.views.extend([
        bind("read", "/r", Access::ReadOnly),
        bind("read/file", "/r2", Access::ReadOnly),
        bind("write", "/w", Access::ReadWrite),
        View::File {
            inside: "/home/.conf".into(),
            bytes: (*b"conf\n").into(),
            mode: 0o600,
        },
        View::File {
            inside: "/etc/os-release".into(),
            bytes: (*b"replaced\n").into(),
            mode: 0o644,
        },
        View::Link {
            inside: "/link".into(),
            target: "/r/file".into(),
        },
        View::Dir {
            inside: "/empty".into(),
        },
    ]);
    let ran = run(spec);
    assert_eq!(
        ran.out, "from host\nfrom host\nfrom host\nconf\nreplaced\n/r/file\nwritten\ny\n",
        "{}",
        ran.err
    );
    assert_eq!(
        ran.err.matches("Read-only file system").count()
            + ran.err.matches("Permission denied").count(),
        3,
        "{}",
        ran.err
    );
    assert!(host.join("write/new").exists() && !host.join("read/new").exists());
}

#[test]
fn a_tree_below_an_unsearchable_parent_can_be_shown_by_root() {
    if !is_root() {
        skip(
            "interface::a_tree_below_an_unsearchable_parent_can_be_shown_by_root",
            "root, who opens what nobody else can",
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let tool = dir.path().join("tool");
    std::fs::create_dir(&tool).unwrap();
    std::fs::write(tool.join("public"), "tool\n").unwrap();
    std::fs::write(tool.join("private"), "key\n").unwrap();
    std::fs::set_permissions(tool.join("private"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let mut plain = sh("cat /tool/public; cat /tool/private");
    let mut owned = sh("cat /tool/public /tool/private");
    plain.views.push(View::Bind {
        host: tool.clone(),
        inside: "/tool".into(),
        access: Access::ReadOnly,
    });
    owned.views.push(View::BindOwned {
        host: tool,
        inside: "/tool".into(),
    });
    assert_eq!(run(plain).out, "tool\n");
    assert_eq!(output(owned), "tool\nkey\n");
}

#[test]
fn the_probe_finds_what_the_jail_uses() {
    let support = probe_host();
    assert!(support.is_sufficient(), "{support:?}");
    for name in ["user-namespace", "landlock", "seccomp", "overlay"] {
        assert!(
            support.features.iter().any(|feature| feature.name == name),
            "{name}"
        );
    }
    assert!(
        support
            .features
            .iter()
            .all(|feature| feature.found.is_ok() || !feature.fix.is_empty())
    );
}

#[test]
fn layer_names_are_read_back() {
    for layer in Layer::ALL {
        assert_eq!(Layer::from_name(layer.name()), Some(layer));
    }
    assert_eq!(Layer::from_name("nothing"), None);
}
