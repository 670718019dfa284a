//! What jails are shown beside the workspace counts as touched from the start, with a record.

use std::path::PathBuf;

use nucleus::Exposure;
use nucleus::executor::JailOptions;
use nucleus_audit::Kind;

use super::session::{OPEN, Session, jail_options};

/// A session whose jails see these directories and this environment; no jail is started.
fn session(views: &[PathBuf], declared: &str, is_with_helper: bool) -> Session {
    let text = format!("{OPEN}\n[jail]\nenvironment = [{declared}]\n");
    Session::with(&text, |options| {
        options.shared_jails = None;
        options.jails = JailOptions {
            helper: jail_options().helper.filter(|_| is_with_helper),
            host_environment: vec![("MY_SETTING".to_owned(), "c4n4ry-value".to_owned())],
            extra_views: views.to_vec(),
            ..JailOptions::default()
        };
    })
}

fn git(dir: &std::path::Path, args: &[&str]) {
    let status = std::process::Command::new("/usr/bin/git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn a_view_of_the_host_is_private_data_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let shown = session(&[dir.path().to_owned()], "", true);
    assert_eq!(shown.monitor().exposure(), Exposure::PRIVATE);
    assert_eq!(shown.kinds(), [Kind::Start, Kind::Expose]);
    let name = dir.path().file_name().unwrap().to_str().unwrap();
    assert!(shown.log_text().contains(name), "the record says which");
    shown.end();
    // The twins: nothing is shown, or there is no jail to show it to.
    assert_eq!(session(&[], "", true).monitor().exposure(), Exposure::NONE);
    let unjailed = session(&[dir.path().to_owned()], "", false);
    assert_eq!(unjailed.monitor().exposure(), Exposure::NONE);
}

#[test]
fn a_declared_variable_is_private_data_from_the_start_and_its_value_is_in_no_record() {
    let shown = session(&[], "\"MY_SETTING\"", true);
    assert_eq!(shown.monitor().exposure(), Exposure::PRIVATE);
    let log = shown.log_text();
    assert!(log.contains("MY_SETTING") && !log.contains("c4n4ry-value"));
    // The twin: one that is declared and that the host does not have.
    let other = session(&[], "\"OTHER_SETTING\"", true);
    assert_eq!(other.monitor().exposure(), Exposure::NONE);
}

#[test]
fn a_view_of_somebody_elses_files_is_untrusted_too() {
    let both = Exposure::PRIVATE.join(Exposure::UNTRUSTED);
    let dir = tempfile::tempdir().unwrap();
    let dependencies = dir.path().join("app/node_modules/left-pad");
    std::fs::create_dir_all(&dependencies).unwrap();
    assert_eq!(
        session(&[dependencies], "", true).monitor().exposure(),
        both
    );

    git(dir.path(), &["init", "-q"]);
    for name in ["tracked", "untracked"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("f"), "x").unwrap();
    }
    git(dir.path(), &["add", "tracked"]);
    let view = |name: &str| session(&[dir.path().join(name)], "", true);
    assert_eq!(view("untracked").monitor().exposure(), both);
    assert_eq!(view("tracked").monitor().exposure(), Exposure::PRIVATE);
}
