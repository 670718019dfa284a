//! A failed step on its way from the helper or the jail to the caller.

use std::io;

use crate::error::{Error, Step};
use crate::report::Layer;
use crate::wire::{Reader, Writer};

/// Which step failed, on what, and the kernel's answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) detail: String,
    pub(crate) errno: i32,
}

pub(crate) type Done<T> = Result<T, Failure>;

impl Failure {
    /// EINVAL at `step`, for bytes or specs that do not make sense.
    pub(crate) fn invalid(step: Step, detail: impl Into<String>) -> Self {
        Self {
            step,
            detail: detail.into(),
            errno: libc::EINVAL,
        }
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.u8(self.step as u8);
        out.u64(u64::from(self.errno.unsigned_abs()));
        out.bytes(self.detail.as_bytes());
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let step = Step::from_u8(input.u8()?)?;
        let errno = i32::try_from(input.u64()?).ok()?;
        let detail = String::from_utf8_lossy(input.bytes()?).into_owned();
        Some(Self {
            step,
            detail,
            errno,
        })
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let source = io::Error::from_raw_os_error(failure.errno);
        match failure.step {
            Step::Exec => Error::Exec {
                program: failure.detail,
                source,
            },
            // A root of a container or of a user namespace: numbered 0, without root's powers over mounts.
            Step::OpenTree
                if failure.errno == libc::EPERM && rustix::process::geteuid().is_root() =>
            {
                Error::LayerMissing {
                    layer: Layer::MountNamespace,
                    reason: format!(
                        "this root may not copy the mount `{}`: it lacks CAP_SYS_ADMIN over its mount namespace",
                        failure.detail
                    ),
                    fix: "start as an ordinary user, or give the container CAP_SYS_ADMIN"
                        .to_owned(),
                }
            }
            step => Error::Setup {
                step,
                detail: failure.detail,
                source,
            },
        }
    }
}

/// Names the step of a failed call.
pub(crate) trait At<T> {
    /// `detail` says on what.
    fn at(self, step: Step, detail: impl AsRef<str>) -> Done<T>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: Step, detail: impl AsRef<str>) -> Done<T> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            let (errno, mut text) = (
                error.raw_os_error().unwrap_or(libc::EIO),
                detail.as_ref().to_owned(),
            );
            if error.raw_os_error().is_none() {
                text = format!("{text}: {error}");
            }
            Failure {
                step,
                detail: text,
                errno,
            }
        })
    }
}
