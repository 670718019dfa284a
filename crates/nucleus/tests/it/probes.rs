//! The boundary probes: all hold in a jail as it is, and each gets through where its wall is missing.

use std::path::Path;

use nucleus::{Error, MonitorError};
use nucleus_audit::Probe;
use nucleus_jail::{Access, JailSpec, View};

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
