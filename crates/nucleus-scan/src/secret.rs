//! Tells secrets from placeholders, and masks them: nothing that looks like a secret is printed as it stands.

mod key;
mod placeholder;
mod shape;
mod suspect;
mod words;

use std::ops::Range;

use crate::hash::short_hex;
pub(crate) use key::is_secret_key;
pub(crate) use shape::vendor_prefix;

/// Byte ranges of the secrets in a value that is assigned to `key` (empty: none).
/// Values that are references or placeholders yield nothing.
pub(crate) fn find(key: &str, value: &str) -> Vec<Range<usize>> {
    let mut found = words::find(value);
    let inner = bare(value);
    let text = &value[inner.clone()];
    let whole = is_secret_key(key)
        && !text.contains(char::is_whitespace)
        && !text.contains("://")
        && !placeholder::is_placeholder(text)
        && shape::is_plausible_for(key, text);
    if whole {
        found.push(inner);
    }
    merged(found)
}

/// The value with every secret, and everything that is random enough to be one, replaced by its prefix and a short fingerprint.
pub(crate) fn mask(key: &str, value: &str) -> String {
    let mut ranges = find(key, value);
    ranges.extend(suspect::find(key, value));
    masked_at(value, ranges)
}

/// A name, with what is known to be a secret in it masked: one that is only long and random tells two servers apart.
pub(crate) fn mask_name(name: &str) -> String {
    masked_at(name, find("", name))
}

/// A path of keys through a file, each of them as [`mask_name`] leaves it.
pub(crate) fn mask_pointer(pointer: &str) -> String {
    let keys = pointer.split('/').map(|key| {
        let plain = key.replace("~1", "/").replace("~0", "~");
        mask_name(&plain).replace('~', "~0").replace('/', "~1")
    });
    keys.collect::<Vec<_>>().join("/")
}

fn masked_at(value: &str, ranges: Vec<Range<usize>>) -> String {
    let mut masked = String::with_capacity(value.len());
    let mut at = 0;
    for range in merged(ranges) {
        masked.push_str(&value[at..range.start]);
        masked.push_str(&mask_one(&value[range.clone()]));
        at = range.end;
    }
    masked.push_str(&value[at..]);
    masked
}

/// A secret as it may be shown: the public prefix of its vendor, and 24 bits of its digest to tell two of them apart.
pub(crate) fn mask_one(secret: &str) -> String {
    format!(
        "{}…[{}]",
        vendor_prefix(secret).unwrap_or(""),
        short_hex(&["secret", secret], 6)
    )
}

/// The value without a surrounding pair of quotes.
pub(crate) fn bare(value: &str) -> Range<usize> {
    for quote in ['"', '\''] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            return 1..value.len() - 1;
        }
    }
    0..value.len()
}

/// Sorted, without overlaps.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{find, mask};

    fn secrets<'a>(key: &str, value: &'a str) -> Vec<&'a str> {
        find(key, value)
            .into_iter()
            .map(|range| &value[range])
            .collect()
    }

    #[test]
    fn vendor_shapes_are_found_without_a_key() {
        for (value, secret) in [
            (
                "Bearer sbp_c1104f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c66bb",
                "sbp_c1104f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c66bb",
            ),
            (
                "mvn sonar:sonar -Dsonar.token=squ_5d00a1b2c3d4e5f60718293a4b5c6d7e8f9087",
                "squ_5d00a1b2c3d4e5f60718293a4b5c6d7e8f9087",
            ),
            (
                "postgresql://app:S3cr3tPhrase9@db.example.org/main",
                "S3cr3tPhrase9",
            ),
            (
                "https://mcp.tavily.com/mcp/?tavilyApiKey=tvly-dev-a81bc81bdead4e5dabff",
                "tvly-dev-a81bc81bdead4e5dabff",
            ),
            ("PGPASSWORD=hunter2hunter psql -h db", "hunter2hunter"),
            (
                "curl -H 'X-API-Key: 9f8e7d6c5b4a39281706' https://x.example.com",
                "9f8e7d6c5b4a39281706",
            ),
        ] {
            assert_eq!(secrets("", value), [secret], "{value}");
        }
    }

    #[test]
    fn a_key_makes_its_value_a_secret() {
        assert_eq!(
            secrets("WHOP_API_KEY", "0u_46cKC9s8d7f6g5h4j3k2l1m0n9ztfkQ").len(),
            1
        );
        assert_eq!(secrets("DB_PASSWORD", "correct-horse").len(), 1);
        assert_eq!(
            secrets("X-Goog-Api-Key", "AQ.Ab8RN6Kq2w3e4r5t6y7u8i9o0pZ5TA").len(),
            1
        );
        assert_eq!(
            secrets("--api-key", "30df00a1b2c3d4e5f6a7b8c9d04298").len(),
            1
        );
    }

    #[test]
    fn values_masked_in_the_middle_still_count() {
        assert_eq!(
            secrets(
                "CONTEXT7_API_KEY",
                "ctx7sk-d355xxxx-xxxx-xxxx-xxxx-xxxxxxxxf3ce"
            )
            .len(),
            1
        );
        assert_eq!(secrets("REF_API_KEY", "ref-4d5fxxxxxxxxxxxx2d17").len(), 1);
        assert_eq!(
            secrets(
                "",
                "-Dsonar.login=squ_5d00xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9087"
            )
            .len(),
            1
        );
    }

    #[test]
    fn references_placeholders_and_plain_settings_are_no_secrets() {
        for (key, value) in [
            ("GITHUB_TOKEN", "YOUR_GITHUB_TOKEN"),
            ("GITHUB_TOKEN", "${GITHUB_TOKEN}"),
            ("GITHUB_TOKEN", "${input:token}"),
            ("GITHUB_TOKEN", "$GITHUB_TOKEN"),
            ("GITHUB_TOKEN", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
            ("API_KEY", "[REDACTED_API_KEY]"),
            ("API_KEY", "<your-api-key>"),
            ("API_KEY", "REMPLACEZ_PAR_VOTRE_TOKEN"),
            ("API_KEY", ""),
            ("API_KEY", "sk-..."),
            ("OPENAI_API_KEY", "sk-your-key-here"),
            ("OPENAI_API_KEY", "{env:OPENAI_API_KEY}"),
            ("OPENAI_API_KEY", "not-needed"),
            ("Authorization", "Bearer ${TOKEN}"),
            ("Authorization", "Bearer YOUR_API_TOKEN_GOES_HERE"),
            ("DATABASE_URL", "postgresql://localhost/mydb"),
            (
                "DATABASE_URL",
                "postgresql://user:password@localhost:5432/db",
            ),
            (
                "DATABASE_URL",
                "postgresql://postgres:postgres@localhost:5432/db",
            ),
            ("MAX_TOKENS", "100000"),
            ("DEFAULT_MINIMUM_TOKENS", "6000"),
            ("TOKEN_FILE", "/run/secrets/token1234567"),
            ("bearer_token_env_var", "GITHUB_PERSONAL_ACCESS_TOKEN"),
            (
                "GOOGLE_CLIENT_ID",
                "1234567890-abcdef.apps.googleusercontent.com",
            ),
            ("AUTH_MODE", "oauth"),
            (
                "url",
                "https://mcp.supabase.com/mcp?project_ref=iogbdjpvcxtdchmpicma",
            ),
            (
                "uses",
                "actions/checkout@df4cb1c069e1874edd31b4311f1884172cec0e10",
            ),
            ("", "Bash(npm run build:*)"),
            ("anthropic_api_key", "${{ secrets.ANTHROPIC_API_KEY }}"),
        ] {
            assert_eq!(secrets(key, value), Vec::<&str>::new(), "{key}={value}");
        }
    }

    #[test]
    fn a_masked_value_does_not_contain_the_secret() {
        let secret = "ghp_4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c66bb";
        let shown = mask("GITHUB_TOKEN", secret);
        assert!(shown.starts_with("ghp_…["), "{shown}");
        assert!(!shown.contains("4f9a8b7c"), "{shown}");
        assert_eq!(
            mask("command", "npx -y @playwright/mcp@latest"),
            "npx -y @playwright/mcp@latest"
        );
    }
}
