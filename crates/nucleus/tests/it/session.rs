//! A session over a workspace of its own, with real jails, its log read back and verified.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use nucleus::executor::{JailOptions, Jails};
use nucleus::git::Git;
use nucleus::ports::{Clock, SystemClock};
use nucleus::probes::ProbeProgram;
use nucleus::state::StateDir;
use nucleus::{AtomicBudget, CommandOutput, Error, Executor, Monitor, Sandbox, SandboxOptions};
use nucleus_audit::{Kind, Record, VerifyOptions};
use nucleus_jail::HelperCommand;
use nucleus_spec::{Policy, Source, parse_policy};

/// Everything in the workspace at `always`, no network.
pub(crate) const OPEN: &str = r#"
[capabilities]
read_files = "always"
glob_search = "always"
grep_search = "always"
write_files = "always"
edit_files = "always"
run_bash = "always"
git_commit = "always"
[budget]
max_cost_usd = 5.0
max_input_tokens = 1000
max_output_tokens = 1000
[time]
valid_hours = 1
"#;

pub(crate) fn policy(text: &str) -> Policy {
    parse_policy(&Source::new("permissions.toml", text)).unwrap_or_else(|error| panic!("{error:?}"))
}

pub(crate) fn helper_program() -> PathBuf {
    std::env::var_os("NUCLEUS_JAIL_HELPER").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_nucleus-jail-helper")),
        PathBuf::from,
    )
}

pub(crate) fn jail_options() -> JailOptions {
    let helper = HelperCommand {
        program: helper_program(),
        args: vec!["__jail-init".into()],
    };
    JailOptions {
        helper: Some(helper),
        ..JailOptions::default()
    }
}

/// One helper process for all tests of this binary.
pub(crate) fn jails() -> Arc<Jails> {
    static JAILS: OnceLock<Arc<Jails>> = OnceLock::new();
    JAILS
        .get_or_init(|| Arc::new(Jails::new(jail_options())))
        .clone()
}

pub(crate) fn probe_program() -> ProbeProgram {
    ProbeProgram {
        program: helper_program(),
        args: vec!["__probe".into()],
    }
}

/// The machine's clocks, moved by the test.
#[derive(Debug, Default)]
pub(crate) struct MovedClock {
    pub(crate) ahead_ms: AtomicU64,
    pub(crate) behind_ms: AtomicU64,
}

impl Clock for MovedClock {
    fn boot_ms(&self) -> u64 {
        SystemClock.boot_ms() + self.ahead_ms.load(Ordering::SeqCst)
            - self.behind_ms.load(Ordering::SeqCst)
    }

    fn wall_unix_ms(&self) -> u64 {
        SystemClock.wall_unix_ms()
    }

    fn boot_id(&self) -> String {
        SystemClock.boot_id()
    }
}

pub(crate) struct Session {
    pub(crate) dir: Arc<tempfile::TempDir>,
    pub(crate) state: StateDir,
    pub(crate) policy: Policy,
    pub(crate) sandbox: Sandbox,
}

impl Session {
    pub(crate) fn open() -> Self {
        Self::with(OPEN, |_| {})
    }

    pub(crate) fn under(text: &str) -> Self {
        Self::with(text, |_| {})
    }

    pub(crate) fn with(text: &str, change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir(dir.path().join("ws")).unwrap();
        Self::beside(&dir, text, change).unwrap()
    }

    /// Another session on the same workspace and state.
    pub(crate) fn beside(
        dir: &Arc<tempfile::TempDir>,
        text: &str,
        change: impl FnOnce(&mut SandboxOptions),
    ) -> Result<Self, Error> {
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        let mut options = SandboxOptions::new(state.clone());
        options.shared_jails = Some(jails());
        change(&mut options);
        let policy = policy(text);
        let sandbox = Sandbox::open_with(&policy, &dir.path().join("ws"), options)?;
        Ok(Self {
            dir: dir.clone(),
            state,
            policy,
            sandbox,
        })
    }

    pub(crate) fn monitor(&self) -> &Arc<Monitor> {
        self.sandbox.monitor()
    }

    pub(crate) fn budget(&self) -> AtomicBudget {
        AtomicBudget::new(self.policy.envelope().maximum())
    }

    pub(crate) fn executor(&self) -> Executor {
        Executor::new(&self.policy, &self.sandbox, self.monitor().budget())
    }

    pub(crate) fn git(&self) -> Git {
        Git::new(
            &self.executor(),
            &self.state.make_workspace(&self.ws("")).unwrap(),
        )
    }

    /// Runs a shell script that must end with code 0.
    pub(crate) fn sh(&self, script: &str) -> CommandOutput {
        let output = self.run(script);
        assert!(output.exit.is_success(), "{output:?}");
        output
    }

    pub(crate) fn run(&self, script: &str) -> CommandOutput {
        let line = shell_words::join(["sh", "-c", script]);
        self.executor()
            .run(&line)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn ws(&self, path: &str) -> PathBuf {
        let root = std::fs::canonicalize(self.dir.path()).unwrap().join("ws");
        if path.is_empty() {
            root
        } else {
            root.join(path)
        }
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.ws(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn on_disk(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.ws(path)).ok()
    }

    pub(crate) fn log_dir(&self) -> PathBuf {
        Sandbox::log_dir(&self.state, self.monitor().session())
    }

    /// The records so far, oldest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        nucleus_audit::read(&self.log_dir())
            .unwrap()
            .map(|record| record.unwrap())
            .collect()
    }

    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.records()
            .iter()
            .map(|record| record.body.kind)
            .collect()
    }

    /// The whole log as text.
    pub(crate) fn log_text(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.log_dir()).unwrap() {
            text.push_str(&String::from_utf8_lossy(
                &std::fs::read(entry.unwrap().path()).unwrap(),
            ));
        }
        text
    }

    /// Ends the session and verifies its log.
    pub(crate) fn end(self) {
        self.monitor().end("the test is over").unwrap();
        verify(&self.log_dir(), self.state.root());
    }
}

pub(crate) fn verify(log: &Path, state: &Path) -> nucleus_audit::Report {
    let key = nucleus_audit::load_or_create_key(state)
        .unwrap()
        .verifying();
    let options = VerifyOptions::new(key);
    nucleus_audit::verify(log, &options).unwrap_or_else(|error| panic!("{error}"))
}
