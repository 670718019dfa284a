//! Byte offsets to lines and columns, and character offsets to bytes, in bounded time.

/// Bytes between two remembered counts of characters.
const STRIDE: usize = 256;

/// An index over one text.
#[derive(Debug)]
pub(crate) struct LineIndex {
    starts: Vec<usize>,
    /// Characters before byte `i * STRIDE`, moved back to the start of a character.
    chars_before: Vec<usize>,
}

impl LineIndex {
    pub(crate) fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        let mut chars_before = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut chars = 0;
        for (at, byte) in text.bytes().enumerate() {
            if at % STRIDE == 0 {
                chars_before.push(chars);
            }
            if is_start(byte) {
                chars += 1;
            }
        }
        Self {
            starts,
            chars_before,
        }
    }

    /// Line and column of a byte, from 1.
    pub(crate) fn position(&self, text: &str, at: usize) -> (u32, u32) {
        let at = at.min(text.len());
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let column = self.chars(text, at) - self.chars(text, self.starts[line - 1]);
        (to_u32(line), to_u32(column + 1))
    }

    /// Characters before a byte.
    fn chars(&self, text: &str, at: usize) -> usize {
        let stride = (at / STRIDE).min(self.chars_before.len().saturating_sub(1));
        let Some(before) = self.chars_before.get(stride) else {
            return 0;
        };
        let from = stride * STRIDE;
        before
            + text.as_bytes()[from..at]
                .iter()
                .filter(|byte| is_start(**byte))
                .count()
    }

    /// The byte at which the character with this index starts.
    pub(crate) fn byte_of_char(&self, text: &str, index: usize) -> usize {
        let stride = self
            .chars_before
            .partition_point(|before| *before <= index)
            .saturating_sub(1);
        let Some(before) = self.chars_before.get(stride) else {
            return 0;
        };
        let mut left = index - before.min(&index);
        for (at, byte) in text.bytes().enumerate().skip(stride * STRIDE) {
            if is_start(byte) {
                if left == 0 {
                    return at;
                }
                left -= 1;
            }
        }
        text.len()
    }
}

fn is_start(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::LineIndex;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let text = "aé\nüb";
        let index = LineIndex::new(text);
        assert_eq!(index.position(text, 0), (1, 1));
        assert_eq!(index.position(text, 3), (1, 3));
        assert_eq!(index.position(text, 4), (2, 1));
        assert_eq!(index.position(text, 6), (2, 2));
        assert_eq!(index.position(text, 999), (2, 3));
    }

    #[test]
    fn characters_map_back_to_their_bytes() {
        let text = "é".repeat(400) + "x";
        let index = LineIndex::new(&text);
        for (nth, (at, _)) in text.char_indices().enumerate() {
            assert_eq!(index.byte_of_char(&text, nth), at);
            assert_eq!(
                index.position(&text, at),
                (1, u32::try_from(nth + 1).unwrap())
            );
        }
        assert_eq!(index.byte_of_char(&text, 401), text.len());
        assert_eq!(LineIndex::new("").byte_of_char("", 3), 0);
    }
}
