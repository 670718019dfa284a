//! Paths that reach too far, and paths that hold secrets.

/// Whether a path is the root of a disk, a home, or what holds all homes.
pub(super) fn is_broad(path: &str) -> bool {
    let plain = normal(path);
    if matches!(
        plain.as_str(),
        "/" | ""
            | "~"
            | "$home"
            | "${home}"
            | "${env:home}"
            | "${localenv:home}"
            | "%userprofile%"
            | "${userprofile}"
            | "${localenv:userprofile}"
            | "${userhome}"
    ) {
        return !path.trim().is_empty();
    }
    let parts: Vec<&str> = plain.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["home" | "users" | "mnt" | "volumes" | "root"] => true,
        ["home" | "users", _] => true,
        ["mnt", drive] | [drive] if is_drive(drive) => true,
        ["mnt", drive, "users"] | [drive, "users"] if is_drive(drive) => true,
        ["mnt", drive, "users", _] | [drive, "users", _] if is_drive(drive) => true,
        _ => false,
    }
}

fn is_drive(part: &str) -> bool {
    let letter = part.trim_end_matches(':');
    letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Lower case, forward slashes, without a trailing wildcard or slash. Placeholders for a user's name stay.
fn normal(path: &str) -> String {
    let mut plain = path
        .trim()
        .trim_matches(['"', '\''])
        .replace('\\', "/")
        .to_ascii_lowercase();
    while let Some(shorter) = plain
        .strip_suffix("/**")
        .or_else(|| plain.strip_suffix("/*"))
        .or_else(|| plain.strip_suffix("**"))
    {
        plain = if shorter.is_empty() {
            "/".to_owned()
        } else {
            shorter.to_owned()
        };
    }
    if plain.len() > 1 {
        plain = plain.trim_end_matches('/').to_owned();
        if plain.is_empty() {
            plain = "/".to_owned();
        }
    }
    plain.replace("//", "/")
}

/// Names of directories and files that hold credentials.
const CREDENTIALS: &[&str] = &[
    "/.ssh",
    "/.aws",
    "/.gnupg",
    "/.kube",
    "/.azure",
    "/.config/gcloud",
    "/.docker/config.json",
    "/.netrc",
    "/.npmrc",
    "/.pypirc",
    "/.git-credentials",
    "/.config/gh",
    "/.password-store",
    "/.vault-token",
    "/id_rsa",
    "/id_ed25519",
    "/.terraform.d",
    "/library/keychains",
    "/.config/op",
    "/etc/shadow",
    "/.secrets",
    "/secrets",
    "/.oci",
    "/credentials.json",
    "/service-account.json",
    "/.cargo/credentials",
    "/.pgpass",
    "/.my.cnf",
];

/// Whether a path names credentials.
pub(super) fn is_credential(path: &str) -> bool {
    let plain = format!(
        "/{}",
        path.trim()
            .trim_matches(['"', '\''])
            .replace('\\', "/")
            .to_ascii_lowercase()
            .trim_start_matches('/')
    );
    let named = CREDENTIALS.iter().any(|name| {
        plain.find(name).is_some_and(|at| {
            plain[at + name.len()..]
                .chars()
                .next()
                .is_none_or(|c| matches!(c, '/' | '*' | '.' | ':'))
        })
    });
    named
        || is_env_file(&plain)
        || plain.trim_end_matches('*').ends_with(".pem")
        || plain.ends_with(".p12")
        || plain.ends_with(".pfx")
}

/// `.env`, `.env.local`, `.env*`; not the examples.
fn is_env_file(plain: &str) -> bool {
    let last = plain.rsplit('/').next().unwrap_or_default();
    let sample = ["example", "sample", "template", "dist", "schema"]
        .iter()
        .any(|word| last.contains(word));
    !sample
        && (last == ".env"
            || last == "*.env"
            || [".env.", ".env*", ".env-"]
                .iter()
                .any(|start| last.starts_with(start)))
}

pub(super) fn is_docker_socket(path: &str) -> bool {
    path.contains("docker.sock")
        || path.contains("podman.sock")
        || path.contains("docker_engine")
        || path.contains("containerd.sock")
}

/// What a mount takes from the host: `-v SOURCE:TARGET`, or `type=bind,source=SOURCE,…`. Volumes with a name are none.
pub(super) fn mount_source(value: &str) -> Option<&str> {
    let value = value.trim().trim_matches(['"', '\'']);
    if value.contains("type=") || value.contains("source=") || value.contains("src=") {
        let field = |names: [&str; 2]| {
            value
                .split(',')
                .find_map(|part| names.iter().find_map(|name| part.trim().strip_prefix(name)))
        };
        return if value.contains("type=volume") || value.contains("type=tmpfs") {
            None
        } else {
            field(["source=", "src="])
        };
    }
    let lettered =
        value.starts_with(|c: char| c.is_ascii_alphabetic()) && value[1..].starts_with(':');
    let drive = usize::from(lettered) * 2;
    let end = split_outside_braces(value, drive)?;
    let source = &value[..end];
    source
        .starts_with(['/', '.', '~', '$', '%', '\\'])
        .then_some(source)
        .or_else(|| (drive > 0).then_some(source))
}

/// The first colon that is not inside `${…}`.
fn split_outside_braces(value: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in value.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{is_broad, is_credential, mount_source};

    #[test]
    fn broad_paths_are_roots_and_homes() {
        for path in [
            "/",
            "~",
            "~/",
            "~/**",
            "//**",
            "/home/me",
            "/Users/me/",
            "C:\\",
            "C:\\Users\\me",
            "$HOME",
            "/mnt/c",
            "${localEnv:HOME}",
            "//c/Users/x/**",
            "/Users/YOUR_USERNAME",
        ] {
            assert!(is_broad(path), "{path}");
        }
        for path in [
            "",
            ".",
            "./src",
            "/tmp",
            "//tmp/**",
            "/Users/me/code",
            "~/projects",
            "/workspace",
            "C:\\code",
            "/mnt/d/front-end/**",
            "/home/me/a/.claude",
        ] {
            assert!(!is_broad(path), "{path}");
        }
    }

    #[test]
    fn credentials_are_told_by_their_names() {
        for path in [
            "~/.ssh/**",
            ".env",
            "./.env.*",
            "/home/me/.aws/credentials",
            "//Users/me/.kube/config",
            "**/*.pem",
            "secrets/**",
        ] {
            assert!(is_credential(path), "{path}");
        }
        for path in [
            ".env.example",
            "src/env.ts",
            "docs/ssh.md",
            "~/.claude/plans/**",
            ".environment",
            "~/.sshx",
        ] {
            assert!(!is_credential(path), "{path}");
        }
    }

    #[test]
    fn mounts_have_a_source_or_none() {
        assert_eq!(
            mount_source("${HOME}/.ssh:/root/.ssh:ro"),
            Some("${HOME}/.ssh")
        );
        assert_eq!(
            mount_source("source=${localEnv:HOME}/.aws,target=/x,type=bind"),
            Some("${localEnv:HOME}/.aws")
        );
        assert_eq!(mount_source("C:\\Users\\me:/x"), Some("C:\\Users\\me"));
        assert_eq!(mount_source("data:/var/lib"), None);
        assert_eq!(mount_source("/:/host"), Some("/"));
        assert_eq!(mount_source("source=vol,target=/x,type=volume"), None);
    }
}
