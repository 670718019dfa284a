//! Knows the files of the workspace that git's own settings name: hook directories, included settings and programs.
//!
//! Only what the real tree and the user's own files say counts: a session's
//! change of such a setting is held back before it could name anything.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use crate::error::Error;

/// Largest settings file that is read; a larger one is an error.
const MAX_BYTES: u64 = 1 << 20;
/// How deep settings include others; git's own bound.
const MAX_DEPTH: usize = 10;
/// How far above the workspace its repository may start.
const MAX_LEVELS: usize = 64;

/// Where the user's own settings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserFiles<'a> {
    /// The user's home.
    pub(crate) home: Option<&'a Path>,
    /// What `XDG_CONFIG_HOME` says, where it says something.
    pub(crate) config_home: Option<&'a Path>,
}

/// What the settings name, as paths of the workspace in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedByGit {
    paths: BTreeSet<Vec<u8>>,
}

impl NamedByGit {
    /// What the user's settings and those of each repository around these entries name.
    ///
    /// # Errors
    /// FAIL-CLOSED: settings that are there and cannot be read.
    pub(crate) fn around<'a>(
        root: &Path,
        user: UserFiles<'_>,
        entries: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, Error> {
        let mut reader = Reader {
            root,
            home: user.home,
            top: root,
            named: Self::default(),
        };
        let tops = repositories(root, entries);
        for top in &tops {
            reader.top = top;
            for file in settings_of(top, user) {
                reader.read(&file, 0)?;
            }
        }
        Ok(reader.named)
    }

    /// Whether the entry is named, lies below what is, or above it.
    pub(crate) fn touches(&self, entry: &[u8]) -> bool {
        let entry = entry.to_ascii_lowercase();
        let is_below = |path: &[u8], above: &[u8]| {
            // Below the workspace itself is everything.
            above.is_empty()
                || path
                    .strip_prefix(above)
                    .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        self.paths
            .iter()
            .any(|named| is_below(&entry, named) || is_below(named, &entry))
    }
}

/// The directories with a `.git` at or above the workspace or above one of the entries.
fn repositories<'a>(root: &Path, entries: impl Iterator<Item = &'a [u8]>) -> BTreeSet<PathBuf> {
    let mut seen = BTreeSet::new();
    for entry in entries {
        let path = Path::new(std::ffi::OsStr::from_bytes(entry));
        for dir in path.ancestors().skip(1) {
            if !seen.insert(root.join(dir)) {
                break;
            }
        }
    }
    seen.extend(root.ancestors().take(MAX_LEVELS).map(Path::to_owned));
    seen.retain(|dir| dir.join(".git").symlink_metadata().is_ok());
    // The user's own settings count where there is no repository yet, too.
    seen.insert(root.to_owned());
    seen
}

/// Where git reads settings for a repository.
fn settings_of(top: &Path, user: UserFiles<'_>) -> Vec<PathBuf> {
    let of_home = user.home.into_iter();
    let mut files: Vec<PathBuf> = of_home
        .flat_map(|home| [home.join(".gitconfig"), home.join(".config/git/config")])
        .chain(user.config_home.map(|home| home.join("git/config")))
        .chain([PathBuf::from("/etc/gitconfig")])
        .collect();
    let git = git_dir(top);
    let common = std::fs::read_to_string(git.join("commondir"))
        .map(|text| git.join(text.trim_end()))
        .unwrap_or_else(|_| git.clone());
    files.extend([git.join("config.worktree"), common.join("config")]);
    files
}

/// The git directory of a work tree: `.git`, or what a file of that name points to.
fn git_dir(top: &Path) -> PathBuf {
    let git = top.join(".git");
    let pointer = std::fs::read_to_string(&git).unwrap_or_default();
    match pointer.strip_prefix("gitdir: ") {
        Some(target) => top.join(target.trim_end()),
        None => git,
    }
}

/// Follows settings and what they include.
struct Reader<'a> {
    root: &'a Path,
    home: Option<&'a Path>,
    top: &'a Path,
    named: NamedByGit,
}

impl Reader<'_> {
    fn read(&mut self, file: &Path, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let Some(bytes) = bytes_of(file)? else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&bytes);
        for (section, key, value) in settings(&text) {
            match (section.as_str(), key.as_str()) {
                ("core", "hookspath" | "attributesfile") | ("init", "templatedir") => {
                    let named = self.resolved(&value, self.top);
                    self.name(&named);
                }
                ("include" | "includeif", "path") => {
                    let base = file.parent().unwrap_or(self.root);
                    let included = self.resolved(&value, base);
                    self.name(&included);
                    self.read(&included, depth + 1)?;
                }
                (section, key) if is_program(section, key) => {
                    for file in files_of(&value, |word| self.top.join(word).is_file()) {
                        let named = self.resolved(&file, self.top);
                        if named != self.root {
                            self.name(&named);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The path that a setting means, `~/` and `..` resolved by name.
    fn resolved(&self, value: &str, base: &Path) -> PathBuf {
        let path = match (value.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => base.join(value),
        };
        let mut plain = PathBuf::new();
        for component in path.components() {
            match component {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        plain
    }

    /// Keeps the path, by its name and by where links lead, if it is in the workspace.
    fn name(&mut self, path: &Path) {
        for found in [Some(path.to_owned()), path.canonicalize().ok()]
            .into_iter()
            .flatten()
        {
            if let Ok(inside) = found.strip_prefix(self.root) {
                let bytes = inside.as_os_str().as_bytes().to_ascii_lowercase();
                self.named.paths.insert(bytes);
            }
        }
    }
}

/// Whether git runs the value of this setting.
fn is_program(section: &str, key: &str) -> bool {
    match section {
        "filter" => matches!(key, "clean" | "smudge" | "process"),
        "core" => matches!(
            key,
            "fsmonitor"
                | "sshcommand"
                | "editor"
                | "pager"
                | "askpass"
                | "gitproxy"
                | "alternaterefscommand"
        ),
        "diff" => matches!(key, "textconv" | "command" | "external"),
        "merge" => key == "driver",
        "difftool" | "mergetool" | "man" | "browser" => matches!(key, "cmd" | "path"),
        "gpg" => matches!(key, "program" | "defaultkeycommand"),
        "credential" => key == "helper",
        "sequence" => key == "editor",
        "interactive" => key == "difffilter",
        "trailer" => matches!(key, "command" | "cmd"),
        "tar" => key == "command",
        "submodule" => key == "update",
        "remote" => matches!(key, "uploadpack" | "receivepack" | "proxy"),
        "uploadpack" => key == "packobjectshook",
        "alias" | "pager" => true,
        _ => false,
    }
}

/// The words of a command that may be files: those with a slash or a dot, and those that are files.
///
/// What a variable or another command says comes from outside; what follows it is read from the top of the work tree.
fn files_of(command: &str, is_file: impl Fn(&str) -> bool) -> Vec<String> {
    let plain = command.trim_start_matches('!');
    let breaks = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '\'' | '"' | ';' | '&' | '|' | '<' | '>' | '=' | ',' | '`'
            )
    };
    let words = plain.split(breaks).filter(|word| !word.is_empty());
    let own = words.map(|word| match word.find(['$', ')', '}']) {
        Some(_) => word.split_once('/').map_or("", |(_, rest)| rest),
        None => word.trim_matches('('),
    });
    own.filter(|word| word.contains(['/', '.']) || is_file(word))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A regular file's bytes; `None` when there is none.
fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let unreadable = |source: io::Error| Error::Failed {
        what: format!("cannot read git's settings `{}`", path.display()),
        source,
    };
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        // What this user cannot read, this user's git does not obey.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Ok(None);
    }
    if found.len() > MAX_BYTES {
        return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(Some(bytes))
}

/// Section, key and value of each setting, the first two in lower case.
fn settings(text: &str) -> Vec<(String, String, String)> {
    let joined = text.replace("\\\r\n", "").replace("\\\n", "");
    let mut section = String::new();
    let mut found = Vec::new();
    for line in joined.lines() {
        let mut rest = line.trim();
        if let Some(head) = rest.strip_prefix('[') {
            let (name, after) = head.rsplit_once(']').unwrap_or((head, ""));
            let end = name.find(|c: char| c.is_whitespace() || c == '.' || c == '"');
            section = name[..end.unwrap_or(name.len())].to_ascii_lowercase();
            rest = after.trim();
        }
        if let Some((key, value)) = rest.split_once('=') {
            found.push((
                section.clone(),
                key.trim().to_ascii_lowercase(),
                unquoted(value),
            ));
        }
    }
    found
}

/// A value without its quotes, escapes and comment.
fn unquoted(value: &str) -> String {
    let (mut text, mut kept, mut is_quoted) = (String::new(), 0, false);
    let mut chars = value.trim_start().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' | ';' if !is_quoted => break,
            '\\' => text.extend(chars.next()),
            _ => text.push(c),
        }
        if is_quoted || !c.is_whitespace() {
            kept = text.len();
        }
    }
    text.truncate(kept);
    text
}

#[cfg(test)]
mod tests {
    use super::{NamedByGit, UserFiles, files_of, settings, unquoted};

    fn named(files: &[(&str, &str)], entry: &str) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for (name, text) in files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let entries = [entry.as_bytes()];
        let (home, config_home) = (root.join("home"), root.join("xdg"));
        let user = UserFiles {
            home: Some(&home),
            config_home: Some(&config_home),
        };
        NamedByGit::around(&root.join("ws"), user, entries.into_iter())
            .unwrap()
            .touches(entry.as_bytes())
    }

    #[test]
    fn hook_directories_and_included_files_are_named() {
        let hooks = [(
            "ws/.git/config",
            "[core]\n\thooksPath = ./tools/../checks\n",
        )];
        for entry in ["checks/pre-commit", "checks", "CHECKS/pre-commit"] {
            assert!(named(&hooks, entry), "{entry}");
        }
        for entry in ["tools/x", "checks2/pre-commit", "src/checks.rs"] {
            assert!(!named(&hooks, entry), "{entry}");
        }
        let included = [
            ("ws/.git/config", "[include]\npath = ../one.settings\n"),
            (
                "ws/one.settings",
                "[includeIf \"gitdir:x\"] path = \"sub/two\"\n",
            ),
            ("ws/sub/two", "[CORE]\nHooksPath=deep/hooks # mine\n"),
        ];
        for entry in ["one.settings", "sub/two", "deep/hooks/x", "deep"] {
            assert!(named(&included, entry), "{entry}");
        }
    }

    #[test]
    fn the_users_own_settings_and_repositories_inside_count() {
        let own = [
            ("home/.gitconfig", "[core]\nhooksPath = mine\n"),
            ("ws/a", ""),
        ];
        assert!(named(&own, "mine/pre-commit"));
        let inner = [("ws/inner/.git/config", "[core]\nhooksPath = h\n")];
        assert!(named(&inner, "inner/h/pre-commit"));
        assert!(!named(&inner, "h/pre-commit"));
        let elsewhere = [("ws/.git/config", "[core]\nhooksPath = /usr/share/hooks\n")];
        assert!(!named(&elsewhere, "usr/share/hooks/x"));
    }

    #[test]
    fn the_users_settings_count_where_their_home_was_moved_to() {
        let moved = [("xdg/git/config", "[core]\nhooksPath = mine\n")];
        assert!(named(&moved, "mine/pre-commit"));
        assert!(!named(&moved, "yours/pre-commit"));
    }

    #[test]
    fn hooks_in_the_workspace_itself_make_all_of_it_activation() {
        let all = [("ws/.git/config", "[core]\nhooksPath = .\n")];
        assert!(named(&all, "pre-commit"));
        let program = [("ws/.git/config", "[core]\neditor = code . --wait\n")];
        assert!(!named(&program, "pre-commit"));
    }

    #[test]
    fn programs_of_the_workspace_that_settings_run_are_named() {
        for setting in [
            "[filter \"x\"]\nclean = ./tools/run.sh %f",
            "[filter \"x\"]\nsmudge = python3 -u tools/run.sh",
            "[filter \"x\"]\nprocess = 'tools/run.sh' --now",
            "[core]\nfsmonitor = tools/run.sh",
            "[core]\nsshCommand = \"ssh -o ProxyCommand=tools/run.sh\"",
            "[diff \"x\"]\ntextconv = tools/run.sh",
            "[diff \"x\"]\ncommand = tools/run.sh",
            "[merge \"x\"]\ndriver = env A=b tools/run.sh %O %A",
            "[gpg]\nprogram = tools/run.sh",
            "[gpg \"ssh\"]\nprogram = tools/run.sh",
            "[credential]\nhelper = !tools/run.sh",
            "[alias]\nst = !f() { tools/run.sh; }; f",
            "[alias]\nst = !$(git rev-parse --show-toplevel)/tools/run.sh",
            "[alias]\nst = \"!sh -c \\\"$PWD/tools/run.sh\\\"\"",
            "[pager]\nlog = less | tools/run.sh",
            "[submodule \"m\"]\nupdate = !tools/run.sh",
        ] {
            let files = [("ws/.git/config", setting)];
            assert!(named(&files, "tools/run.sh"), "{setting}");
            assert!(!named(&files, "tools/other.sh"), "{setting}");
        }
        let without = [
            ("ws/.git/config", "[alias]\nci = !sh check now"),
            ("ws/check", ""),
        ];
        assert!(named(&without, "check") && !named(&without, "now"));
        let plain = [("ws/.git/config", "[user]\nname = tools/run.sh")];
        assert!(!named(&plain, "tools/run.sh"));
    }

    #[test]
    fn a_word_of_a_command_is_a_file_when_it_looks_like_one() {
        let files = |command: &str| files_of(command, |word| word == "here");
        assert_eq!(files("sh -c 'a/b here there'"), ["a/b", "here"]);
        assert_eq!(files("!\"${TOP}/x.sh\" && y.py"), ["x.sh", "y.py"]);
        assert_eq!(files("true"), [""; 0]);
    }

    #[test]
    fn values_are_read_as_git_reads_them() {
        for (text, expected) in [
            (" plain ", "plain"),
            ("a b ; comment", "a b"),
            ("\"a # b \" # comment", "a # b "),
            (r#""a\"b""#, "a\"b"),
        ] {
            assert_eq!(unquoted(text), expected, "{text}");
        }
        let all = settings("[Include \"x\"] Path = a\\\nb\n# c = d\nlone\n");
        assert_eq!(
            all,
            [
                ("include".into(), "path".into(), "ab".into()),
                ("include".into(), "# c".into(), "d".into())
            ]
        );
    }

    #[test]
    fn settings_that_cannot_be_read_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let big = "#".repeat(2 << 20);
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        std::fs::write(dir.path().join(".git/config"), big).unwrap();
        let user = UserFiles::default();
        assert!(NamedByGit::around(dir.path(), user, std::iter::empty()).is_err());
    }
}
