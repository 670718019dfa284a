//! A launcher for all tests of this process, and running a command to its end.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use nucleus_jail::{
    Exit, HelperCommand, Jail, JailSpec, Launcher, Overlay, Stdio, Tree, Upper, View, system_views,
};

/// Longer than any command here needs on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The helper program: cargo's, or the copy made for an ordinary user.
pub(crate) fn jail_program() -> PathBuf {
    std::env::var_os("NUCLEUS_JAIL_PROGRAM")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_jail")), PathBuf::from)
}

pub(crate) fn helper() -> HelperCommand {
    HelperCommand {
        program: jail_program(),
        args: vec!["__jail-init".into()],
    }
}

pub(crate) fn launcher() -> &'static Launcher {
    static LAUNCHER: OnceLock<Launcher> = OnceLock::new();
    LAUNCHER.get_or_init(|| Launcher::start(&helper()).unwrap())
}

/// Says that a test could not run here, in the form that is counted.
pub(crate) fn skip(test: &str, missing: &str) {
    println!("SKIPPED: {test} (missing: {missing})");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A spec with the system's programs, a home in memory and a short environment.
pub(crate) fn spec(argv: &[&str]) -> JailSpec {
    let mut views = system_views();
    views.push(View::Tmpfs {
        inside: "/home".into(),
        bytes: 256 << 20,
        inodes: 50_000,
    });
    let passwd = b"root:x:0:0::/:/bin/sh\nagent:x:1000:1000::/home:/bin/sh\n".to_vec();
    views.push(View::File {
        inside: "/etc/passwd".into(),
        bytes: passwd.into(),
        mode: 0o644,
    });
    views.push(View::File {
        inside: "/etc/hosts".into(),
        bytes: (*b"127.0.0.1 localhost\n").into(),
        mode: 0o644,
    });
    let env = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/home"),
        ("LANG", "C.UTF-8"),
    ];
    JailSpec {
        views,
        env: env.map(|(name, value)| (name.into(), value.into())).into(),
        cwd: "/home".into(),
        ..JailSpec::new(argv)
    }
}

pub(crate) fn sh(script: &str) -> JailSpec {
    spec(&["/bin/sh", "-c", script])
}

pub(crate) fn python(program: &str) -> JailSpec {
    spec(&["/usr/bin/python3", "-c", program])
}

/// A workspace at its own path, changes in memory.
pub(crate) fn overlay(dir: &Path) -> Overlay {
    let dir = std::fs::canonicalize(dir).unwrap();
    let upper = Upper::Tmpfs {
        bytes: 256 << 20,
        inodes: 50_000,
    };
    Overlay {
        inside: dir.clone(),
        lower: Tree {
            path: dir,
            id: None,
        },
        staged: None,
        mask: None,
        upper,
    }
}

/// With a workspace, started there.
pub(crate) fn over(dir: &Path, spec: JailSpec) -> JailSpec {
    let overlay = overlay(dir);
    JailSpec {
        cwd: overlay.inside.clone(),
        workspace: Some(overlay),
        ..spec
    }
}

/// A finished command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) jail: Jail,
}

/// Runs to the end and collects both outputs.
pub(crate) fn run(spec: JailSpec) -> Ran {
    let (out_read, out_write) = std::io::pipe().unwrap();
    let (err_read, err_write) = std::io::pipe().unwrap();
    let stdin: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let stdio = Stdio::Fds {
        stdin,
        stdout: out_write.into(),
        stderr: err_write.into(),
    };
    let jail = launcher().spawn(JailSpec { stdio, ..spec }).unwrap();
    let collect = |mut from: std::io::PipeReader| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (out, err) = (collect(out_read), collect(err_read));
    let exit = jail
        .wait_timeout(PATIENCE)
        .unwrap()
        .expect("the command ends in time");
    Ran {
        exit,
        out: out.join().unwrap(),
        err: err.join().unwrap(),
        jail,
    }
}

/// Runs to the end, which must be 0, and returns the output.
pub(crate) fn output(spec: JailSpec) -> String {
    let ran = run(spec);
    assert_eq!(ran.exit, Exit::Code(0), "{}\n{}", ran.out, ran.err);
    ran.out
}
