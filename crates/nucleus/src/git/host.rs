//! Runs git on the host, over the monitor's own repository only, with a cleared environment.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::settings::variables;
use crate::error::Error;

/// The longest that a push may take.
const LIMIT: Duration = Duration::from_secs(300);
/// The most of what git says of a failure that is kept.
const SAID_BYTES: u64 = 64 << 10;
/// The most that git may answer: the names of half a million files.
const ANSWER_BYTES: u64 = 64 << 20;
/// The shortest word of a header that is taken for a secret: `Bearer` and `Basic` are shorter.
const MIN_SECRET_BYTES: usize = 8;
/// How often a running git is looked after.
const TICK: Duration = Duration::from_millis(5);

/// How pushes reach their remotes; held by the monitor, seen by no jail.
#[derive(Clone)]
pub struct PushOptions {
    /// The git program.
    pub program: PathBuf,
    /// Variables for git and what it starts, such as `HOME` and `SSH_AUTH_SOCK` for pushes over ssh.
    pub environment: Vec<(String, String)>,
    /// HTTP headers by URL prefix, such as an authorization.
    pub headers: Vec<(String, String)>,
    /// Secrets within those headers, taken out of what git says beside the headers' own words.
    pub secrets: Vec<String>,
}

impl Default for PushOptions {
    /// `git` of the system, without credentials.
    fn default() -> Self {
        Self {
            program: PathBuf::from("git"),
            environment: Vec::new(),
            headers: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

impl core::fmt::Debug for PushOptions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PushOptions")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// What git on the host said.
pub(super) struct Said {
    pub(super) is_success: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// A repository of the monitor's own, and where it keeps objects if not in itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    pub(super) repository: &'a Path,
    pub(super) objects: Option<&'a Path>,
}

impl Said {
    /// What it said on standard output, or the error of a failure.
    pub(super) fn checked(self, what: &str) -> Result<Vec<u8>, Error> {
        if self.is_success {
            // FAIL-CLOSED: an answer that may go on is none.
            if self.stdout.len() as u64 >= ANSWER_BYTES {
                return Err(Error::Invalid(format!("{what}: git says too much")));
            }
            return Ok(self.stdout);
        }
        let said: String = self.stderr.trim().chars().take(2000).collect();
        Err(Error::Invalid(format!("{what} failed\n{said}")))
    }
}

impl PushOptions {
    /// Runs git over a repository of ours.
    pub(super) fn run(&self, own: Own<'_>, words: &[&str], stdin: &[u8]) -> Result<Said, Error> {
        let failed = |error| Error::failed("cannot run git on the host (is it installed?)", error);
        let mut child = self.command(own, words).spawn().map_err(failed)?;
        std::thread::scope(|scope| {
            let input = child.stdin.take();
            let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
            // What git does not read or say is no error here; its status decides.
            scope.spawn(move || input.map(|mut pipe| pipe.write_all(stdin)));
            let stdout = scope.spawn(move || drain(out.as_mut(), ANSWER_BYTES));
            let stderr = scope.spawn(move || drain(err.as_mut(), SAID_BYTES));
            let is_success = wait(&mut child).map_err(failed)?;
            let bytes = |joined: std::thread::Result<Vec<u8>>| joined.unwrap_or_default();
            let said = bytes(stderr.join());
            Ok(Said {
                is_success,
                stdout: bytes(stdout.join()),
                stderr: self.redacted(String::from_utf8_lossy(&said).into_owned()),
            })
        })
    }

    /// The text without any word of a header's value, which a remote may send back.
    fn redacted(&self, text: String) -> String {
        let values = self
            .headers
            .iter()
            .map(|(_, value)| value.split_once(':').map_or(&**value, |(_, rest)| rest));
        values
            .flat_map(str::split_whitespace)
            .chain(self.secrets.iter().map(String::as_str))
            .filter(|word| word.len() >= MIN_SECRET_BYTES)
            .fold(text, |text, word| text.replace(word, "[redacted]"))
    }

    fn command(&self, own: Own<'_>, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        if let Some(objects) = own.objects {
            command.env("GIT_OBJECT_DIRECTORY", objects).env(
                "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                own.repository.join("objects"),
            );
        }
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .env("LANG", "C.UTF-8")
            .envs(variables())
            .env_remove("GIT_SSH_COMMAND")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // The policy's URL decides; `ext::` and the like never run.
            .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:file")
            .env("GIT_DIR", own.repository)
            .args(words)
            .current_dir(own.repository)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        self.add_headers(&mut command);
        command
    }

    /// Secrets travel in the environment, where only the user can read them, never in arguments.
    fn add_headers(&self, command: &mut Command) {
        let known = variables();
        let count = known
            .iter()
            .find(|(name, _)| name == "GIT_CONFIG_COUNT")
            .and_then(|(_, count)| count.parse::<usize>().ok())
            .unwrap_or(0);
        let mut number = count;
        let mut set = |key: String, value: &str| {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
            number += 1;
        };
        set("http.followRedirects".to_owned(), "false");
        for (url, value) in &self.headers {
            set(format!("http.{url}.extraHeader"), value);
        }
        command.env("GIT_CONFIG_COUNT", number.to_string());
    }
}

fn drain(pipe: Option<&mut impl std::io::Read>, most_bytes: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(pipe) = pipe {
        // What cannot be read was not said.
        let _ = pipe.by_ref().take(most_bytes).read_to_end(&mut kept);
        let _ = std::io::copy(pipe, &mut std::io::sink());
    }
    kept
}

/// Waits for the end, and kills at the limit.
fn wait(child: &mut Child) -> std::io::Result<bool> {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > until {
            kill_group(child)?;
        }
        std::thread::sleep(TICK);
    }
}

/// Kills git and what it started.
fn kill_group(child: &mut Child) -> std::io::Result<()> {
    let group = rustix::process::Pid::from_child(child);
    let killed = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    // A group that is gone needs no killing; git itself is killed in any case.
    killed
        .or_else(|_| child.kill().map_err(|_| rustix::io::Errno::SRCH))
        .or(Ok(()))
}
