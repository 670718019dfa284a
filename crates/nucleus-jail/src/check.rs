//! Specs that contradict themselves or ask for what a jail never gives, refused before anything is started.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::FileType;

use crate::error::Error;
use crate::host::mounts::is_plain;
use crate::spec::{Form, JailSpec, Reach, Stdio, UnixSockets, Upper, View};

/// Bounds of one message of descriptors: listeners, terminal and directory of changes.
const MAX_PORTS: usize = 64;
const MAX_HOSTNAME: usize = 64;

/// Checks everything that needs no kernel step.
pub(crate) fn check_spec(spec: &JailSpec) -> Result<(), Error> {
    let invalid = |text: &str| Err(Error::InvalidSpec(text.to_owned()));
    if spec.argv.first().is_none_or(|program| program.is_empty()) {
        return invalid("the command is empty");
    }
    if spec.ports.len() > MAX_PORTS {
        return invalid("more than 64 ports");
    }
    if spec.hostname.len() > MAX_HOSTNAME {
        return invalid("the host name is longer than 64 bytes");
    }
    if spec.limits.processes == 0 || spec.limits.memory_bytes == 0 || spec.limits.open_files < 8 {
        return invalid("a limit of zero processes or memory, or fewer than 8 descriptors");
    }
    if spec.form == Form::WithoutNamespaces {
        if spec.reach == Reach::Redirected {
            return invalid("a jail without namespaces cannot have its connections redirected");
        }
        check_bare(spec)?;
    }
    for path in paths(spec) {
        if !is_plain(path) {
            return invalid(&format!(
                "`{}` is not an absolute path without `.` and `..`",
                path.display()
            ));
        }
    }
    for (name, _) in &spec.env {
        let name = name.as_encoded_bytes();
        if name.is_empty() || name.contains(&b'=') {
            return invalid("an environment name is empty or holds `=`");
        }
    }
    if let Stdio::Fds {
        stdin,
        stdout,
        stderr,
    } = &spec.stdio
    {
        for (name, fd) in [("stdin", stdin), ("stdout", stdout), ("stderr", stderr)] {
            check_stream(name, fd.as_fd())?;
        }
    }
    Ok(())
}

/// What only namespaces can give is an error without them, not left out.
fn check_bare(spec: &JailSpec) -> Result<(), Error> {
    let invalid = |text: &str| Err(Error::InvalidSpec(format!("{text} need namespaces")));
    if spec.unix_sockets == UnixSockets::Private {
        return invalid("private Unix sockets");
    }
    if spec.workspace.is_some() {
        return invalid("workspace overlays");
    }
    // Landlock knows the number of a port and not the host: a listener's port would be open to the whole world.
    if !spec.ports.is_empty() {
        return invalid("ports");
    }
    if matches!(spec.stdio, Stdio::Terminal { .. }) {
        return invalid("terminals of the jail's own");
    }
    let keeps_its_path =
        |view: &View| matches!(view, View::Bind { host, inside, .. } if host == inside);
    if !spec.views.iter().all(keeps_its_path) {
        return invalid("views other than a tree at its own path");
    }
    Ok(())
}

fn paths(spec: &JailSpec) -> Vec<&Path> {
    let mut all = vec![spec.cwd.as_path()];
    for view in &spec.views {
        match view {
            View::Bind { host, inside, .. } | View::BindOwned { host, inside } => {
                all.extend([host.as_path(), inside.as_path()])
            }
            View::Masked {
                host, inside, mask, ..
            } => all.extend([host.as_path(), inside.as_path(), mask.as_path()]),
            View::File { inside, .. }
            | View::Link { inside, .. }
            | View::Dir { inside }
            | View::Tmpfs { inside, .. } => all.push(inside),
        }
    }
    if let Some(overlay) = &spec.workspace {
        all.extend([overlay.inside.as_path(), overlay.lower.path.as_path()]);
        all.extend(overlay.staged.as_deref());
        all.extend(overlay.mask.as_deref());
        if let Upper::Disk(dir) = &overlay.upper {
            all.push(dir);
        }
    }
    all
}

/// FAIL-CLOSED: a terminal of the host could be typed into, a directory descriptor leads out of the jail, a socket carries descriptors.
fn check_stream(name: &str, fd: BorrowedFd<'_>) -> Result<(), Error> {
    let stat = rustix::fs::fstat(fd).map_err(Error::errno("asking for a standard stream"))?;
    let is_null = || rustix::fs::major(stat.st_rdev) == 1 && rustix::fs::minor(stat.st_rdev) == 3;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo | FileType::RegularFile => Ok(()),
        FileType::CharacterDevice if is_null() => Ok(()),
        other => Err(Error::InvalidSpec(format!(
            "{name} is neither a pipe, a regular file nor /dev/null ({other:?})"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    fn with_stdin(stdin: OwnedFd) -> JailSpec {
        let null = || {
            OwnedFd::from(
                std::fs::File::options()
                    .read(true)
                    .write(true)
                    .open("/dev/null")
                    .unwrap(),
            )
        };
        JailSpec {
            stdio: Stdio::Fds {
                stdin,
                stdout: null(),
                stderr: null(),
            },
            ..JailSpec::new(["true"])
        }
    }

    #[test]
    fn a_pipe_and_null_are_streams() {
        let (read, _write) = rustix::pipe::pipe().unwrap();
        assert!(check_spec(&with_stdin(read)).is_ok());
        assert!(
            check_spec(&with_stdin(
                std::fs::File::open("/dev/null").unwrap().into()
            ))
            .is_ok()
        );
    }

    #[test]
    fn a_terminal_a_directory_and_a_socket_are_not() {
        let directory = std::fs::File::open("/").unwrap().into();
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let terminal = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/ptmx")
            .unwrap()
            .into();
        for fd in [directory, socket.into(), terminal] {
            assert!(matches!(
                check_spec(&with_stdin(fd)),
                Err(Error::InvalidSpec(_))
            ));
        }
    }

    #[test]
    fn a_relative_or_climbing_path_is_refused() {
        for cwd in ["work", "/a/../b", "/./a", ""] {
            let spec = JailSpec {
                cwd: cwd.into(),
                ..JailSpec::new(["true"])
            };
            assert!(
                matches!(check_spec(&spec), Err(Error::InvalidSpec(_))),
                "{cwd}"
            );
        }
        assert!(
            check_spec(&JailSpec {
                cwd: "/a/b".into(),
                ..JailSpec::new(["true"])
            })
            .is_ok()
        );
    }
}
