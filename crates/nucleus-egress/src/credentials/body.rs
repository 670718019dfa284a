//! Looks for placeholders in the bodies of requests, also compressed and cut into pieces.

use std::io::{self, Write};

use hyper::header::{CONTENT_ENCODING, HeaderMap};

use super::Credentials;

/// The most bytes of a decompressed body that are read.
const MAX_DECODED_BYTES: u64 = 256 << 20;
/// The most bytes that are read for each byte that came: texts are seldom compressed so well.
const MAX_RATIO: u64 = 32;
/// So many are read of any body.
const MIN_DECODED_BYTES: u64 = 4 << 20;

/// Finds placeholders in a body as it passes.
pub(crate) struct Scan {
    reading: Reading,
    /// Whether a body that cannot be read may not be sent.
    pub(crate) is_strict: bool,
}

enum Reading {
    Plain(Finder),
    Gzip(Box<flate2::write::MultiGzDecoder<Finder>>),
    Deflate(Box<flate2::write::ZlibDecoder<Finder>>),
    /// In an encoding that is not read, or not as it says.
    Blind,
}

/// Finds placeholders in a text as it grows.
struct Finder {
    credentials: Credentials,
    /// The end of what came before: the beginning of a placeholder, perhaps.
    tail: Vec<u8>,
    is_decoded: bool,
    /// How many bytes of the body came, as encoded.
    came_bytes: u64,
    seen_bytes: u64,
    found: Option<usize>,
}

impl Scan {
    /// For a body with these headers; `None` where its encoding is not read here.
    pub(crate) fn of(
        credentials: &Credentials,
        headers: &HeaderMap,
        is_strict: bool,
    ) -> Option<Self> {
        let mut named = headers.get_all(CONTENT_ENCODING).iter();
        let encoding = named
            .next()
            .map(|value| value.as_bytes().to_ascii_lowercase());
        if named.next().is_some() {
            return None;
        }
        let is_plain = matches!(encoding.as_deref(), None | Some(b"" | b"identity"));
        let finder = Finder {
            credentials: credentials.clone(),
            tail: Vec::new(),
            is_decoded: !is_plain,
            came_bytes: 0,
            seen_bytes: 0,
            found: None,
        };
        let reading = match encoding.as_deref() {
            _ if is_plain => Reading::Plain(finder),
            Some(b"gzip" | b"x-gzip") => {
                Reading::Gzip(Box::new(flate2::write::MultiGzDecoder::new(finder)))
            }
            Some(b"deflate") => Reading::Deflate(Box::new(flate2::write::ZlibDecoder::new(finder))),
            _ => return None,
        };
        Some(Self { reading, is_strict })
    }

    /// The number of the secret whose placeholder stands in these bytes and those before them.
    ///
    /// # Errors
    /// When the body is not encoded as it says, or grows beyond measure as it is decoded; nothing more is found in it then.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let read = match &mut self.reading {
            Reading::Plain(finder) => finder.write_all(bytes).map(|()| finder.found),
            Reading::Gzip(decoder) => {
                decoder.get_mut().came_bytes += bytes.len() as u64;
                let read = decoder.write_all(bytes).and_then(|()| decoder.flush());
                read.map(|()| decoder.get_ref().found)
            }
            Reading::Deflate(decoder) => {
                decoder.get_mut().came_bytes += bytes.len() as u64;
                let read = decoder.write_all(bytes).and_then(|()| decoder.flush());
                read.map(|()| decoder.get_ref().found)
            }
            Reading::Blind => return Ok(None),
        };
        read.inspect_err(|_| self.reading = Reading::Blind)
    }

    /// Whether what came is a whole body.
    ///
    /// # Errors
    /// When it ends before its encoding does.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        match &mut self.reading {
            Reading::Gzip(decoder) => decoder.try_finish(),
            Reading::Deflate(decoder) => decoder.try_finish(),
            Reading::Plain(_) | Reading::Blind => Ok(()),
        }
    }
}

impl Write for Finder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen_bytes += bytes.len() as u64;
        let most = MAX_RATIO.saturating_mul(self.came_bytes);
        let most = most.clamp(MIN_DECODED_BYTES, MAX_DECODED_BYTES);
        if self.is_decoded && self.seen_bytes > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.tail.extend_from_slice(bytes);
        let held = self.credentials.all();
        let found = held.iter().position(|own| own.traces.are_in(&self.tail));
        self.found = self.found.or(found);
        let begun = held.iter().map(|own| own.traces.begun_at_end(&self.tail));
        let kept = self.tail.len() - begun.max().unwrap_or(0);
        self.tail.drain(..kept);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

    use super::super::Credentials;
    use super::{MIN_DECODED_BYTES, Scan};

    /// Whether a body of these bytes, compressed, is read to its end.
    fn is_read(plain: &[u8]) -> bool {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        let body = encoder.finish().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let mut scan = Scan::of(&Credentials::default(), &headers, true).unwrap();
        scan.feed(&body).is_ok() && scan.end().is_ok()
    }

    #[test]
    fn a_body_that_grows_beyond_measure_is_not_decoded_to_its_end() {
        let most = usize::try_from(MIN_DECODED_BYTES).unwrap();
        assert!(!is_read(&vec![b' '; 3 * most]));
        assert!(is_read(&vec![b' '; most]), "a small one may be all blanks");
        let text: String = (0..most / 3).map(|at| format!("{{\"at\":{at}}}")).collect();
        assert!(text.len() > most && is_read(text.as_bytes()));
    }
}
