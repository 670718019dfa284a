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
    if name.len() > 128 {
        return false;
    }
    let mut before = "";
    for word in words(name) {
        let is_key = word.eq_ignore_ascii_case("key") && is_one_of(KEY_OF, before);
        if is_key || is_one_of(WORDS, word) || ENDINGS.iter().any(|ending| ends_with(word, ending))
        {
            return true;
        }
        before = word;
    }
    false
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn ends_with(word: &str, ending: &str) -> bool {
    let (word, ending) = (word.as_bytes(), ending.as_bytes());
    word.len() >= ending.len() && word[word.len() - ending.len()..].eq_ignore_ascii_case(ending)
}

/// The words of a name, parted by punctuation and by a rise to a capital.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|character: char| !character.is_ascii_alphanumeric())
        .flat_map(Humps)
}

/// Parts `clientSecret` into its words.
struct Humps<'n>(&'n str);

impl<'n> Iterator for Humps<'n> {
    type Item = &'n str;

    fn next(&mut self) -> Option<&'n str> {
        if self.0.is_empty() {
            return None;
        }
        let mut pairs = self.0.as_bytes().windows(2);
        let rise =
            pairs.position(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
        let (word, rest) = self.0.split_at(rise.map_or(self.0.len(), |at| at + 1));
        self.0 = rest;
        Some(word)
    }
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
