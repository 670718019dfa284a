//! The key stays its owner's, and its public half reads back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use nucleus_audit::{KeyError, SigningKey, VerifyingKey, load_or_create_key, public_key_path};

#[test]
fn a_key_is_made_once_private_and_its_public_half_beside_it() {
    let outside = tempfile::tempdir().unwrap();
    let dir = outside.path().join("keys");
    let key = load_or_create_key(&dir).unwrap();
    let again = load_or_create_key(&dir).unwrap();
    assert_eq!(key.verifying(), again.verifying());
    assert_eq!(
        VerifyingKey::load(&public_key_path(&dir)).unwrap(),
        key.verifying()
    );
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("audit.key")), (0o700, 0o600));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
}

#[test]
fn processes_that_start_at_once_agree_on_one_key() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| load_or_create_key(dir.path()).unwrap()))
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap().verifying().to_string())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    open(dir.path(), 0o700);
    load_or_create_key(dir.path()).unwrap();
    open(&dir.path().join("audit.key"), 0o640);
    assert!(matches!(
        load_or_create_key(dir.path()),
        Err(KeyError::TooOpen { wanted: 0o600, .. })
    ));
    open(&dir.path().join("audit.key"), 0o600);
    open(dir.path(), 0o755);
    assert!(matches!(
        load_or_create_key(dir.path()),
        Err(KeyError::TooOpen { wanted: 0o700, .. })
    ));
    open(dir.path(), 0o700);
    load_or_create_key(dir.path()).unwrap();
}

#[test]
fn a_file_that_is_no_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for length in [0, 31, 33, 64] {
        let path = dir.path().join("audit.key");
        fs::write(&path, vec![1; length]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(
            load_or_create_key(dir.path()),
            Err(KeyError::Malformed { .. })
        ));
    }
}

#[test]
fn a_verifier_key_line_has_one_form() {
    let key = SigningKey::from_seed(&[7; 32]).verifying();
    let line = key.to_string();
    assert_eq!(VerifyingKey::parse(&format!("{line}\n")).unwrap(), key);
    let wrong_name = line.replace("nucleus-audit", "other");
    let wrong_hash = line.replacen('+', "+0", 1);
    for bad in [
        "",
        "nucleus-audit",
        &wrong_name,
        &wrong_hash,
        &line[..line.len() - 4],
    ] {
        assert!(VerifyingKey::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_secret_is_not_printed() {
    let shown = format!("{:?}", SigningKey::from_seed(&[0xab; 32]));
    assert!(
        !shown.contains("171") && !shown.to_lowercase().contains("abab"),
        "{shown}"
    );
}
