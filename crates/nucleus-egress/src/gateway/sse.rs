//! Cuts a stream of server-sent events into events, without holding more than one.

/// The largest event; a larger one is passed on unread, and the call is settled by its reservation.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// What has arrived of the next event.
#[derive(Debug, Default)]
pub struct Events {
    held: Vec<u8>,
    /// The next event is too large to be read.
    is_lost: bool,
}

impl Events {
    /// Takes in bytes and hands out the data of each event that is complete.
    ///
    /// Lines end in LF, CR LF or CR, and an empty one ends the event, as the standard has it.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&str)) {
        for byte in bytes {
            // CR LF counts once: the LF is dropped where a CR was already turned into one.
            if *byte == b'\n' && self.held.last() == Some(&b'\r') {
                self.held.pop();
            } else if self.held.last() == Some(&b'\r') {
                self.end_line(&mut each);
            }
            self.held.push(*byte);
            if *byte == b'\n' {
                self.end_line(&mut each);
            }
            if self.held.len() > MAX_EVENT_BYTES {
                self.held.clear();
                self.is_lost = true;
            }
        }
    }

    /// Whether an event was too large to be read.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.is_lost
    }

    /// Turns a line end into one LF; hands out the event when the line was empty.
    fn end_line(&mut self, each: &mut impl FnMut(&str)) {
        if matches!(self.held.last(), Some(b'\r' | b'\n')) {
            self.held.pop();
        }
        let is_empty = self.held.last().is_none_or(|last| *last == b'\n');
        if !is_empty {
            self.held.push(b'\n');
            return;
        }
        let text = String::from_utf8_lossy(&self.held);
        let data: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| data.strip_prefix(' ').unwrap_or(data))
            .collect();
        if !data.is_empty() {
            each(&data.join("\n"));
        }
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut events = Events::default();
        for chunk in chunks {
            events.feed(chunk, |data| found.push(data.to_owned()));
        }
        found
    }

    #[test]
    fn events_are_cut_however_they_arrive() {
        let stream =
            b"event: a\ndata: {\"x\":1}\n\n: comment\n\ndata: two\ndata: lines\n\ndata: [DONE]\n\n";
        let expected = ["{\"x\":1}", "two\nlines", "[DONE]"];
        assert_eq!(events(&[stream]), expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(events(&bytes), expected);
    }

    #[test]
    fn every_line_end_is_one() {
        assert_eq!(
            events(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]),
            ["a", "b", "c"]
        );
        assert_eq!(
            events(&[b"data: a\r", b"\n\r", b"\ndata: b\n\n"]),
            ["a", "b"]
        );
    }

    #[test]
    fn an_endless_event_is_not_held() {
        let mut endless = Events::default();
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..20 {
            endless.feed(&chunk, |_| {});
        }
        assert!(endless.has_lost() && endless.held.len() <= MAX_EVENT_BYTES + 1);
    }
}
