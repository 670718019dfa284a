//! Knows by its name that a value is secret.

/// A word that makes a name secret, alone or at the end of a longer word (`PGPASSWORD`).
static ENDINGS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "credential",
    "credentials",
];

/// A word that makes a name secret when it stands alone.
static WORDS: &[&str] = &[
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "jwt",
    "pass",
    "pat",
    "pwd",
    "sessionid",
    "sid",
    "sig",
    "signature",
];

/// A word that makes a name secret when `key` follows it.
static KEY_OF: &[&str] = &[
    "access",
    "account",
    "api",
    "auth",
    "client",
    "encryption",
    "license",
    "master",
    "private",
    "secret",
    "session",
    "shared",
    "signing",
    "ssh",
];

/// Whether values of this name are secret: `--api-key`, `GITHUB_TOKEN`, `X-Amz-Signature`, `clientSecret`.
pub(super) fn is_secret_name(name: &str) -> bool {
    // Longer than any name: a value by itself.
    if name.is_empty() || name.len() > 128 {
        return false;
    }
    let mut before = String::new();
    for word in words(name) {
        let is_key = word == "key" && KEY_OF.contains(&before.as_str());
        let is_secret =
            WORDS.contains(&word.as_str()) || ENDINGS.iter().any(|ending| word.ends_with(ending));
        if is_key || is_secret {
            return true;
        }
        before = word;
    }
    false
}

/// The words of a name in lower case, parted by punctuation and by a rise to a capital.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        let is_break = !character.is_ascii_alphanumeric();
        if is_break || (was_lower && character.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if let (false, Some(word)) = (is_break, words.last_mut()) {
            word.push(character.to_ascii_lowercase());
        }
        was_lower = character.is_ascii_lowercase();
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// Flags of programs whose value, in the next argument, is a credential.
static CREDENTIAL_FLAGS: &[(&str, &[&str])] = &[
    (
        "curl",
        &[
            "-u",
            "--user",
            "-U",
            "--proxy-user",
            "-b",
            "--oauth2-bearer",
        ],
    ),
    ("wget", &["--http-user", "--user"]),
    ("http", &["-a"]),
    ("https", &["-a"]),
    ("sshpass", &["-p"]),
    ("docker", &["-p"]),
    ("podman", &["-p"]),
    ("psql", &["-W"]),
    ("openssl", &["-pass", "-passin", "-passout", "-k", "-K"]),
];

/// Programs whose flag `-p` has a password glued to it.
static GLUED_PASSWORD: &[&str] = &["mysql", "mysqldump", "mysqladmin", "mariadb"];

/// Whether the argument after this one is secret as a whole.
pub(super) fn announces_secret(program: &str, argument: &str) -> bool {
    let is_flag = argument.len() > 2 && argument.starts_with('-') && !argument.contains('=');
    let is_named = is_flag && !argument.contains(char::is_whitespace) && is_secret_name(argument);
    let by_program = CREDENTIAL_FLAGS
        .iter()
        .any(|(name, flags)| *name == program && flags.contains(&argument));
    is_named || by_program
}

/// Whether the argument has a password glued to a short flag.
pub(super) fn has_glued_password(program: &str, argument: &str) -> bool {
    let is_glued = argument.len() > 2 && argument.starts_with("-p");
    is_glued && GLUED_PASSWORD.contains(&program)
        || program == "curl" && argument.len() > 2 && argument.starts_with("-u")
}

/// Whether the program is one of those whose flags are known here.
pub(super) fn takes_credentials(program: &str) -> bool {
    CREDENTIAL_FLAGS.iter().any(|(name, _)| *name == program) || GLUED_PASSWORD.contains(&program)
}
