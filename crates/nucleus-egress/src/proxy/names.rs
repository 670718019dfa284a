//! Gives names addresses that mean nothing outside: a look-up reaches no resolver, and the host alone knows what an address stands for.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use portcullis::host::HostName;

/// The most names of a session. The range holds 131,072; an honest session looks up some hundred.
const MAX_NAMES: usize = 16_384;
/// `198.18.1.0`: within the range that is set aside for benchmarks of devices.
const FIRST: u32 = 0xc612_0100;
/// How long an answer counts, in seconds.
const TTL: u32 = 60;

/// The names of one session, each with its address.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_name: HashMap<HostName, u32>,
    names: Vec<HostName>,
}

impl Names {
    /// The address that stands for the name.
    ///
    /// FAIL-CLOSED: `None` when no more names can be kept.
    pub(super) fn address(&self, name: &HostName) -> Option<Ipv4Addr> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known.by_name.get(name) {
            return Some(Ipv4Addr::from(FIRST + index));
        }
        if known.names.len() >= MAX_NAMES {
            return None;
        }
        let index = u32::try_from(known.names.len()).ok()?;
        known.names.push(name.clone());
        known.by_name.insert(name.clone(), index);
        Some(Ipv4Addr::from(FIRST + index))
    }

    /// Whether the address is of the range that stands for names.
    pub(super) fn is_synthetic(address: Ipv4Addr) -> bool {
        matches!(address.octets(), [198, 18..=19, ..])
    }

    /// The name that an address stands for; none where it was never handed out.
    pub(super) fn name(&self, address: Ipv4Addr) -> Option<HostName> {
        let index = usize::try_from(u32::from(address).checked_sub(FIRST)?).ok()?;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.names.get(index).cloned()
    }

    /// The answer to a query; none to what is no query.
    pub(super) fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let question = Question::read(query)?;
        let address = match (question.kind, HostName::parse(&question.name)) {
            (Kind::Address, Ok(name)) => match self.address(&name) {
                Some(address) => Found::Address(address),
                None => Found::Failed,
            },
            // No address but IPv4, no keys for encrypted hellos, no hint of another transport.
            (Kind::Other, Ok(_)) => Found::Nothing,
            (_, Err(_)) => Found::Refused,
        };
        Some(reply(query, &question, &address))
    }
}

/// What there is to answer.
enum Found {
    Address(Ipv4Addr),
    Nothing,
    Failed,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Other,
}

/// The one question of a query.
struct Question {
    name: String,
    kind: Kind,
    /// Where it ends in the query.
    end: usize,
}

impl Question {
    fn read(query: &[u8]) -> Option<Self> {
        let head = query.first_chunk::<12>()?;
        let is_query = head[2] & 0xf8 == 0; // no answer, opcode 0
        let questions = u16::from_be_bytes([head[4], head[5]]);
        if !is_query || questions != 1 {
            return None;
        }
        let mut labels = Vec::new();
        let mut at = 12;
        loop {
            let length = usize::from(*query.get(at)?);
            at += 1;
            match length {
                0 => break,
                1..=63 => labels.push(query.get(at..at + length)?),
                _ => return None,
            }
            at += length;
        }
        let tail = query.get(at..at + 4)?;
        // A dot or zero within a label would be another name to whoever reads it as text.
        let is_plain = labels
            .iter()
            .all(|label| label.iter().all(|b| b.is_ascii_graphic() && *b != b'.'));
        let text: Vec<_> = labels
            .iter()
            .map(|label| String::from_utf8_lossy(label).into_owned())
            .collect();
        let is_address = tail == [0, 1, 0, 1];
        Some(Self {
            name: if is_plain {
                text.join(".")
            } else {
                String::new()
            },
            kind: if is_address {
                Kind::Address
            } else {
                Kind::Other
            },
            end: at + 4,
        })
    }
}

/// The query's head and question with what was found.
fn reply(query: &[u8], question: &Question, found: &Found) -> Vec<u8> {
    let code = match found {
        Found::Address(_) | Found::Nothing => 0,
        Found::Failed => 2,
        Found::Refused => 5,
    };
    let answers = u8::from(matches!(found, Found::Address(_)));
    let mut bytes = query[..2].to_vec();
    bytes.extend([0x80 | (query[2] & 1), 0x80 | code]);
    bytes.extend([0, 1, 0, answers, 0, 0, 0, 0]);
    bytes.extend(&query[12..question.end]);
    if let Found::Address(address) = found {
        bytes.extend([0xc0, 12, 0, 1, 0, 1]);
        bytes.extend(TTL.to_be_bytes());
        bytes.extend([0, 4]);
        bytes.extend(address.octets());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAMES, Names};
    use portcullis::host::HostName;
    use std::net::Ipv4Addr;

    fn query(labels: &[&[u8]], kind: u8) -> Vec<u8> {
        let mut bytes = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in labels {
            bytes.push(label.len() as u8);
            bytes.extend(*label);
        }
        bytes.extend([0, 0, kind, 0, 1]);
        bytes
    }

    fn code(answer: &[u8]) -> u8 {
        answer[3] & 15
    }

    #[test]
    fn a_name_keeps_its_address_and_the_address_its_name() {
        let names = Names::default();
        let answer = names.answer(&query(&[b"Example", b"com"], 1)).unwrap();
        assert_eq!((code(&answer), answer[7]), (0, 1));
        assert_eq!(answer[answer.len() - 4..], [198, 18, 1, 0]);
        let name = HostName::parse("example.com").unwrap();
        assert_eq!(names.name(Ipv4Addr::new(198, 18, 1, 0)), Some(name.clone()));
        assert_eq!(names.address(&name), Some(Ipv4Addr::new(198, 18, 1, 0)));
        assert_eq!(names.name(Ipv4Addr::new(198, 18, 1, 1)), None);
        assert_eq!(names.name(Ipv4Addr::new(198, 18, 0, 255)), None);
    }

    #[test]
    fn other_kinds_have_no_answer_and_odd_names_are_refused() {
        let names = Names::default();
        for kind in [28, 65, 64, 16, 255] {
            let answer = names.answer(&query(&[b"example", b"com"], kind)).unwrap();
            assert_eq!((code(&answer), answer[7]), (0, 0), "{kind}");
        }
        for labels in [
            &[&b"a.b"[..], b"com"][..],
            &[b"a\0b", b"com"],
            &[b"127"],
            &[b"-a"],
        ] {
            assert_eq!(code(&names.answer(&query(labels, 1)).unwrap()), 5);
        }
    }

    #[test]
    fn what_is_no_query_is_not_answered() {
        let names = Names::default();
        let good = query(&[b"example", b"com"], 1);
        for length in 0..good.len() {
            assert!(names.answer(&good[..length]).is_none(), "{length}");
        }
        let mut answer = good.clone();
        answer[2] |= 0x80;
        assert!(names.answer(&answer).is_none());
        let mut pointer = good;
        pointer[12] = 0xc0;
        assert!(names.answer(&pointer).is_none());
    }

    #[test]
    fn the_names_of_a_session_are_bounded() {
        let names = Names::default();
        for n in 0..MAX_NAMES {
            let name = HostName::parse(&format!("n{n}.test")).unwrap();
            assert!(names.address(&name).is_some());
        }
        let answer = names.answer(&query(&[b"more", b"test"], 1)).unwrap();
        assert_eq!(code(&answer), 2);
    }
}
