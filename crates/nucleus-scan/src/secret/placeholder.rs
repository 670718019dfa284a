//! Values that stand where a secret will be put, or say where it comes from.

/// Whether the value is a reference, a placeholder or a dummy.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || is_reference(value)
        || is_masked_out(value)
        || says_so(value)
        || is_sequence(value)
}

/// Whether the value refers to a variable, a prompt or a store.
pub(crate) fn is_reference(value: &str) -> bool {
    let starts = [
        "$",
        "%",
        "{",
        "<",
        "[",
        "env:",
        "op://",
        "vault:",
        "keychain:",
        "keyring:",
        "file:",
        "!",
        "@",
        "secretref",
        "ref+",
        "process.env",
        "os.environ",
        "arn:aws:secretsmanager",
    ];
    let lower = value.to_ascii_lowercase();
    starts.iter().any(|start| lower.starts_with(start))
        || value.contains("${")
        || value.contains("{{")
        || value.contains("$(")
}

/// A run of `x`, `*` or dots with nothing worth the name after it. Real keys that a collection masked keep their tail.
fn is_masked_out(value: &str) -> bool {
    for filler in ['x', 'X', '*', '.', '•', '…', '0', '_', '-', '#', '?'] {
        let Some((start, end)) = longest_run(value, filler) else {
            continue;
        };
        let tail = value[end..]
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() && !c.eq_ignore_ascii_case(&filler))
            .count();
        let head = value[..start]
            .chars()
            .filter(|c| c.is_ascii_digit())
            .count();
        if tail < 3 || (tail < 4 && head == 0) {
            return true;
        }
    }
    matches!(value.chars().next(), Some('…' | '•'))
}

/// The longest run of at least four (three for dots) of one character, with dashes inside it.
fn longest_run(value: &str, filler: char) -> Option<(usize, usize)> {
    let least = if matches!(filler, '.' | '…' | '•' | '*') {
        3
    } else if matches!(filler, '0' | '_' | '-') {
        8
    } else {
        4
    };
    let (mut best, mut start, mut count): (Option<(usize, usize, usize)>, usize, usize) =
        (None, 0, 0);
    for (at, c) in value.char_indices() {
        if c == filler {
            if count == 0 {
                start = at;
            }
            count += 1;
            if count >= least && best.is_none_or(|(_, _, most)| count > most) {
                best = Some((start, at + c.len_utf8(), count));
            }
        } else if c != '-' || count == 0 {
            count = 0;
        }
    }
    best.map(|(start, end, _)| (start, end))
}

/// Words that nobody's secret contains.
fn says_so(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "your",
        "replace",
        "remplace",
        "votre",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "example",
        "dummy",
        "redacted",
        "insert",
        "paste",
        "fixme",
        "deine",
        "tu_token",
        "tu-token",
        "not-needed",
        "not_needed",
        "no-key",
        "goes-here",
        "goes_here",
        "key-here",
        "key_here",
        "token-here",
        "token_here",
        "api-key",
        "api_key",
        "apikey",
        "access-token",
        "access_token",
        "my-secret",
        "my_secret",
        "mysecret",
        "my-token",
        "my_token",
        "my-key",
        "my_key",
        "mytoken",
        "sample",
        "masked",
        "hidden",
        "removed",
        "fake",
        "notreal",
        "not-a-real",
        "set-me",
        "set_me",
        "fill-in",
        "fill_in",
        "todo",
        "put_",
        "put-",
        "enter_",
        "enter-",
        "_here",
        "-here",
        "test-key",
        "test_key",
        "test-token",
        "test_token",
        "env_var",
        "ici",
        "aqui",
    ];
    const WHOLE: &[&str] = &[
        "password",
        "passwd",
        "secret",
        "token",
        "key",
        "none",
        "null",
        "undefined",
        "true",
        "false",
        "test",
        "testing",
        "postgres",
        "root",
        "admin",
        "pass",
        "ollama",
        "lm-studio",
        "lmstudio",
        "local",
        "localhost",
        "default",
        "optional",
        "required",
        "string",
        "unused",
        "anonymous",
        "guest",
        "user",
        "demo",
        "dev",
        "mysql",
        "redis",
        "na",
        "n/a",
        "empty",
        "oauth",
        "bearer",
        "basic",
        "yes",
        "no",
    ];
    let lower = value.to_lowercase();
    let long_random = lower.len() >= 32 && lower.bytes().filter(u8::is_ascii_digit).count() >= 6;
    WHOLE.contains(&lower.as_str())
        || WORDS.iter().any(|word| {
            let weak = word.len() < 5;
            lower.contains(word) && !(weak && long_random)
        })
}

/// `123456`, `abcdef`, and a single character repeated.
fn is_sequence(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let first = lower.chars().next();
    let same = lower.chars().all(|c| Some(c) == first);
    same || [
        "1234567890",
        "0123456789",
        "abcdefghij",
        "123456789",
        "abc123",
        "deadbeefdeadbeef",
    ]
    .iter()
    .any(|run| lower.ends_with(run) || lower == *run)
        || "12345678".starts_with(lower.as_str())
}
