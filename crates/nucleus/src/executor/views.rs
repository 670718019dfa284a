//! What a command sees beside the workspace and declared directories: the system read-only, and a fresh home.

use std::path::{Path, PathBuf};

use nucleus_jail::{Ids, View, system_views};
use portcullis::envelope::Envelope;

use super::environment::HOME;

/// The most of a command's home: what a package manager's cache needs.
const HOME_BYTES: u64 = 512 << 20;
/// Files and directories in it.
const HOME_INODES: u64 = 100_000;

/// The views of every jail.
pub(crate) fn views(ids: Ids) -> Vec<View> {
    let mut views = system_views();
    views.extend(accounts(ids));
    views.push(View::Tmpfs {
        inside: PathBuf::from(HOME),
        bytes: HOME_BYTES,
        inodes: HOME_INODES,
    });
    views
}

/// Accounts and names that hold nothing of the host's.
fn accounts(ids: Ids) -> Vec<View> {
    let (uid, gid) = (ids.inside_uid, ids.inside_gid);
    let passwd = format!(
        "root:x:0:0:root:/:/bin/sh\nagent:x:{uid}:{gid}:agent:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
    );
    let group = format!("root:x:0:\nagent:x:{gid}:\nnogroup:x:65534:\n");
    vec![
        file("/etc/passwd", passwd),
        file("/etc/group", group),
        file(
            "/etc/hosts",
            "127.0.0.1 localhost\n::1 localhost\n".to_owned(),
        ),
        file("/etc/resolv.conf", String::new()),
        file(
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\n".to_owned(),
        ),
    ]
}

fn file(inside: &str, text: String) -> View {
    View::File {
        inside: PathBuf::from(inside),
        bytes: text.into_bytes().into(),
        mode: 0o644,
    }
}

/// The host directories that the envelope declares by their full paths and that exist.
///
/// `~/` is the user's home on the host.
pub(crate) fn declared_views(envelope: &Envelope, home: Option<&Path>) -> Vec<PathBuf> {
    let clauses = envelope.declarations().host_views.clauses();
    let Some(first) = clauses.first() else {
        return Vec::new();
    };
    let is_in_all = |text: &str| {
        envelope
            .declarations()
            .host_views
            .holds(|pattern| pattern.matches(text))
    };
    let expand = |text: &str| match text.strip_prefix("~/") {
        Some(rest) => home.map(|home| home.join(rest)),
        None => Some(PathBuf::from(text)),
    };
    let texts = first.patterns().iter().map(portcullis::TextPattern::as_str);
    texts
        .filter(|text| !text.contains('*') && is_in_all(text))
        .filter_map(expand)
        .filter(|path| path.is_absolute() && path.exists())
        .collect()
}

/// The `bin` directories of declared views, for `PATH`.
pub(crate) fn program_dirs(declared: &[PathBuf]) -> Vec<String> {
    let bin = |path: &PathBuf| {
        let bin = if path.ends_with("bin") {
            path.clone()
        } else {
            path.join("bin")
        };
        if bin.is_dir() {
            bin.to_str().map(str::to_owned)
        } else {
            None
        }
    };
    declared
        .iter()
        .filter_map(bin)
        .filter(|dir| !dir.contains(':'))
        .collect()
}
