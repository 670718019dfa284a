//! Programs that only start another one.

use super::program;

/// The index at which the real command begins.
pub(crate) fn unwrapped(words: &[&str]) -> usize {
    let mut at = 0;
    for _ in 0..8 {
        let next = at + step(&words[at..]);
        if next == at || next >= words.len() {
            break;
        }
        at = next;
    }
    at
}

/// How many words the outermost wrapper takes; 0 where there is none.
fn step(words: &[&str]) -> usize {
    let Some(first) = words.first() else { return 0 };
    if is_assignment(first) {
        return 1;
    }
    let options = |valued: &[&str]| {
        let mut at = 1;
        while let Some(word) = words.get(at) {
            match word {
                word if valued.contains(word) => at += 2,
                word if word.starts_with('-') && *word != "--" || is_assignment(word) => at += 1,
                &"--" => return at + 1,
                _ => break,
            }
        }
        at
    };
    match program(first).as_str() {
        "env" | "cross-env" | "command" | "exec" | "nohup" | "time" | "builtin" | "caffeinate"
        | "setsid" | "stdbuf" | "unbuffer" => options(&["-u", "--unset", "-C", "-S"]),
        "sudo" | "doas" => options(&["-u", "-g", "-h", "-p"]),
        "nice" | "ionice" => options(&["-n", "-c"]),
        "timeout" => options(&["-s", "-k", "--signal"]) + 1,
        "xvfb-run" => options(&["-n", "-s", "--server-args"]),
        "cmd" => words
            .iter()
            .position(|word| word.eq_ignore_ascii_case("/c") || word.eq_ignore_ascii_case("/k"))
            .map_or(0, |at| at + 1),
        "wsl" => options(&["-d", "--distribution", "-u", "--user", "--cd"]),
        "dotenv" | "dotenvx" | "doppler" | "op" | "infisical" | "aws-vault" | "mise" | "direnv"
        | "varlock" => words
            .iter()
            .position(|word| *word == "--")
            .map_or(0, |at| at + 1),
        _ => 0,
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    })
}
