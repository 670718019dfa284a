//! Which setting of the host refuses user namespaces.

use std::fs;

use crate::error::{Error, Step};
use crate::failure::Failure;
use crate::report::Layer;

/// A missing layer in place of a step that failed because the host refuses namespaces.
pub(crate) fn explain(failure: Failure) -> Error {
    let refused = matches!(
        failure.errno,
        libc::EPERM | libc::EACCES | libc::ENOSPC | libc::ENOSYS | libc::EINVAL | libc::EUSERS
    );
    let early = matches!(
        failure.step,
        Step::Clone
            | Step::IdMap
            | Step::Become
            | Step::Loopback
            | Step::Root
            | Step::Proc
            | Step::Overlay
    );
    if refused
        && early
        && let Some((reason, fix)) = cause(&Settings::read(), &failure)
    {
        return Error::LayerMissing {
            layer: layer_of(failure.step),
            reason,
            fix,
        };
    }
    failure.into()
}

fn layer_of(step: Step) -> Layer {
    match step {
        Step::Proc => Layer::PidNamespace,
        Step::Overlay => Layer::WorkspaceOverlay,
        Step::Loopback => Layer::NetNamespace,
        Step::Root => Layer::MountNamespace,
        _ => Layer::UserNamespace,
    }
}

/// What the host says about user namespaces.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) apparmor_restricts: bool,
    pub(crate) unprivileged_clone_off: bool,
    pub(crate) max_is_zero: bool,
    pub(crate) has_filter: bool,
}

impl Settings {
    pub(crate) fn read() -> Self {
        let is = |path: &str, value: &str| {
            fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            apparmor_restricts: is(
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1",
            ),
            unprivileged_clone_off: is("/proc/sys/kernel/unprivileged_userns_clone", "0"),
            max_is_zero: is("/proc/sys/user/max_user_namespaces", "0"),
            has_filter: status.lines().any(|line| {
                line.strip_prefix("Seccomp:")
                    .is_some_and(|value| value.trim() != "0")
            }),
        }
    }

    /// The setting to blame and how to change it.
    pub(crate) fn blame(&self) -> Option<(&'static str, &'static str)> {
        if self.max_is_zero {
            return Some((
                "`/proc/sys/user/max_user_namespaces` is 0",
                "run `sysctl -w user.max_user_namespaces=16384` as root",
            ));
        }
        if self.unprivileged_clone_off {
            return Some((
                "`kernel.unprivileged_userns_clone` is 0, so an ordinary user gets no user namespace",
                "run `sysctl -w kernel.unprivileged_userns_clone=1` as root",
            ));
        }
        if self.apparmor_restricts {
            return Some((
                "`kernel.apparmor_restrict_unprivileged_userns` is 1: AppArmor takes the capabilities of an ordinary user's namespace",
                "run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root, or load an AppArmor profile for this program that allows `userns`",
            ));
        }
        if self.has_filter {
            return Some((
                "this process runs under a seccomp filter, as in a Docker container",
                "start the container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`",
            ));
        }
        None
    }
}

fn cause(settings: &Settings, failure: &Failure) -> Option<(String, String)> {
    let said = std::io::Error::from_raw_os_error(failure.errno);
    if let Some((reason, fix)) = settings.blame() {
        return Some((
            format!("{reason} (step `{}`: {said})", failure.step),
            fix.to_owned(),
        ));
    }
    match (failure.step, failure.errno) {
        (Step::Clone | Step::IdMap, libc::ENOSPC | libc::EUSERS) => Some((
            format!("the limit of nested or concurrent user namespaces is reached ({said})"),
            "raise `user.max_user_namespaces`, or do not start from inside many nested namespaces".to_owned(),
        )),
        (Step::Clone, libc::ENOSYS) => {
            Some((format!("the kernel or a filter has no `clone3` ({said})"), "use Linux 5.13 or newer, outside a filtering container".to_owned()))
        }
        (Step::Clone, libc::EPERM | libc::EACCES | libc::EINVAL) => Some((
            format!("the kernel refuses new user namespaces ({said})"),
            "enable CONFIG_USER_NS, leave any chroot, and allow user namespaces in the security module".to_owned(),
        )),
        (Step::Proc, libc::EPERM) => Some((
            format!("a new `/proc` cannot be mounted because parts of the present one are covered ({said})"),
            "in a container, start it with `--security-opt systempaths=unconfined`".to_owned(),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(step: Step, errno: i32) -> Failure {
        Failure {
            step,
            detail: String::new(),
            errno,
        }
    }

    #[test]
    fn each_setting_is_named_with_its_fix() {
        let cases = [
            (
                Settings {
                    max_is_zero: true,
                    ..Settings::default()
                },
                "max_user_namespaces",
            ),
            (
                Settings {
                    apparmor_restricts: true,
                    ..Settings::default()
                },
                "kernel.apparmor_restrict_unprivileged_userns",
            ),
            (
                Settings {
                    unprivileged_clone_off: true,
                    ..Settings::default()
                },
                "kernel.unprivileged_userns_clone",
            ),
            (
                Settings {
                    has_filter: true,
                    ..Settings::default()
                },
                "seccomp",
            ),
        ];
        for (settings, word) in cases {
            let (reason, fix) = cause(&settings, &refused(Step::Clone, libc::EPERM)).unwrap();
            assert!(reason.contains(word) && !fix.is_empty(), "{reason}");
        }
    }

    #[test]
    fn a_failure_of_the_spec_stays_what_it_is() {
        let error = explain(refused(Step::View, libc::ENOENT));
        assert!(
            matches!(
                error,
                Error::Setup {
                    step: Step::View,
                    ..
                }
            ),
            "{error}"
        );
    }
}
