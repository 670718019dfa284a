//! The read-only views most programs need.

use std::path::{Path, PathBuf};

use crate::spec::{Access, View};

/// Beside `/usr`: where distributions keep programs and libraries, as links into `/usr` or directories of their own.
const PROGRAMS: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"];
/// Parts of `/etc` without secrets that programs, loaders and TLS libraries read.
const SETTINGS: [&str; 14] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/os-release",
    "/etc/mime.types",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/tls",
    "/etc/protocols",
    "/etc/services",
];

/// `/usr` and what points into it, and the parts of `/etc` that hold no secret: the loader's cache, certificates, time zone, alternatives.
///
/// What the host lacks is left out. `/etc/passwd`, `/etc/group`, `/etc/hosts`, `/etc/resolv.conf` and `/etc/nsswitch.conf` are not
/// among them: place them as [`View::File`].
pub fn system_views() -> Vec<View> {
    let mut views = vec![read_only("/usr")];
    for path in PROGRAMS {
        match std::fs::read_link(path) {
            Ok(target) => views.push(View::Link {
                inside: PathBuf::from(path),
                target,
            }),
            Err(_) if Path::new(path).is_dir() => views.push(read_only(path)),
            Err(_) => {}
        }
    }
    for path in SETTINGS {
        let Ok(target) = std::fs::canonicalize(path) else {
            continue;
        };
        // A file that a visible link reaches needs no mount of its own.
        match std::fs::read_link(path) {
            Ok(link) if target.starts_with("/usr") => views.push(View::Link {
                inside: PathBuf::from(path),
                target: link,
            }),
            _ => views.push(View::Bind {
                host: target,
                inside: PathBuf::from(path),
                access: Access::ReadOnly,
            }),
        }
    }
    views
}

fn read_only(path: &str) -> View {
    View::Bind {
        host: PathBuf::from(path),
        inside: PathBuf::from(path),
        access: Access::ReadOnly,
    }
}
