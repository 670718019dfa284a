//! Reads the shipped tables: data as text, in sections, versioned with the code that embeds it.
//!
//! A line `[name]` opens a section, `#` and a space open a comment line, and every other line is a row of its
//! section. Rows are words, or fields between `|` where the table says so.

/// The rows of a table, each with the name of its section.
#[inline]
pub fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut section = "";
    text.lines().map(str::trim).filter(|line| !matches!(line.split(' ').next(), Some("" | "#"))).filter_map(
        move |line| {
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(name) => section = name,
                None => return Some((section, line)),
            }
            None
        },
    )
}

/// The words of all rows, each with the name of its section.
#[inline]
pub fn words(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    rows(text).flat_map(|(section, row)| row.split_whitespace().map(move |word| (section, word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_carry_their_section_and_comments_are_none() {
        let text = "# what it is\n[one]\na b\n\n# more\n[two words]\n[[ c\n#d\n";
        let expected = [("one", "a b"), ("two words", "[[ c"), ("two words", "#d")];
        assert_eq!(rows(text).collect::<Vec<_>>(), expected);
        assert_eq!(words(text).map(|(_, word)| word).collect::<Vec<_>>(), ["a", "b", "[[", "c", "#d"]);
    }
}
