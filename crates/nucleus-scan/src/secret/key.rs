//! Names that a secret is assigned to.

/// Words that make a name a secret's.
const SECRET_WORDS: &[&str] = &[
    "key",
    "apikey",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "pass",
    "credential",
    "credentials",
    "authorization",
    "auth",
    "bearer",
    "pat",
    "cookie",
    "jwt",
    "apitoken",
    "accesstoken",
    "authtoken",
    "accesskey",
    "secretkey",
    "privatekey",
];

/// Last words that say the value is something about a secret, not the secret.
const ABOUT_IT: &[&str] = &[
    "id",
    "file",
    "path",
    "dir",
    "name",
    "url",
    "uri",
    "host",
    "endpoint",
    "var",
    "env",
    "helper",
    "type",
    "mode",
    "header",
    "limit",
    "max",
    "min",
    "count",
    "ttl",
    "expiry",
    "expires",
    "expiration",
    "format",
    "scheme",
    "provider",
    "method",
    "command",
    "cmd",
    "location",
    "prefix",
    "required",
    "enabled",
    "disabled",
    "length",
    "size",
    "budget",
    "source",
    "server",
    "scopes",
    "scope",
    "user",
    "username",
    "version",
    "region",
    "alias",
    "ref",
    "refs",
    "label",
    "description",
    "timeout",
    "store",
    "backend",
    "issuer",
    "audience",
    "flow",
    "strategy",
    "domain",
    "port",
    "socket",
    "sock",
    "mount",
    "vars",
    "input",
    "inputs",
    "schema",
    "title",
    "algorithm",
    "policy",
    "rotation",
    "checksum",
    "digest",
    "fingerprint",
];

/// Whether what is assigned to this name is meant to be secret.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let words = words(key);
    let Some(last) = words.last() else {
        return false;
    };
    if key.starts_with("checksum/")
        || ABOUT_IT.contains(&last.as_str())
        || words
            .iter()
            .any(|word| word == "public" || word == "publishable" || word == "idempotency")
    {
        return false;
    }
    if words.len() > 1
        && (last == "key")
        && words.iter().any(|word| {
            matches!(
                word.as_str(),
                "cache" | "sort" | "primary" | "foreign" | "partition" | "host"
            )
        })
    {
        return false;
    }
    words
        .iter()
        .any(|word| SECRET_WORDS.contains(&word.as_str()))
        || glued(&words)
}

/// Whether the name asks for a password, which may be short and plain.
pub(super) fn is_password_key(key: &str) -> bool {
    words(key).iter().any(|word| {
        matches!(
            word.as_str(),
            "password" | "passwd" | "pwd" | "passphrase" | "pass"
        )
    })
}

/// Names written without separators, such as `GITHUBTOKEN` or `PGPASSWORD`.
fn glued(words: &[String]) -> bool {
    words.last().is_some_and(|last| {
        ["password", "apikey", "token", "secret", "secretkey"]
            .iter()
            .any(|end| last.len() > end.len() && last.ends_with(end))
    })
}

/// The name in lower-case words: split at separators and at humps.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_lower = false;
    for c in key.chars().take(120) {
        if !c.is_alphanumeric() {
            words.push(String::new());
            previous_lower = false;
            continue;
        }
        if c.is_uppercase() && previous_lower {
            words.push(String::new());
        }
        previous_lower = c.is_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::is_secret_key;

    #[test]
    fn names_of_secrets_are_told_from_names_about_them() {
        for key in [
            "API_KEY",
            "apiKey",
            "GITHUB_PERSONAL_ACCESS_TOKEN",
            "Authorization",
            "X-API-Key",
            "--token",
            "PGPASSWORD",
            "client_secret",
            "OPENAI_API_KEY",
            "POLICY_TOKEN",
            "CHECKSUM_SECRET",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "MAX_TOKENS",
            "KEYBOARD",
            "TOKEN_FILE",
            "KEY_ID",
            "monkey",
            "author",
            "",
            "PUBLIC_KEY",
            "bearer_token_env_var",
            "compass",
            "headersHelper",
            "checksum/secret",
            "checksum/config-secret",
            "PASSWORD_POLICY",
            "SESSION_SECRET_ROTATION",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }
}
