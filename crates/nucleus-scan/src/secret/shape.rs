//! What secrets look like: the prefixes vendors give them, and randomness.

use super::key::is_password_key;

/// Prefixes vendors put before their secrets, with the least length of what follows.
const PREFIXES: &[(&str, usize)] = &[
    ("github_pat_", 20),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("sk-ant-", 16),
    ("sk-proj-", 16),
    ("sk-or-", 16),
    ("sk-svcacct-", 16),
    ("sk-ak-", 12),
    ("sk-lf-", 12),
    ("sk-", 18),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xoxa-", 16),
    ("xoxc-", 16),
    ("xoxd-", 16),
    ("xoxe-", 16),
    ("xoxs-", 16),
    ("xapp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 28),
    ("AQ.Ab8", 12),
    ("ya29.", 16),
    ("GOCSPX-", 16),
    ("npm_", 24),
    ("pypi-AgEI", 20),
    ("hf_", 20),
    ("dop_v1_", 24),
    ("shpat_", 20),
    ("shpss_", 20),
    ("shppa_", 20),
    ("shpca_", 20),
    ("sbp_", 16),
    ("sb_secret_", 12),
    ("ntn_", 16),
    ("secret_", 32),
    ("lin_api_", 20),
    ("lin_oauth_", 20),
    ("SG.", 30),
    ("sk_live_", 12),
    ("sk_test_", 16),
    ("rk_live_", 12),
    ("rk_test_", 16),
    ("whsec_", 20),
    ("figd_", 16),
    ("r8_", 30),
    ("gsk_", 24),
    ("pplx-", 20),
    ("tvly-", 12),
    ("fc-", 24),
    ("ctx7sk-", 12),
    ("squ_", 20),
    ("sqp_", 20),
    ("sqa_", 20),
    ("sntrys_", 20),
    ("sntryu_", 20),
    ("phx_", 20),
    ("dapi", 32),
    ("ATATT3", 30),
    ("ATCTT3", 30),
    ("xai-", 30),
    ("nvapi-", 30),
    ("PMAK-", 30),
    ("lsv2_pt_", 16),
    ("lsv2_sk_", 16),
    ("pcsk_", 20),
    ("pul-", 30),
    ("vcp_", 20),
    ("rnd_", 20),
    ("glsa_", 20),
    ("CFPAT-", 20),
    ("nfp_", 20),
    ("patV", 60),
    ("EAAC", 40),
    ("jina_", 30),
    ("e2b_", 20),
    ("apify_api_", 20),
    ("BSA", 24),
    ("MTA", 50),
    ("ops_eyJ", 30),
    ("dp.st.", 20),
    ("hvs.", 20),
    ("tskey-", 20),
    ("ctp_", 24),
    ("v1.0-", 60),
    ("smithery_", 20),
    ("zpka_", 24),
    ("aik_", 24),
    ("key_", 30),
    ("bb_live_", 16),
    ("cal_live_", 16),
    ("re_", 24),
    ("op_", 40),
    ("fig_", 40),
    ("ADM-", 30),
    ("tfp_", 30),
    ("sgp_", 30),
    ("amp_", 30),
    ("sk_", 30),
    ("fm2_", 30),
    ("FlyV1", 30),
    ("pat-na1-", 20),
    ("pat-eu1-", 20),
];

/// The prefix of a known vendor that the text starts with, if what follows is long enough.
pub(crate) fn vendor_prefix(text: &str) -> Option<&'static str> {
    PREFIXES
        .iter()
        .filter(|(prefix, least)| {
            text.strip_prefix(prefix)
                .is_some_and(|rest| rest.len() >= *least && is_token(rest) && is_mixed(rest))
        })
        .map(|(prefix, _)| *prefix)
        .max_by_key(|prefix| prefix.len())
}

/// Whether the text is a secret by its shape alone.
pub(super) fn is_secret_shape(text: &str) -> bool {
    vendor_prefix(text).is_some() || is_jwt(text) || is_bot_token(text)
}

/// Whether a value under a secret's name may be one.
pub(super) fn is_plausible_for(key: &str, text: &str) -> bool {
    if is_password_key(key) {
        return text.len() >= 5 && !is_flag_word(text);
    }
    is_secret_shape(text)
        || (text.len() >= 10
            && is_token(text)
            && (has_digit_and_letter(text) || text.len() >= 24)
            && entropy(&unmasked(text)) >= 2.3
            && !is_name(text))
}

/// Random enough to be masked on suspicion.
pub(super) fn is_random(text: &str) -> bool {
    text.len() >= 24
        && is_token(text)
        && has_digit_and_letter(text)
        && entropy(text) >= 3.2
        && text
            .bytes()
            .filter(|b| matches!(b, b'-' | b'_' | b'.'))
            .count()
            * 6
            <= text.len()
}

/// Three base64 parts, the first of which is a JSON object.
pub(super) fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.len() >= 40 && text.split('.').count() == 3 && is_token(text)
}

/// Bot tokens of Telegram: an account number, a colon, 35 characters.
fn is_bot_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(account, rest)| {
        (8..=10).contains(&account.len())
            && account.bytes().all(|b| b.is_ascii_digit())
            && rest.len() >= 33
            && is_token(rest)
            && has_digit_and_letter(rest)
    })
}

fn is_token(text: &str) -> bool {
    text.bytes().all(|b| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'-' | b'_'
                    | b'.'
                    | b'='
                    | b'+'
                    | b'/'
                    | b'~'
                    | b':'
                    | b'!'
                    | b'@'
                    | b'#'
                    | b'^'
                    | b'*'
                    | b'%'
            )
    })
}

/// Not one word in plain letters: a digit, or both cases.
fn is_mixed(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        || (text.bytes().any(|b| b.is_ascii_lowercase())
            && text.bytes().any(|b| b.is_ascii_uppercase()))
}

pub(super) fn has_digit_and_letter(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// `true`, `off` and the like.
fn is_flag_word(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "prompt" | "never" | "always" | "stdin" | "keychain"
    )
}

/// A name rather than a secret: an environment variable, a path, a host, a version, a plain identifier in words.
fn is_name(text: &str) -> bool {
    let upper = text
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && text.contains('_');
    let path = text.starts_with(['/', '.', '~']) || text.contains(":\\");
    let words = text
        .split(['-', '_', '.', ' '])
        .filter(|word| !word.is_empty());
    let plain = words.clone().count() > 1
        && words
            .clone()
            .all(|word| word.bytes().all(|b| b.is_ascii_lowercase()) || word.len() < 3);
    (upper && text.bytes().filter(u8::is_ascii_digit).count() * 5 < text.len()) || path || plain
}

/// Without the run of `x` that a collection put in place of the middle.
fn unmasked(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(at) = rest.find("xxxx") {
        out.push_str(&rest[..at]);
        rest = rest[at..].trim_start_matches('x');
    }
    out.push_str(rest);
    out
}

/// Shannon entropy in bits a character.
#[expect(clippy::cast_precision_loss, reason = "texts are short")]
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|p| -p * p.log2())
        .sum()
}
