//! The command's process, from the fork to `execve`: every step takes something away.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::landlock::{Rules, restrict};
use crate::error::Step;
use crate::failure::{At, Done, Failure};
use crate::filter::Filter;
use crate::plan::Plan;
use crate::sys::fs::c_string;
use crate::sys::process::{
    close_from_on_exec, drop_capabilities, drop_held_capabilities, exec, place, prctl,
    reset_signals, set_limit,
};
use crate::sys::terminal::make_controlling;

/// Locked memory of a command: enough for what key stores and runtimes pin, little enough not to hurt.
const LOCKED_BYTES: u64 = 8 << 20;

/// Where the command's standard streams come from.
pub(crate) enum Streams {
    Null,
    Fds([OwnedFd; 3]),
    Terminal(OwnedFd),
}

/// What the first process hands to the command.
pub(crate) struct Command<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) streams: Streams,
    pub(crate) readable: Vec<PathBuf>,
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) ports: Option<&'a [u16]>,
    pub(crate) filter: &'a Filter,
    /// Bounds each process's own memory where no cgroup bounds the tree's.
    pub(crate) bounds_data: bool,
    /// Processes of the same user (in its user namespace) that are not the command's.
    pub(crate) other_processes: u64,
}

impl Command<'_> {
    /// Becomes the command; returns only with the step that failed.
    pub(crate) fn run(&self) -> Failure {
        match self.prepare().and_then(|words| self.execute(&words)) {
            Err(failure) => failure,
            Ok(never) => match never {},
        }
    }

    fn prepare(&self) -> Done<Words> {
        reset_signals();
        rustix::process::setsid().at(Step::Stdio, "setsid")?;
        self.place_streams()?;
        self.set_limits()?;
        close_from_on_exec(3).at(Step::Stdio, "close_range")?;
        let words = Words::of(self.plan)?;
        // Without a user namespace an ordinary user may not shrink the bounding set; no-new-privileges makes it moot.
        let dropped = if self.ports.is_some() {
            drop_held_capabilities()
        } else {
            drop_capabilities()
        };
        dropped.at(Step::Capabilities, "all sets")?;
        prctl(libc::PR_SET_NO_NEW_PRIVS, 1).at(Step::NoNewPrivileges, "prctl")?;
        let rules = Rules {
            abi: self.plan.landlock_abi,
            readable: &self.readable,
            writable: &self.writable,
            ports: self.ports,
        };
        restrict(&rules)?;
        rustix::process::chdir(self.plan.cwd).at(Step::Chdir, self.plan.cwd.to_string_lossy())?;
        self.filter.load().at(Step::Seccomp, "load")?;
        Ok(words)
    }

    fn place_streams(&self) -> Done<()> {
        let null;
        let streams = match &self.streams {
            Streams::Fds(three) => three.each_ref().map(AsFd::as_fd),
            Streams::Terminal(terminal) => {
                make_controlling(terminal.as_fd()).at(Step::Terminal, "controlling")?;
                [terminal.as_fd(); 3]
            }
            Streams::Null => {
                null =
                    rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
                        .at(Step::Stdio, "/dev/null")?;
                [null.as_fd(); 3]
            }
        };
        for (number, stream) in (0..).zip(streams) {
            place(stream, number).at(Step::Stdio, "dup")?;
        }
        Ok(())
    }

    fn set_limits(&self) -> Done<()> {
        let plan = self.plan;
        let mut limits = vec![
            (libc::RLIMIT_CORE, 0),
            (libc::RLIMIT_NOFILE, plan.open_files.into()),
            (
                libc::RLIMIT_NPROC,
                u64::from(plan.processes) + self.other_processes,
            ),
            (libc::RLIMIT_MEMLOCK, LOCKED_BYTES),
            (libc::RLIMIT_MSGQUEUE, 0),
            (libc::RLIMIT_RTPRIO, 0),
            (libc::RLIMIT_NICE, 0),
        ];
        limits.extend(plan.file_bytes.map(|bytes| (libc::RLIMIT_FSIZE, bytes)));
        limits.extend(
            self.bounds_data
                .then_some((libc::RLIMIT_DATA, plan.memory_bytes)),
        );
        for (resource, value) in limits {
            set_limit(resource, value).at(Step::Rlimit, format!("{resource}"))?;
        }
        Ok(())
    }

    fn execute(&self, words: &Words) -> Done<std::convert::Infallible> {
        let mut error = std::io::Error::from_raw_os_error(libc::ENOENT);
        for program in &words.candidates {
            let answer = exec(program, &words.argv, &words.env);
            if !matches!(answer.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) {
                error = answer;
                if error.raw_os_error() != Some(libc::EACCES) {
                    break;
                }
            }
        }
        Err(error).at(Step::Exec, words.name())
    }
}

/// The command line and environment as the kernel takes them.
struct Words {
    candidates: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Words {
    fn of(plan: &Plan<'_>) -> Done<Self> {
        let Some(program) = plan.argv.first() else {
            return Err(Failure::invalid(Step::Exec, "no program"));
        };
        let c = |bytes: &[u8]| c_string(bytes).at(Step::Exec, String::from_utf8_lossy(bytes));
        let env = plan
            .env
            .iter()
            .map(|(name, value)| c(&[*name, b"=", *value].concat()))
            .collect::<Done<_>>()?;
        let argv = plan.argv.iter().map(|word| c(word)).collect::<Done<_>>()?;
        let candidates = candidates(program, plan)
            .iter()
            .map(|path| c(path.as_os_str().as_bytes()))
            .collect::<Done<_>>()?;
        Ok(Self {
            candidates,
            argv,
            env,
        })
    }

    fn name(&self) -> String {
        self.argv
            .first()
            .map(|word| word.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

/// A program with `/` is taken as it is, another is looked for in each directory of the plan's own `PATH`.
fn candidates(program: &[u8], plan: &Plan<'_>) -> Vec<PathBuf> {
    let program = Path::new(OsStr::from_bytes(program));
    if program.as_os_str().as_bytes().contains(&b'/') {
        return vec![program.to_owned()];
    }
    let path = plan
        .env
        .iter()
        .find(|(name, _)| *name == b"PATH")
        .map_or(&b"/usr/local/bin:/usr/bin:/bin"[..], |(_, value)| value);
    path.split(|&byte| byte == b':')
        .filter(|dir| !dir.is_empty())
        .map(|dir| Path::new(OsStr::from_bytes(dir)).join(program))
        .collect()
}
