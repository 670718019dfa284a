//! Which layers a spec gets on this host, and refusing the ones that are missing and not waived.

use crate::error::Error;
use crate::host::clone::{Mapping, outside_user};
use crate::launcher::Support;
use crate::report::{Enforced, Layer, LayerReport, LayerState};
use crate::spec::{Form, JailSpec, Upper};

/// The ABI from which on TCP can be limited by port.
const TCP_ABI: u32 = 4;
/// The ABI from which on signals and abstract sockets are scoped.
const SCOPES_ABI: u32 = 6;

/// One line for each layer. The namespaces are stated as built: a step that cannot build one is an error of its own.
pub(crate) fn report(spec: &JailSpec, support: &Support) -> Vec<LayerReport> {
    Layer::ALL
        .into_iter()
        .map(|layer| LayerReport {
            layer,
            state: state(layer, spec, support),
        })
        .collect()
}

/// Refuses a missing layer that is not waived.
pub(crate) fn check_required(spec: &JailSpec, enforced: &Enforced) -> Result<(), Error> {
    for line in enforced.missing() {
        if let LayerState::Missing { reason, fix } = &line.state
            && (!spec.waived.contains(&line.layer) || is_last_wall(line.layer, spec))
        {
            return Err(Error::LayerMissing {
                layer: line.layer,
                reason: reason.clone(),
                fix: fix.clone(),
            });
        }
    }
    Ok(())
}

/// FAIL-CLOSED: without namespaces nothing else keeps files and signals from the command; these cannot be waived.
fn is_last_wall(layer: Layer, spec: &JailSpec) -> bool {
    let walls = [
        Layer::Landlock,
        Layer::LandlockScopes,
        Layer::NoHostRoot,
        Layer::Seccomp,
    ];
    spec.form == Form::WithoutNamespaces && walls.contains(&layer)
}

fn present(how: impl Into<String>) -> LayerState {
    LayerState::Present(how.into())
}

fn missing(reason: impl Into<String>, fix: impl Into<String>) -> LayerState {
    LayerState::Missing {
        reason: reason.into(),
        fix: fix.into(),
    }
}

fn state(layer: Layer, spec: &JailSpec, support: &Support) -> LayerState {
    if spec.form == Form::WithoutNamespaces && Layer::NAMESPACED.contains(&layer) {
        return missing(
            "the jail was asked for without namespaces",
            "leave out the option that runs without namespaces",
        );
    }
    match layer {
        Layer::UserNamespace => match Mapping::of_this_process() {
            Mapping::Range => present("65,536 unused host ids"),
            Mapping::Own { .. } => present("the caller's own id"),
        },
        Layer::MountNamespace => present("own root, old root detached"),
        Layer::PidNamespace => present("first process holds the life line"),
        Layer::NetNamespace => present("loopback only"),
        Layer::IpcNamespace | Layer::UtsNamespace | Layer::CgroupNamespace => present("own"),
        Layer::NoHostRoot if spec.form == Form::WithoutNamespaces => host_user_without_namespaces(),
        Layer::NoHostRoot => present(host_user()),
        Layer::NoExtraGroups => groups(spec.form),
        Layer::NoCapabilities if spec.form == Form::WithoutNamespaces => {
            present("none held; no-new-privileges makes the bounding set moot")
        }
        Layer::NoCapabilities => present("all sets empty, bounding set included"),
        Layer::NoNewPrivileges => present("set"),
        Layer::Seccomp => present("allow list by class, else EPERM or ENOSYS"),
        Layer::Landlock
            if spec.form == Form::WithoutNamespaces && support.landlock_abi < TCP_ABI =>
        {
            missing(
                format!(
                    "without namespaces only Landlock ABI {TCP_ABI} or newer limits TCP, this kernel has ABI {}",
                    support.landlock_abi
                ),
                "use Linux 6.7 or newer, or namespaces",
            )
        }
        Layer::Landlock => landlock(support.landlock_abi),
        Layer::LandlockScopes => scopes(support.landlock_abi, spec.form),
        Layer::ReadOnlyProc => present("/proc/sys, sysrq-trigger, irq, bus, fs"),
        Layer::WorkspaceOverlay => workspace(spec),
        Layer::ProcessLimit => processes(spec.limits.processes, support),
        Layer::MemoryLimit => memory(spec.limits.memory_bytes, support),
    }
}

fn processes(count: u32, support: &Support) -> LayerState {
    let own = match &support.cgroup {
        Ok(kind) => format!("{kind} pids and RLIMIT_NPROC, {count}"),
        Err(_) => format!("RLIMIT_NPROC of the jail's user namespace, {count}"),
    };
    let session = support.session.as_ref();
    present(with_session(
        own,
        session.ok().map(|limits| limits.processes.into()),
    ))
}

fn memory(bytes: u64, support: &Support) -> LayerState {
    let own = match &support.cgroup {
        Ok(kind) => format!("{kind} memory, {bytes} bytes"),
        Err(why) => format!(
            "watcher and RLIMIT_DATA, {bytes} bytes; memory files no process maps are not counted ({why})"
        ),
    };
    let session = support.session.as_ref();
    present(with_session(
        own,
        session.ok().map(|limits| limits.memory_bytes),
    ))
}

fn with_session(own: String, all: Option<u64>) -> String {
    match all {
        Some(all) => format!("{own}; all jails of the session together {all}"),
        None => format!("{own}; no bound of all jails of the session together"),
    }
}

fn host_user() -> String {
    format!(
        "host uid {}",
        crate::launcher::ids(Mapping::of_this_process()).host_uid
    )
}

/// Who the command is on the host when it has no namespace of its own.
fn host_user_without_namespaces() -> LayerState {
    match Mapping::of(Form::WithoutNamespaces) {
        Some(mapping) => {
            let uid = crate::launcher::ids(mapping).host_uid;
            present(format!("host uid {}", outside_user(uid)))
        }
        None => missing(
            "its user would be root outside, and no other id can be had",
            "start it as an ordinary user",
        ),
    }
}

/// An ordinary user cannot leave groups; started by root the jail has none.
fn groups(form: Form) -> LayerState {
    let Some(Mapping::Own { gid, .. }) = Mapping::of(form) else {
        return present("none kept");
    };
    let extra = rustix::process::getgroups().map_or(usize::MAX, |groups| {
        groups.iter().filter(|group| group.as_raw() != gid).count()
    });
    match extra {
        0 => present("the caller has none"),
        _ => present("kept by the kernel, but nothing they open is in view"),
    }
}

fn landlock(abi: u32) -> LayerState {
    match abi {
        0 => missing(
            "the kernel offers no Landlock",
            "use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK and `landlock` among the `lsm=` modules",
        ),
        abi => present(format!("ABI {abi}")),
    }
}

fn scopes(abi: u32, form: Form) -> LayerState {
    if abi >= SCOPES_ABI {
        return present(format!("signals and abstract sockets, ABI {abi}"));
    }
    let fix = match form {
        Form::Namespaces => {
            "use Linux 6.12 or newer, or waive this layer: the pid and network namespaces still separate signals and sockets"
        }
        Form::WithoutNamespaces => {
            "use Linux 6.12 or newer, or namespaces: nothing else keeps signals from the host's processes"
        }
    };
    missing(
        format!("Landlock ABI {abi} has no scopes (needs ABI {SCOPES_ABI})"),
        fix,
    )
}

fn workspace(spec: &JailSpec) -> LayerState {
    match &spec.workspace {
        None => LayerState::NotNeeded,
        Some(overlay) => present(match overlay.upper {
            Upper::None => "read-only".to_owned(),
            Upper::Tmpfs { bytes, inodes } => {
                format!("changes in memory, at most {bytes} bytes and {inodes} files")
            }
            Upper::Disk(_) => "changes on disk, not bounded by the kernel".to_owned(),
        }),
    }
}
