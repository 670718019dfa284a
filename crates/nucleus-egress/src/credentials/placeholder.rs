//! Makes placeholders: random, new in every session, and shaped like the secret's kind so that clients take them.

use std::io;

/// How secrets of known kinds begin; what follows is random in each.
const KINDS: [&str; 22] = [
    "github_pat_",
    "sk-ant-api03-",
    "sk-ant-",
    "sk-proj-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "dop_v1_",
    "glpat-",
    "pypi-",
    "xoxb-",
    "xoxp-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "npm_",
    "hf_",
    "sk-",
    "AKIA",
    "ATATT",
];
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The random letters of a placeholder: 190 bits at least, so that none stands anywhere by chance.
const RANDOM: std::ops::RangeInclusive<usize> = 32..=256;

/// A placeholder for a secret of this kind. **It tells the kind, and for a known kind the length; nothing else.**
pub(super) fn like(value: &str) -> io::Result<String> {
    let kind = KINDS.iter().find(|kind| value.starts_with(**kind));
    let (start, length) = match kind {
        Some(kind) => (*kind, value.len() - kind.len()),
        None => ("", 40),
    };
    let length = length.clamp(*RANDOM.start(), *RANDOM.end());
    let mut text = start.to_owned();
    let mut bytes = [0_u8; 64];
    while text.len() < start.len() + length {
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        // Bytes above the last whole multiple would favour some letters.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let letters = fair.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        text.extend(letters.take(start.len() + length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_placeholder_looks_like_its_kind_and_holds_nothing_of_the_secret() {
        let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
        let (one, other) = (like(secret).unwrap(), like(secret).unwrap());
        assert!(
            one.starts_with("ghp_") && one.len() == secret.len(),
            "{one}"
        );
        assert_ne!(one, other);
        assert!(!one.contains("0123456"));
        let plain = like("my-secret_of-no-kind").unwrap();
        assert!(
            plain.len() == 40 && plain.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{plain}"
        );
    }
}
