//! Which directories count as more than the workspace.

use crate::client::Client;

/// Whether the directory is a whole disk, a home, or a place where people keep their own files.
pub(crate) fn is_broad(directory: &str) -> bool {
    let text = directory.trim().trim_matches('"').replace('\\', "/");
    let text = text.trim_end_matches("**").trim_end_matches('*');
    let text = if text.len() > 1 {
        text.trim_end_matches('/')
    } else {
        text
    };
    let text = text
        .strip_prefix("//")
        .map_or_else(|| text.to_owned(), |rest| format!("/{rest}"));
    match text.as_str() {
        "" => directory.contains('/'),
        "/" | "~" | "$HOME" | "${HOME}" | "${userHome}" | "%USERPROFILE%" | "/home" | "/Users"
        | "/root" | "/etc" | "/mnt" | "/Volumes" => true,
        other => is_home(other) || is_drive(other) || is_personal(other),
    }
}

/// `/home/x`, `/Users/x`, `C:/Users/x`.
fn is_home(path: &str) -> bool {
    let bare = path
        .get(1..2)
        .filter(|c| *c == ":")
        .map_or(path, |_| &path[2..]);
    let parts: Vec<&str> = bare.split('/').collect();
    matches!(parts.as_slice(), ["", "home" | "Users" | "users", _])
}

/// `C:` and `C:/`.
fn is_drive(path: &str) -> bool {
    path.len() == 2 && path.ends_with(':')
}

/// `~/Documents` and its like, also below `/Users/x`.
fn is_personal(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let above = path
        .strip_suffix(last)
        .unwrap_or_default()
        .trim_end_matches('/');
    matches!(
        last,
        "Documents" | "Desktop" | "Downloads" | ".ssh" | ".aws" | ".config" | ".gnupg"
    ) && (above == "~" || above == "$HOME" || above == "${HOME}" || is_home(above))
}

/// Whether the client has no workspace of its own, so that any directory given to it is the user's.
pub(crate) fn has_no_workspace(client: Client) -> bool {
    matches!(client, Client::ClaudeDesktop | Client::LmStudio)
}

#[cfg(test)]
mod tests {
    use super::is_broad;

    #[test]
    fn disks_homes_and_personal_folders_are_broad() {
        for text in [
            "/",
            "//**",
            "~/**",
            "~",
            "/Users/me",
            "/home/me/",
            "C:\\Users\\me",
            "C:\\",
            "$HOME",
            "~/Documents",
            "/Users/me/Desktop",
            "/home/*",
        ] {
            assert!(is_broad(text), "{text}");
        }
    }

    #[test]
    fn directories_of_a_project_are_not() {
        for text in [
            ".",
            "./**",
            "**",
            "src/**",
            "/Users/me/code/app",
            "/srv/app",
            "//tmp/**",
            "${workspaceFolder}",
            "~/code/app",
            "",
        ] {
            assert!(!is_broad(text), "{text}");
        }
    }
}
