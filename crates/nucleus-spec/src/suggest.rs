//! Finds the known word nearest to a mistyped one.

/// The nearest of these words, when it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = simple(word);
    known
        .into_iter()
        .map(|candidate| (distance(&wanted, &simple(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Help that names the nearest word, or all of them.
pub(crate) fn help<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let all: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
            format!("known here: {}", all.join(", "))
        }
    }
}

fn simple(word: &str) -> Vec<char> {
    word.to_lowercase()
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .take(64)
        .collect()
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["read_files", "write_files", "git_push"];
        assert_eq!(nearest("read_file", known), Some("read_files"));
        assert_eq!(nearest("gitpush", known), Some("git_push"));
        assert_eq!(nearest("teleport", known), None);
    }

    #[test]
    fn distance_counts_edits() {
        let d = |a: &str, b: &str| distance(&simple(a), &simple(b));
        assert_eq!(
            (d("kitten", "sitting"), d("", "abc"), d("same", "same")),
            (3, 3, 0)
        );
    }
}
