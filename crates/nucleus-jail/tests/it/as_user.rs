//! Everything again as an ordinary user, from copies in a world-readable place.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::fixture::{is_root, jail_program, skip};

/// Nobody's id on a usual system.
const USER: u32 = 65_533;

#[test]
fn everything_holds_for_an_ordinary_user() {
    if !is_root() {
        skip(
            "as_user::everything_holds_for_an_ordinary_user",
            "root, who runs all of this as an ordinary user",
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = |from: std::path::PathBuf, name: &str| {
        let to = dir.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o755)).unwrap();
        to
    };
    let tests = copy(std::env::current_exe().unwrap(), "tests");
    let jail = copy(jail_program(), "jail");
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(USER), Some(USER)).unwrap();
    let output = Command::new(tests)
        .args([
            "--test-threads=2",
            "--skip",
            "everything_holds_for_an_ordinary_user",
        ])
        .env_clear()
        .env("NUCLEUS_JAIL_PROGRAM", jail)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .current_dir(&home)
        .uid(USER)
        .gid(USER)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("test result: ok") && !text.contains("running 0 tests"),
        "{text}"
    );
}
