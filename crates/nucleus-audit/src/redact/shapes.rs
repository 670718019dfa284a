//! Knows by its form that a string is a key: a known prefix, or too random to be a word.

/// A prefix of issued keys, and how many key characters must follow.
const PREFIXES: &[(&str, usize)] = &[
    ("sk-", 16),
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("pk_live_", 10),
    ("whsec_", 10),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("xoxb-", 10),
    ("xoxa-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 16),
    ("npm_", 20),
    ("pypi-", 16),
    ("hf_", 16),
    ("SG.", 16),
    ("dop_v1_", 20),
    ("shpat_", 16),
    ("shpss_", 16),
    ("AGE-SECRET-KEY-", 16),
    ("eyJ", 16),
    ("v1.0-", 24),
    ("tskey-", 12),
    ("r8_", 20),
    ("gsk_", 16),
    ("xai-", 16),
    ("pplx-", 16),
    ("nvapi-", 16),
    ("dckr_pat_", 16),
    ("lin_api_", 16),
    ("secret_", 24),
    ("sq0csp-", 16),
    ("EAACEdEose0cBA", 8),
    ("hvs.", 16),
    ("hvb.", 16),
];

/// The shortest string that any rule here recognises.
pub(super) const MIN_BYTES: usize = 15;

/// Whether the token holds a key of a known form or a string too random to be a word.
pub(super) fn is_secret_shape(token: &str) -> bool {
    token.len() >= MIN_BYTES && (has_known_prefix(token) || has_random_run(token))
}

/// Which bytes a prefix can start with.
static FIRST_BYTES: [bool; 256] = first_bytes();

const fn first_bytes() -> [bool; 256] {
    let mut firsts = [false; 256];
    let mut at = 0;
    while at < PREFIXES.len() {
        firsts[PREFIXES[at].0.as_bytes()[0] as usize] = true;
        at += 1;
    }
    firsts
}

/// Whether a key of a known form starts at a word boundary of the token.
fn has_known_prefix(token: &str) -> bool {
    let bytes = token.as_bytes();
    (0..bytes.len()).any(|at| {
        let is_start = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        is_start && FIRST_BYTES[usize::from(bytes[at])] && is_key(&bytes[at..])
    })
}

/// Whether a key of a known form stands here.
fn is_key(bytes: &[u8]) -> bool {
    PREFIXES.iter().any(|(prefix, length)| {
        let is_near = prefix.as_bytes().get(..2) == bytes.get(..2);
        is_near
            && bytes.strip_prefix(prefix.as_bytes()).is_some_and(|body| {
                body.iter().take_while(|byte| is_key_byte(**byte)).count() >= *length
            })
    })
}

/// Whether a byte stands in keys: base64, base64url and the dots of tokens.
const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'.')
}

/// Whether a run of letters and digits in the token is too random to be a word.
fn has_random_run(token: &str) -> bool {
    token
        .split(|character: char| !(character.is_ascii_alphanumeric() || "+-_".contains(character)))
        .any(is_random)
}

/// Whether a run is random: hex that is no object id, or many different characters of several classes.
fn is_random(run: &str) -> bool {
    if run.len() < 20 || is_uuid(run) {
        return false;
    }
    let count = |of: fn(&u8) -> bool| run.bytes().filter(of).count();
    let digits = count(u8::is_ascii_digit);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    if run.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits > 2 && digits < run.len() {
        // Object ids and digests are 40 and 64 digits long, and no secret by themselves.
        return run.len() >= 32 && !matches!(run.len(), 40 | 64);
    }
    let bits = entropy_bits(run.as_bytes());
    let is_mixed = upper > 1 && lower > 1 && digits > 1 && bits > 3.6;
    let is_half_mixed = digits >= 4 && upper + lower >= 4 && run.len() >= 24 && bits > 3.9;
    let is_case_noise = upper >= 6 && lower >= 6 && run.len() >= 32 && bits > 4.2;
    is_mixed || is_half_mixed && !reads_as_words(run) || is_case_noise && !reads_as_words(run)
}

/// Whether the parts of a run are words, numbers or dates: letters and digits rarely alternate in one part.
fn reads_as_words(run: &str) -> bool {
    run.split(['-', '_', '+']).all(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let is_plain = digits == 0 || digits == part.len() || part.len() < 8;
        let is_cased =
            part.bytes().skip(1).filter(u8::is_ascii_uppercase).count() * 3 <= part.len();
        is_plain && is_cased
    })
}

/// Whether a run has the form of a UUID: an identifier.
fn is_uuid(run: &str) -> bool {
    run.len() == 36
        && run.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The Shannon entropy of the bytes, in bits a byte.
fn entropy_bits(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}
