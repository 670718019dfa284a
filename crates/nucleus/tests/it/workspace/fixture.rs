//! A workspace with its state directory, and programs that run over it in real jails.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use nucleus::workspace::{
    Change, Command, CommandLayers, CommandOutcome, EntryPath, Overlayed, WorkspaceError,
    WorkspaceOptions, WorkspaceView,
};
use nucleus_jail::{Exit, HelperCommand, Jail, JailSpec, Launcher, Stdio, system_views};
use portcullis::path::RelPath;
use portcullis::{ContentDigest, Envelope};

use super::doors::{Door, envelope};

/// Longer than any command here needs on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The helper program: cargo's, or the copy made for an ordinary user.
pub(crate) fn helper_program() -> PathBuf {
    std::env::var_os("NUCLEUS_JAIL_HELPER").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_nucleus-jail-helper")),
        PathBuf::from,
    )
}

pub(crate) fn launcher() -> &'static Launcher {
    static LAUNCHER: OnceLock<Launcher> = OnceLock::new();
    LAUNCHER.get_or_init(|| {
        Launcher::start(&HelperCommand {
            program: helper_program(),
            args: vec!["__jail-init".into()],
        })
        .unwrap()
    })
}

/// Says that a test could not run here, in the form that is counted.
pub(crate) fn skip(test: &str, missing: &str) {
    println!("SKIPPED: {test} (missing: {missing})");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

pub(crate) fn entry(path: &str) -> EntryPath {
    EntryPath::from_bytes(path.as_bytes())
}

/// A workspace, its state and a session's door, side by side.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    pub(crate) door: Door,
}

/// What a path holds: type, permission bits, and the digest of a file or the target of a link.
pub(crate) type Dump = BTreeMap<Vec<u8>, String>;

impl Place {
    pub(crate) fn new() -> Self {
        Self::blocking(&[])
    }

    pub(crate) fn blocking(blocked: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("ws")).unwrap();
        Self {
            dir,
            door: Door::new(envelope(blocked)),
        }
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        std::fs::canonicalize(self.dir.path()).unwrap().join(name)
    }

    pub(crate) fn ws(&self, path: &str) -> PathBuf {
        let ws = self.beside("ws");
        if path.is_empty() { ws } else { ws.join(path) }
    }

    pub(crate) fn options(&self) -> WorkspaceOptions {
        WorkspaceOptions::new(self.beside("state"))
    }

    pub(crate) fn envelope(&self) -> &Envelope {
        &self.door.envelope
    }

    pub(crate) fn open(&self) -> Overlayed {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Overlayed, WorkspaceError> {
        self.open_with(&self.options())
    }

    /// The workspace as the session of the door sees it.
    pub(crate) fn open_with(
        &self,
        options: &WorkspaceOptions,
    ) -> Result<Overlayed, WorkspaceError> {
        let view = Overlayed::open(&self.ws(""), options, self.envelope())?;
        Ok(view.seen_by(self.door.session))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.ws(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.ws(path)).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.ws(path).symlink_metadata().is_ok()
    }

    pub(crate) fn dump(&self) -> Dump {
        dump(&self.ws(""))
    }

    /// Runs a shell script over the workspace, to its end, which must be 0.
    pub(crate) fn sh(&self, view: &Overlayed, script: &str) -> (String, CommandOutcome) {
        self.run(view, &["/bin/sh", "-c", script])
    }

    pub(crate) fn python(
        &self,
        view: &Overlayed,
        program: &str,
        args: &[&str],
    ) -> (String, CommandOutcome) {
        self.run(view, &[&["/usr/bin/python3", "-c", program], args].concat())
    }

    pub(crate) fn run(&self, view: &Overlayed, argv: &[&str]) -> (String, CommandOutcome) {
        let mut started = Started::new(view, self.envelope(), argv);
        let exit = started
            .jail
            .wait_timeout(PATIENCE)
            .unwrap()
            .expect("it ends in time");
        let out = started.output();
        assert_eq!(exit, Exit::Code(0), "{out}");
        let outcome = view.end_command(started.command()).unwrap();
        (out, outcome)
    }

    /// Runs and lands; nothing may be refused or staged.
    pub(crate) fn run_and_land(&self, view: &Overlayed, script: &str) -> String {
        let (out, outcome) = self.sh(view, script);
        assert_eq!(outcome.refused, []);
        self.door.land_whole(view, outcome.changes);
        out
    }
}

/// A running command.
pub(crate) struct Started {
    pub(crate) jail: Arc<Jail>,
    pub(crate) layers: CommandLayers,
    out: Option<std::thread::JoinHandle<()>>,
    said: Arc<Mutex<Vec<u8>>>,
    stdin: std::io::PipeWriter,
}

impl Started {
    pub(crate) fn new(view: &Overlayed, envelope: &Envelope, argv: &[&str]) -> Self {
        let layers = view.begin_command(envelope).unwrap();
        let (mut read, write) = std::io::pipe().unwrap();
        let (stdin_read, stdin) = std::io::pipe().unwrap();
        let stdio = Stdio::Fds {
            stdin: stdin_read.into(),
            stdout: write.try_clone().unwrap().into(),
            stderr: write.into(),
        };
        let overlay = layers.overlay();
        let spec = JailSpec {
            views: system_views(),
            env: [
                ("PATH", "/usr/bin:/bin"),
                ("LANG", "C.UTF-8"),
                ("HOME", "/tmp"),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
            cwd: overlay.inside.clone(),
            workspace: Some(overlay),
            stdio,
            ..JailSpec::new(argv)
        };
        let jail = Arc::new(launcher().spawn(spec).unwrap());
        let kill = Arc::clone(&jail);
        layers.on_stop(move |_| drop(kill.kill()));
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let out = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = read.read(&mut buffer) {
                heard.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self {
            jail,
            layers,
            out: Some(out),
            said,
            stdin,
        }
    }

    /// Lets a script go on that waits with `read`. An overlay remembers that a name was absent, so a file would not do.
    pub(crate) fn go(&mut self) {
        std::io::Write::write_all(&mut self.stdin, b"go\n").unwrap();
    }

    /// Waits until the command has said this.
    pub(crate) fn hear(&self, text: &str) {
        let since = Instant::now();
        while !self.text().contains(text) {
            assert!(
                since.elapsed() < PATIENCE,
                "it never said {text}: {}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    pub(crate) fn output(&mut self) -> String {
        self.out.take().unwrap().join().unwrap();
        self.text()
    }

    /// The command, whose jail must be dead.
    pub(crate) fn command(self) -> Command {
        Command {
            upper: self.jail.upper().unwrap().try_clone_to_owned().unwrap(),
            layers: self.layers,
        }
    }
}

/// What a directory holds, without the directory itself.
pub(crate) fn dump(root: &Path) -> Dump {
    let mut found = Dump::new();
    collect(root, Path::new(""), &mut found);
    found
}

fn collect(root: &Path, at: &Path, found: &mut Dump) {
    for entry in std::fs::read_dir(root.join(at)).unwrap() {
        let path = at.join(entry.unwrap().file_name());
        let full = root.join(&path);
        let meta = full.symlink_metadata().unwrap();
        let mode = meta.permissions().mode() & 0o777;
        let text = if meta.is_dir() {
            collect(root, &path, found);
            format!("dir {mode:o}")
        } else if meta.is_symlink() {
            let target = std::fs::read_link(&full)
                .unwrap()
                .into_os_string()
                .into_vec();
            format!("link {}", ContentDigest::of(&target))
        } else {
            let digest = ContentDigest::of(&std::fs::read(&full).unwrap());
            format!("file {mode:o} {} {digest}", meta.size())
        };
        found.insert(path.as_os_str().as_bytes().to_vec(), text);
    }
}

/// The change of one path.
pub(crate) fn change_of<'a>(outcome: &'a CommandOutcome, path: &str) -> &'a Change {
    let found = outcome
        .changes
        .iter()
        .find(|change| change.path == entry(path));
    found.unwrap_or_else(|| panic!("no change of {path} in {:?}", outcome.changes))
}
