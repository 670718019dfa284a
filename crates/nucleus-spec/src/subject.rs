//! Checks the text of patterns: commands, hosts, remotes and names.

use portcullis::command::{ArgPattern, CommandPattern};
use portcullis::path::RelPath;
use portcullis::text::{GitPattern, TextPattern};

use crate::table::{Name, Text};

/// Why a text has no meaning here, reading on from the text, and what to write instead.
pub(crate) type Refused = (String, &'static str);

fn refuse<T>(why: &str, help: &'static str) -> Result<T, Refused> {
    Err((why.to_owned(), help))
}

/// The pattern of a command line.
pub(crate) fn command_line(text: &str) -> Result<CommandPattern, Refused> {
    if text.contains(['|', '&', ';', '<', '>', '$', '`', '(', ')', '\n']) {
        return refuse(
            "has a character that a shell acts on",
            "a pattern is one program and its arguments; write an array where the character is meant literally",
        );
    }
    match shell_words::split(text) {
        Ok(words) => command_words(words),
        Err(_) => refuse(
            "has a quote that is not closed",
            "close the quote, or write an array",
        ),
    }
}

/// The pattern of a program and its arguments.
pub(crate) fn command_words(words: Vec<String>) -> Result<CommandPattern, Refused> {
    let mut words = words.into_iter();
    let program = match words.next() {
        None => return refuse("is empty", "name a program"),
        Some(program) if matches!(program.as_str(), "" | "*" | "...") => {
            return refuse(
                "does not name its program",
                "the first word is a program, such as `cargo`",
            );
        }
        Some(program) => program,
    };
    let args: Vec<ArgPattern> = words.map(argument).collect();
    let rest = args.iter().position(|arg| *arg == ArgPattern::AnyRemaining);
    if rest.is_some_and(|at| at + 1 < args.len()) {
        return refuse(
            "goes on after `...`",
            "`...` stands for all further arguments: put it last",
        );
    }
    if program.contains('\0') {
        return refuse("has a NUL", "remove it");
    }
    Ok(CommandPattern { program, args })
}

fn argument(word: String) -> ArgPattern {
    match word.as_str() {
        "*" => ArgPattern::Any,
        "..." => ArgPattern::AnyRemaining,
        _ => ArgPattern::Exact(word),
    }
}

/// The text of a pattern as this module reads it back.
pub(crate) fn command_array(pattern: &CommandPattern) -> Vec<String> {
    let args = pattern.args.iter().map(|arg| match arg {
        ArgPattern::Exact(word) => word.clone(),
        ArgPattern::Any => "*".to_owned(),
        ArgPattern::AnyRemaining => "...".to_owned(),
    });
    std::iter::once(pattern.program.clone())
        .chain(args)
        .collect()
}

/// The pattern of a name of this kind.
pub(crate) fn name(kind: Name, text: &str) -> Result<TextPattern, Refused> {
    match kind {
        Name::Tool => tool(text),
        Name::Variable => variable(text),
        Name::Directory => directory(text),
        Name::Branch => branch(text),
        Name::Repository => repository(text),
        Name::Credential => check_secret(text).map(|()| TextPattern::new(text)),
    }
}

fn tool(text: &str) -> Result<TextPattern, Refused> {
    let is_shaped = text == "*"
        || text
            .split_once('/')
            .is_some_and(|(server, tool)| !server.is_empty() && !tool.is_empty());
    if is_shaped && text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(TextPattern::new(text))
    } else {
        refuse(
            "is no tool",
            "write `server/tool`; `*` stands for any characters",
        )
    }
}

/// Parts of a name that say that the variable holds a secret.
static SECRETIVE: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "AUTH",
    "COOKIE",
    "SESSION_KEY",
];

fn is_variable_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Parts of a name by which programs find what they run, trust or reach: never the name of a placeholder.
static STEERING: &[&str] = &[
    "PROXY",
    "CERT",
    "CAFILE",
    "CA_BUNDLE",
    "CAINFO",
    "OPTIONS",
    "FLAGS",
];

/// Checks the name of a secret, which becomes a variable of every jail.
fn check_secret(text: &str) -> Result<(), Refused> {
    if !is_variable_name(text) || text.len() > 64 {
        return refuse(
            "is no name of a variable",
            "a secret is named like a variable of at most 64 letters, such as `GITHUB_TOKEN`",
        );
    }
    let upper = text.to_ascii_uppercase();
    let is_set = matches!(
        upper.as_str(),
        "PATH" | "HOME" | "TMPDIR" | "PWD" | "SHELL" | "USER" | "LANG" | "IFS" | "ENV" | "BASH_ENV"
    );
    if is_set
        || upper.starts_with("LD_")
        || upper.starts_with("DYLD_")
        || STEERING.iter().any(|part| upper.contains(part))
    {
        return refuse(
            "is a variable that steers programs",
            "name the variable that the program takes its secret from, such as `GITHUB_TOKEN`",
        );
    }
    Ok(())
}

/// Headers that say where a message goes or how it is read.
static FRAMING: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "range",
    "accept-encoding",
    "cookie",
    "proxy-authorization",
];

fn check_header(text: &str) -> Result<(), Refused> {
    let is_name = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name || FRAMING.contains(&text.to_ascii_lowercase().as_str()) {
        return refuse(
            "is no header for a secret",
            "name a header such as `authorization`, `x-api-key` or `PRIVATE-TOKEN`",
        );
    }
    Ok(())
}

fn check_secret_file(text: &str) -> Result<(), Refused> {
    let rest = text.strip_prefix("~/").or_else(|| text.strip_prefix('/'));
    let is_plain = rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.contains(char::is_control)
            && rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
    });
    if !is_plain {
        return refuse(
            "is no absolute path in its shortest form",
            "write it from `/` or `~/` on, without `.`, `..` or `//`",
        );
    }
    Ok(())
}

fn check_keyring(text: &str) -> Result<(), Refused> {
    let is_entry = text.split_once('/').is_some_and(|(service, user)| {
        let is_word = |word: &str| {
            !word.is_empty() && !word.starts_with('-') && word.bytes().all(|b| b.is_ascii_graphic())
        };
        is_word(service) && is_word(user) && !user.contains('/')
    });
    if !is_entry {
        return refuse("is no entry of a keyring", "write `service/user`");
    }
    Ok(())
}

fn check_user(text: &str) -> Result<(), Refused> {
    let is_user =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !is_user {
        return refuse("is no user", "write 1 to 64 letters without space or `:`");
    }
    Ok(())
}

fn variable(text: &str) -> Result<TextPattern, Refused> {
    if !is_variable_name(text) {
        return refuse(
            "is no name of a variable",
            "write each variable by its own name, such as `RUST_LOG`",
        );
    }
    let upper = text.to_ascii_uppercase();
    if upper.ends_with("_KEY")
        || upper.ends_with("_PAT")
        || SECRETIVE.iter().any(|part| upper.contains(part))
    {
        return refuse(
            "looks like a secret",
            "no credential enters a jail; name the host's credential in [git] `credential`",
        );
    }
    let is_set = matches!(upper.as_str(), "PATH" | "HOME" | "TMPDIR" | "PWD");
    if is_set || upper.starts_with("LD_") || upper.starts_with("DYLD_") {
        return refuse(
            "is set by the jail, or changes what every program loads",
            "leave it out",
        );
    }
    Ok(TextPattern::new(text))
}

/// Directories that hold more than a build needs; none of them, and nothing above them, is shown.
static CLOSED: &[&str] = &[
    "/", "/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/home", "/root", "/etc", "/var",
    "/tmp", "/Users",
];

fn directory(text: &str) -> Result<TextPattern, Refused> {
    let segments = || text.split('/').skip(1);
    let is_plain = text.starts_with('/')
        && !text.contains(|c: char| c.is_control() || matches!(c, '*' | '\\' | ':'))
        && (text == "/" || segments().all(|s| !matches!(s, "" | "." | "..")));
    if !is_plain {
        return refuse(
            "is no absolute path in its shortest form",
            "write it from `/` on, without `.`, `..`, `//` or `*`",
        );
    }
    let is_home = text
        .strip_prefix("/home/")
        .or_else(|| text.strip_prefix("/Users/"))
        .is_some_and(|rest| !rest.contains('/'));
    let is_kernel = ["/proc/", "/sys/", "/dev/", "/run/", "/var/run/"]
        .iter()
        .any(|top| text.starts_with(top));
    if is_home || is_kernel || CLOSED.contains(&text) {
        return refuse(
            "holds more than a command may see",
            "name the one directory below it that is needed",
        );
    }
    Ok(TextPattern::new(text))
}

fn branch(text: &str) -> Result<TextPattern, Refused> {
    let short = text.strip_prefix("refs/heads/").unwrap_or(text);
    check_reference(short)?;
    Ok(TextPattern::new(short))
}

/// The full pattern of a reference: `main` means `refs/heads/main`.
pub(crate) fn reference(text: &str) -> Result<TextPattern, Refused> {
    check_reference(text)?;
    Ok(TextPattern::new(if text.starts_with("refs/") {
        text.to_owned()
    } else {
        format!("refs/heads/{text}")
    }))
}

/// The rules of `git check-ref-format`, with `*` for any characters.
fn check_reference(text: &str) -> Result<(), Refused> {
    let is_odd = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '[' | '\\')
    };
    let is_broken = text.is_empty()
        || text.starts_with(['-', '/'])
        || text.ends_with(['/', '.'])
        || text.contains("..")
        || text.contains("//")
        || text.contains("@{")
        || text.contains(is_odd);
    if is_broken {
        return refuse(
            "is no git reference",
            "write a branch such as `main`, or `topic/*`",
        );
    }
    Ok(())
}

fn repository(text: &str) -> Result<TextPattern, Refused> {
    match RelPath::parse(text) {
        Ok(path) => Ok(TextPattern::new(path.as_str())),
        Err(error) => Err((
            format!("is no directory of the workspace: {error}"),
            error.help(),
        )),
    }
}

/// Checks the URL of a remote or forge: exact, without password, encrypted or local.
pub(crate) fn check_url(text: &str, schemes: &[&str]) -> Result<(), Refused> {
    let is_loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|local| {
            text.strip_prefix(local)
                .is_some_and(|rest| rest.starts_with([':', '/']))
        });
    let Some((scheme, rest)) = text.split_once("://") else {
        return refuse(
            "is no URL",
            "write it with its scheme, such as `https://host/owner/name.git`",
        );
    };
    if !is_loopback && !schemes.contains(&scheme) {
        return refuse("has a scheme that is not accepted", "use `https`");
    }
    if text.contains(|c: char| !c.is_ascii_graphic() || matches!(c, '*' | '?' | '#' | '\\' | '"')) {
        return refuse(
            "is not one exact URL",
            "write it without wildcard, query, fragment or spaces",
        );
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':') || scheme != "ssh")
    {
        return refuse(
            "carries a credential",
            "remove it; the host's credential is named in [git] `credential`",
        );
    }
    let is_rooted = if scheme == "file" {
        authority.is_empty() && !path.is_empty()
    } else {
        !authority.is_empty()
    };
    if !is_rooted
        || path
            .split('/')
            .any(|segment| segment == ".." || segment == ".")
    {
        return refuse("has no host, or a dot segment", "write the whole URL");
    }
    Ok(())
}

/// The remote patterns of one URL and its references.
pub(crate) fn remote(url: &str, references: &[String]) -> Vec<GitPattern> {
    let of = |reference: &String| GitPattern::Remote {
        url: TextPattern::new(url),
        reference: TextPattern::new(reference.as_str()),
    };
    references.iter().map(of).collect()
}

/// Checks a text of this kind.
pub(crate) fn check_text(kind: Text, text: &str) -> Result<(), Refused> {
    let is_made_of = |extra: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    match kind {
        Text::Provider | Text::Credential if !is_made_of("._-") => {
            refuse("is no plain name", "use letters, digits, `.`, `_` and `-`")
        }
        Text::Account if !is_made_of("._-@") => refuse(
            "is no plain name",
            "use letters, digits, `.`, `_`, `-` and `@`",
        ),
        Text::ForgeUrl => check_url(text, &["https"]),
        Text::Secret => check_secret(text),
        Text::HostVariable if !is_variable_name(text) => refuse(
            "is no name of a variable",
            "write the name as the host's environment has it",
        ),
        Text::SecretFile => check_secret_file(text),
        Text::KeyringEntry => check_keyring(text),
        Text::Header => check_header(text),
        Text::User => check_user(text),
        Text::Sentence
            if text.trim().is_empty() || text.len() > 400 || text.contains(char::is_control) =>
        {
            refuse("is no sentence", "write one line of at most 400 bytes")
        }
        _ => Ok(()),
    }
}
