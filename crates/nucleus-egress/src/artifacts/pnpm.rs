//! Reads the hashes of `pnpm-lock.yaml` in the one form that pnpm writes; any other form is an error, not a guess.
//!
//! Version 5 to 9 of the file: entries of `packages` at two spaces, their members at four, `resolution` as one line
//! in braces or as a block at six. What a registry chose, such as a deprecation, stands deeper or in quotes.

use super::lock::Read;

/// The versions whose `packages` are known.
const VERSIONS: [&str; 3] = ["5.", "6.", "9."];

/// Where in the file a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside `packages`.
    Outside,
    /// In an entry, of which no hash was seen yet.
    Bare,
    /// In the block of an entry's `resolution`.
    Resolution,
    /// In an entry, after its hash or where none is needed.
    Settled,
}

/// Adds the hashes of a lockfile.
///
/// FAIL-CLOSED: an error in words where the file is of another version or form.
pub(super) fn read(read: &mut Read, text: &str) -> Result<(), String> {
    check_version(text)?;
    let mut place = Place::Outside;
    let mut is_in_packages = false;
    for (number, line) in text.lines().enumerate() {
        let odd = |what: &str| format!("line {}: {what}", number + 1);
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let own = line[spaces..].trim_end();
        if own.is_empty() || own.starts_with('#') {
            continue;
        }
        if own.starts_with('\t') {
            return Err(odd("pnpm does not indent by tabs"));
        }
        match spaces {
            0 => {
                leave(read, place);
                place = Place::Outside;
                is_in_packages = own == "packages:";
                if own.starts_with("packages:") && !is_in_packages && own != "packages: {}" {
                    return Err(odd("`packages` is not in the form that pnpm writes"));
                }
            }
            _ if !is_in_packages => {}
            2 => {
                leave(read, place);
                place = Place::Bare;
                if !own.ends_with(':') {
                    return Err(odd("a package is not in the form that pnpm writes"));
                }
            }
            4 => place = member(read, place, own).map_err(odd)?,
            6 if place == Place::Resolution => place = part(read, place, own),
            _ => {}
        }
    }
    leave(read, place);
    Ok(())
}

fn check_version(text: &str) -> Result<(), String> {
    let stated = text
        .lines()
        .find_map(|line| line.strip_prefix("lockfileVersion:"));
    let stated = stated.unwrap_or_default().trim().trim_matches(['\'', '"']);
    if VERSIONS.iter().any(|known| stated.starts_with(known)) {
        return Ok(());
    }
    Err(format!(
        "`lockfileVersion` is `{}`; 5, 6 and 9 are known",
        stated.escape_debug()
    ))
}

/// An entry that ends without a hash cannot be installed.
fn leave(read: &mut Read, place: Place) {
    read.has_weak |= matches!(place, Place::Bare | Place::Resolution);
}

/// A member of an entry.
fn member(read: &mut Read, place: Place, own: &str) -> Result<Place, &'static str> {
    let Some(stated) = own.strip_prefix("resolution:") else {
        // What follows a block is outside of it.
        return Ok(match place {
            Place::Resolution => Place::Bare,
            other => other,
        });
    };
    if place != Place::Bare {
        return Err("a package has two resolutions, or none of its own");
    }
    let stated = stated.trim();
    if stated.is_empty() {
        return Ok(Place::Resolution);
    }
    let inner = stated.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
    let Some(inner) = inner else {
        return Err("`resolution` is not in the form that pnpm writes");
    };
    let mut place = Place::Bare;
    for own in inner.split(", ") {
        place = part(read, place, own.trim());
    }
    Ok(place)
}

/// A part of a resolution.
fn part(read: &mut Read, place: Place, own: &str) -> Place {
    if let Some(stated) = own.strip_prefix("integrity: ") {
        read.strongest(stated.trim_matches(['\'', '"']));
        return Place::Settled;
    }
    // A directory of the workspace comes from no registry.
    if own == "type: directory" {
        return Place::Settled;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::super::Digest;
    use super::super::lock::Read;

    const SRI: &str = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

    fn read(text: &str) -> Result<(Vec<Digest>, bool), String> {
        let mut read = Read::default();
        super::read(&mut read, text)?;
        Ok((read.digests, read.has_weak))
    }

    fn hello() -> Digest {
        use sha2::Digest as _;
        Digest::Sha256(sha2::Sha256::digest(b"hello").into())
    }

    #[test]
    fn each_version_names_its_hashes() {
        for (version, name) in [
            ("5.4", "/a/1.0.0"),
            ("'6.0'", "/a@1.0.0"),
            ("'9.0'", "a@1.0.0"),
        ] {
            let text = format!(
                "lockfileVersion: {version}\n\nsettings:\n  autoInstallPeers: true\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0\n\npackages:\n\n  {name}:\n    resolution: {{integrity: {SRI}}}\n    engines: {{node: '>=0.10'}}\n\n  '@s/b@2.0.0':\n    resolution: {{integrity: {SRI}, tarball: https://r/b.tgz}}\n\nsnapshots:\n\n  a@1.0.0: {{}}\n"
            );
            assert_eq!(
                read(&text),
                Ok((vec![hello(), hello()], false)),
                "{version}"
            );
        }
        let block = format!(
            "lockfileVersion: '9.0'\npackages:\n  a@1:\n    resolution:\n      integrity: {SRI}\n      tarball: https://r/a.tgz\n"
        );
        assert_eq!(read(&block), Ok((vec![hello()], false)));
        let none = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n";
        assert_eq!(read(none), Ok((Vec::new(), false)));
    }

    #[test]
    fn what_a_registry_chose_is_no_hash() {
        let text = format!(
            "lockfileVersion: '9.0'\npackages:\n  a@1:\n    deprecated: |-\n      integrity: {SRI}\n      resolution: {{integrity: {SRI}}}\n    peerDependencies:\n      integrity: {SRI}\n  b@1:\n    resolution: {{tarball: https://codeload.test/b.tar.gz}}\n    deprecated: 'resolution: {{integrity: {SRI}}}'\nsnapshots:\n  c@1:\n    resolution: {{integrity: {SRI}}}\n"
        );
        assert_eq!(read(&text), Ok((Vec::new(), true)));
    }

    #[test]
    fn a_weak_hash_is_none_and_told_and_a_directory_needs_none() {
        let of = |resolution: &str| {
            read(&format!(
                "lockfileVersion: '9.0'\npackages:\n  a@1:\n    resolution: {resolution}\n"
            ))
        };
        let sha1 = "{integrity: sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00=}";
        assert_eq!(of(sha1), Ok((Vec::new(), true)));
        assert_eq!(of("{tarball: https://r/a.tgz}"), Ok((Vec::new(), true)));
        assert_eq!(
            of("{directory: ../a, type: directory}"),
            Ok((Vec::new(), false))
        );
    }

    #[test]
    fn another_version_or_form_is_an_error() {
        let resolution = format!("    resolution: {{integrity: {SRI}}}\n");
        for text in [
            String::new(),
            "lockfileVersion: '10.0'\n".to_owned(),
            "packages:\n".to_owned(),
            format!(
                "lockfileVersion: '9.0'\npackages: {{a@1: {{resolution: {{integrity: {SRI}}}}}}}\n"
            ),
            format!("lockfileVersion: '9.0'\npackages:\n  a@1: {{}}\n{resolution}"),
            format!("lockfileVersion: '9.0'\npackages:\n{resolution}"),
            format!("lockfileVersion: '9.0'\npackages:\n  a@1:\n{resolution}{resolution}"),
            "lockfileVersion: '9.0'\npackages:\n  a@1:\n    resolution: {integrity:\n".to_owned(),
            format!("lockfileVersion: '9.0'\npackages:\n\t\ta@1:\n{resolution}"),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
    }
}
