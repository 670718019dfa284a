//! The boundary probes: all hold in a jail as it is, and each gets through where its wall is missing.

use std::path::Path;

use nucleus::{Error, MonitorError};
use nucleus_audit::Probe;
use nucleus_jail::{Access, Form, JailSpec, Layer, View};

use super::session::{OPEN, Session, jails, policy, probe_program};

fn through(alter: &dyn Fn(&mut JailSpec, &Path)) -> Vec<Probe> {
    let scratch = tempfile::tempdir().unwrap();
    let policy = policy(OPEN);
    let program = probe_program();
    let probes = nucleus::probes::run_in_altered_jail(
        &jails(),
        policy.envelope(),
        &program,
        scratch.path(),
        alter,
    );
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        0,
        "targets are gone"
    );
    probes
        .unwrap()
        .into_iter()
        .filter(|probe| !probe.held)
        .collect()
}

fn names(probes: &[Probe]) -> Vec<&str> {
    probes.iter().map(|probe| probe.name.as_str()).collect()
}

#[test]
fn every_probe_holds_in_a_jail_as_commands_get_it() {
    assert_eq!(through(&|_, _| {}), []);
}

#[test]
fn a_jail_that_shows_the_host_is_found_out_and_no_session_starts() {
    let probes = through(&|spec, targets| {
        let (host, inside) = (targets.to_owned(), targets.to_owned());
        spec.views.push(View::Bind {
            host,
            inside,
            access: Access::ReadOnly,
        });
    });
    assert_eq!(names(&probes), ["canary"]);
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    std::fs::create_dir(dir.path().join("ws")).unwrap();
    let found = probes.clone();
    let refused = Session::beside(&dir, OPEN, |options| options.probes = found)
        .err()
        .unwrap();
    assert!(
        matches!(&refused, Error::Monitor(MonitorError::Probe { probe, .. }) if probe == "canary"),
        "{refused}"
    );
    let held: Vec<Probe> = probes
        .into_iter()
        .map(|probe| Probe {
            held: true,
            ..probe
        })
        .collect();
    assert!(Session::beside(&dir, OPEN, |options| options.probes = held).is_ok());
}

#[test]
fn a_jail_whose_workspace_is_the_real_tree_is_found_out() {
    let probes = through(&|spec, targets| {
        let workspace = spec.workspace.take().unwrap();
        let host = targets.join("workspace");
        spec.views.push(View::Bind {
            host,
            inside: workspace.inside,
            access: Access::ReadWrite,
        });
    });
    assert_eq!(names(&probes), ["activation"]);
}

#[test]
fn a_jail_that_shows_the_sockets_of_the_host_is_found_out() {
    let probes = through(&|spec, targets| {
        let (host, inside) = (targets.to_owned(), targets.to_owned());
        spec.views.push(View::Bind {
            host,
            inside,
            access: Access::ReadOnly,
        });
        spec.unix_sockets = nucleus_jail::UnixSockets::Private;
    });
    assert_eq!(names(&probes), ["canary", "host-socket"]);
}

#[test]
fn attempts_that_were_not_made_count_as_got_through() {
    let probes = through(&|spec, _| spec.argv = vec!["/bin/true".into()]);
    assert_eq!(probes.len(), nucleus::probes::ATTEMPTS.len());
}

#[test]
fn a_jail_that_shows_the_processes_of_the_host_is_found_out() {
    let probes = through(&|spec, _| {
        let program = std::fs::canonicalize(probe_program().program).unwrap();
        let seen = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"].map(Path::new);
        let seen = seen
            .into_iter()
            .filter(|path| path.exists())
            .chain([program.as_path()]);
        spec.views = seen
            .map(|path| View::Bind {
                host: path.to_owned(),
                inside: path.to_owned(),
                access: Access::ReadOnly,
            })
            .collect();
        spec.argv[0] = program.clone().into();
        spec.form = Form::WithoutNamespaces;
        spec.waived = Layer::NAMESPACED.into_iter().collect();
        spec.workspace = None;
        spec.cwd = "/usr".into();
    });
    assert_eq!(names(&probes), ["other-process"]);
}

/// What gets through outside any jail, behind this program.
fn outside(wrap: &[&str]) -> Vec<String> {
    let scratch = tempfile::tempdir().unwrap();
    let probes = nucleus::probes::run_outside(&probe_program(), scratch.path(), wrap).unwrap();
    let through = probes.into_iter().filter(|probe| !probe.held);
    through.map(|probe| probe.name).collect()
}

/// Root opens settings of the kernel, others do not: nothing but a jail is in root's way.
fn kernel_settings() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() {
        &["kernel-settings"]
    } else {
        &[]
    }
}

#[test]
fn every_attempt_gets_through_where_there_is_no_jail() {
    let mut all = vec!["canary", "dial", "host-socket", "activation"];
    all.extend(kernel_settings());
    all.push("other-process");
    assert_eq!(outside(&[]), all);
}

#[test]
fn each_attempt_is_stopped_by_the_layer_it_is_about() {
    let found = outside(&["unshare", "--user", "--map-root-user", "--net"]);
    assert!(
        !found.iter().any(|name| name == "dial"),
        "a network of its own: {found:?}"
    );
    assert!(
        found.iter().any(|name| name == "other-process"),
        "{found:?}"
    );
    let found = outside(&[
        "unshare",
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ]);
    assert!(
        !found.iter().any(|name| name == "other-process"),
        "processes of its own: {found:?}"
    );
    assert!(found.iter().any(|name| name == "dial"), "{found:?}");
    // Nobody who was not root of the machine before is root of it in there.
    let is_settable = found.iter().any(|name| name == "kernel-settings");
    assert_eq!(is_settable, !kernel_settings().is_empty(), "{found:?}");
}
