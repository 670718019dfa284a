//! Reads the server's name off a TLS ClientHello, over any cut of its bytes, and nothing else.

/// The longest hello that is read: post-quantum shares and tickets fit many times.
pub(super) const MAX_HELLO_BYTES: usize = 16 << 10;

/// What a hello says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// The one server name, as sent.
    pub(super) name: Option<String>,
    /// Whether it holds an encrypted hello, or a lure for one: they cannot be told apart.
    pub(super) is_encrypted: bool,
}

/// What the bytes so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A whole hello.
    Whole(Hello),
    /// The start of one.
    More,
    /// No hello, or one that contradicts itself.
    Broken,
}

/// Reads a hello from the first bytes of a connection.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut handshake = Vec::new();
    let mut rest = bytes;
    loop {
        match whole_message(&handshake) {
            Some(true) => return parse(&handshake).map_or(Reading::Broken, Reading::Whole),
            Some(false) => return Reading::Broken,
            None => {}
        }
        let Some((&[kind, major, _, high, low], after)) = rest.split_first_chunk::<5>() else {
            let starts_so = rest.first().is_none_or(|kind| *kind == 0x16);
            let goes_on = rest.get(1).is_none_or(|major| *major == 3);
            return if starts_so && goes_on {
                Reading::More
            } else {
                Reading::Broken
            };
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != 0x16 || major != 3 || length == 0 || length > (1 << 14) {
            return Reading::Broken;
        }
        let taken = after.len().min(length);
        handshake.extend(&after[..taken]);
        if taken < length {
            return match whole_message(&handshake) {
                Some(true) => parse(&handshake).map_or(Reading::Broken, Reading::Whole),
                Some(false) => Reading::Broken,
                None => Reading::More,
            };
        }
        rest = &after[length..];
    }
}

/// Whether the handshake bytes hold a whole message; `Some(false)` when it is no hello.
fn whole_message(handshake: &[u8]) -> Option<bool> {
    let (&[kind, a, b, c], body) = handshake.split_first_chunk::<4>()?;
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    if kind != 1 || length > MAX_HELLO_BYTES {
        return Some(false);
    }
    (body.len() >= length).then_some(true)
}

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let digits = self.take(bytes)?;
        Some(digits.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    /// A field headed by its length in so many bytes.
    fn sized(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

fn parse(handshake: &[u8]) -> Option<Hello> {
    let mut message = Fields(handshake.get(1..)?);
    let mut hello = Fields(message.sized(3)?);
    hello.take(2 + 32)?; // version, random
    hello.sized(1)?; // session
    hello.sized(2)?; // suites
    hello.sized(1)?; // compression
    let mut found = Hello {
        name: None,
        is_encrypted: false,
    };
    if hello.0.is_empty() {
        return Some(found);
    }
    let mut extensions = Fields(hello.sized(2)?);
    let mut has_name = false;
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let body = extensions.sized(2)?;
        match kind {
            0 if has_name => return None,
            0 => {
                has_name = true;
                found.name = Some(server_name(body)?);
            }
            0xfe0d => found.is_encrypted = true,
            _ => {}
        }
    }
    Some(found)
}

/// FAIL-CLOSED: exactly one name, of kind host.
fn server_name(body: &[u8]) -> Option<String> {
    let mut list = Fields(Fields(body).sized(2)?);
    let kind = list.number(1)?;
    let name = list.sized(2)?;
    let is_one = kind == 0 && list.0.is_empty() && body.len() == name.len() + 5;
    is_one.then(|| String::from_utf8(name.to_vec()).ok())?
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Hello, Reading, read};

    /// A hello with these names and an extension after them.
    pub(crate) fn hello(names: &[&str], extra: Option<u16>) -> Vec<u8> {
        let sized = |bytes: &[u8], width: usize| {
            let length = (bytes.len() as u32).to_be_bytes();
            [&length[4 - width..], bytes].concat()
        };
        let mut extensions = Vec::new();
        if !names.is_empty() {
            let list: Vec<u8> = names
                .iter()
                .flat_map(|name| [vec![0], sized(name.as_bytes(), 2)].concat())
                .collect();
            extensions.extend([0, 0]);
            extensions.extend(sized(&sized(&list, 2), 2));
        }
        if let Some(kind) = extra {
            extensions.extend(kind.to_be_bytes());
            extensions.extend(sized(&[1, 2, 3], 2));
        }
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend(sized(&[9; 32], 1));
        body.extend(sized(&[0x13, 1], 2));
        body.extend(sized(&[0], 1));
        body.extend(sized(&extensions, 2));
        let message = [vec![1], sized(&body, 3)].concat();
        [vec![0x16, 3, 1], sized(&message, 2)].concat()
    }

    fn named(name: &str) -> Reading {
        Reading::Whole(Hello {
            name: Some(name.to_owned()),
            is_encrypted: false,
        })
    }

    #[test]
    fn the_name_is_read_and_every_prefix_asks_for_more() {
        let bytes = hello(&["example.com"], None);
        assert_eq!(read(&bytes), named("example.com"));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Reading::More, "{length}");
        }
    }

    #[test]
    fn a_hello_cut_into_many_records_is_one() {
        let whole = hello(&["example.com"], None);
        let cut: Vec<u8> = whole[5..]
            .chunks(7)
            .flat_map(|part| [&[0x16, 3, 1, 0, part.len() as u8][..], part].concat())
            .collect();
        assert_eq!(read(&cut), named("example.com"));
    }

    #[test]
    fn no_name_two_names_and_an_encrypted_hello_are_told_apart() {
        let none = Hello {
            name: None,
            is_encrypted: false,
        };
        assert_eq!(read(&hello(&[], None)), Reading::Whole(none));
        assert_eq!(read(&hello(&["a.test", "b.test"], None)), Reading::Broken);
        let encrypted = Hello {
            name: Some("a.test".to_owned()),
            is_encrypted: true,
        };
        assert_eq!(
            read(&hello(&["a.test"], Some(0xfe0d))),
            Reading::Whole(encrypted)
        );
        assert_eq!(read(&hello(&["a.test"], Some(0))), Reading::Broken);
    }

    #[test]
    fn what_is_no_hello_is_broken_at_its_first_bytes() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            &[0x15, 3, 3, 0, 2, 2, 40],
            &[0x16, 2, 0],
        ] {
            assert_eq!(read(bytes), Reading::Broken, "{bytes:?}");
        }
        let mut other = hello(&["a.test"], None);
        other[5] = 2; // a ServerHello
        assert_eq!(read(&other), Reading::Broken);
    }
}
