//! What this host can give.

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{FsOpenFlags, MountPropagationFlags, fsopen, mount_change};

use crate::host::cgroup;
use crate::host::clone::{Mapping, NAMESPACES};
use crate::host::diagnose::Settings;
use crate::sys::landlock;
use crate::sys::process::{Cloned, clone_into, exit_now, reap};

/// One kernel feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Short name.
    pub name: &'static str,
    /// What was found, or why it is missing.
    pub found: Result<String, String>,
    /// What to change when it is missing; empty otherwise.
    pub fix: String,
    /// Whether a jail refuses to start without it (unless waived).
    pub is_required: bool,
}

impl Feature {
    fn of(name: &'static str, is_required: bool, found: Result<String, (String, String)>) -> Self {
        match found {
            Ok(text) => Self {
                name,
                found: Ok(text),
                fix: String::new(),
                is_required,
            },
            Err((reason, fix)) => Self {
                name,
                found: Err(reason),
                fix,
                is_required,
            },
        }
    }
}

/// Every feature that a jail uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSupport {
    /// One line each.
    pub features: Vec<Feature>,
}

impl HostSupport {
    /// Whether a jail with every required layer can be started.
    pub fn is_sufficient(&self) -> bool {
        self.features
            .iter()
            .all(|feature| !feature.is_required || feature.found.is_ok())
    }
}

/// Tries each feature; changes nothing on the host.
pub fn probe_host() -> HostSupport {
    let abi = landlock::abi().unwrap_or(0);
    let features = vec![
        Feature::of("kernel", true, kernel()),
        Feature::of(
            "user-namespace",
            true,
            attempt(libc::CLONE_NEWUSER, Attempt::Nothing),
        ),
        Feature::of(
            "mount-namespace",
            true,
            attempt(
                libc::CLONE_NEWUSER | libc::CLONE_NEWNS,
                Attempt::PrivateMounts,
            ),
        ),
        Feature::of(
            "all-namespaces",
            true,
            attempt(NAMESPACES, Attempt::Nothing),
        ),
        Feature::of(
            "overlay",
            true,
            attempt(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, Attempt::Overlay),
        ),
        Feature::of(
            "idmapped-mounts",
            Mapping::of_this_process() == Mapping::Range,
            idmapped(),
        ),
        Feature::of("landlock", true, landlock_since(abi, 1, "Linux 5.13")),
        Feature::of(
            "landlock-scopes",
            true,
            landlock_since(abi, 6, "Linux 6.12"),
        ),
        Feature::of("seccomp", true, seccomp()),
        Feature::of("cgroup-limits", false, cgroup_limits()),
    ];
    HostSupport { features }
}

/// Major and minor number of the running kernel.
fn release() -> (u32, u32) {
    let name = rustix::system::uname();
    let text = name.release().to_string_lossy().into_owned();
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(|word| word.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn kernel() -> Result<String, (String, String)> {
    let (major, minor) = release();
    match (major, minor) {
        (6, 12..) | (7.., _) => Ok(format!("Linux {major}.{minor}")),
        (5, 13..) | (6, _) => Ok(format!(
            "Linux {major}.{minor}; 6.12 or newer has every layer"
        )),
        _ => Err((
            format!("Linux {major}.{minor} is too old"),
            "use Linux 5.13 or newer".to_owned(),
        )),
    }
}

fn idmapped() -> Result<String, (String, String)> {
    let (major, minor) = release();
    if (major, minor) >= (5, 19) {
        return Ok("overlay takes idmapped layers".to_owned());
    }
    Err((
        "overlays take idmapped layers from Linux 5.19 on".to_owned(),
        "use Linux 5.19 or newer, or start as an ordinary user".to_owned(),
    ))
}

fn landlock_since(abi: u32, needed: u32, release: &str) -> Result<String, (String, String)> {
    if abi >= needed {
        return Ok(format!("ABI {abi}"));
    }
    let fix = format!(
        "use {release} or newer with CONFIG_SECURITY_LANDLOCK and `landlock` in the kernel's `lsm=` list"
    );
    Err((format!("Landlock ABI {abi}, needs {needed}"), fix))
}

fn seccomp() -> Result<String, (String, String)> {
    let actions =
        std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    if actions.split_whitespace().any(|word| word == "errno") {
        return Ok("filters with errno".to_owned());
    }
    Err((
        "the kernel has no seccomp filters".to_owned(),
        "use a kernel with CONFIG_SECCOMP_FILTER".to_owned(),
    ))
}

fn cgroup_limits() -> Result<String, (String, String)> {
    cgroup::available().map_err(|reason| {
        let fix = "start in a delegated cgroup, such as `systemd-run --user --scope -p Delegate=yes`; without it rlimits and a watcher bound each command, and a session may use the sum of what its commands may";
        (reason, fix.to_owned())
    })
}

/// What the child of a probe does in its namespaces.
#[derive(Clone, Copy)]
enum Attempt {
    Nothing,
    PrivateMounts,
    Overlay,
}

/// Clones a child into the namespaces and lets it try. The child only makes plain calls: this process may have threads.
fn attempt(flags: libc::c_int, what: Attempt) -> Result<String, (String, String)> {
    let settings = Settings::read();
    let errno = match clone_into(flags) {
        Ok(Cloned::Child) => exit_now(try_it(what)),
        Ok(Cloned::Parent { pid, .. }) => reap(pid).map_or(libc::EIO, |status| {
            if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                libc::EIO
            }
        }),
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
    };
    if errno == 0 {
        return Ok("works".to_owned());
    }
    let said = std::io::Error::from_raw_os_error(errno);
    match settings.blame() {
        Some((reason, fix)) => Err((format!("{reason} ({said})"), fix.to_owned())),
        None if errno == libc::ENODEV => Err((said.to_string(), "load the module: `modprobe overlay` as root".to_owned())),
        None => Err((said.to_string(), "allow user namespaces for this user: CONFIG_USER_NS, `user.max_user_namespaces`, the security module, the container's seccomp profile".to_owned())),
    }
}

fn try_it(what: Attempt) -> i32 {
    let done = match what {
        Attempt::Nothing => Ok(()),
        Attempt::PrivateMounts => mount_change(
            c"/",
            MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
        ),
        Attempt::Overlay => fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC).map(drop),
    };
    done.map_or_else(|error| error.raw_os_error(), |()| 0)
}

/// Whether a directory can be opened for search and written by this process.
pub(crate) fn is_writable(path: &std::path::Path) -> bool {
    rustix::fs::openat(
        CWD,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .is_ok()
        && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}
