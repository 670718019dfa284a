//! Hashes an artifact as it passes and withholds its end until the hash is that of a locked one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use sha2::{Digest as _, Sha256, Sha512};

use super::text::{SNIFFED_BYTES, Text, is_artifact_path};
use super::{Artifacts, Digest};
use crate::proxy::{BodyError, Content};

/// How much of the end is withheld: a smaller artifact arrives whole or not at all.
const WITHHELD_BYTES: usize = 64 << 10;
/// The most of an answer that reports an error.
const MAX_ERROR_BYTES: u64 = 1 << 20;

/// What a body may be.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    artifacts: Arc<Artifacts>,
    is_artifact: bool,
    is_success: bool,
}

impl Expected {
    pub(crate) fn new(artifacts: Arc<Artifacts>, path: &str, status: u16) -> Self {
        Self {
            artifacts,
            is_artifact: is_artifact_path(path),
            is_success: (200..300).contains(&status),
        }
    }
}

/// Why a body was cut.
pub(crate) type OnCut = Box<dyn Fn(&str) + Send + Sync>;

/// A body that is held to the lockfiles.
pub(crate) struct Held {
    body: Content,
    expected: Expected,
    kind: Kind,
    withheld: VecDeque<Bytes>,
    withheld_bytes: usize,
    seen_bytes: u64,
    is_over: bool,
    /// What was found when it was waited for.
    begun: Option<Bytes>,
    on_cut: OnCut,
}

enum Kind {
    /// Not told yet: what came so far is withheld.
    Unknown,
    Text(Text),
    /// Judged: what is withheld may be handed on.
    Passed,
    Artifact(Box<(Sha256, Sha512)>),
}

impl Held {
    pub(crate) fn new(body: Content, expected: Expected, on_cut: OnCut) -> Self {
        let kind = if expected.is_artifact && expected.is_success {
            Kind::Artifact(Box::default())
        } else {
            Kind::Unknown
        };
        Self {
            body,
            expected,
            kind,
            withheld: VecDeque::new(),
            withheld_bytes: 0,
            seen_bytes: 0,
            is_over: false,
            begun: None,
            on_cut,
        }
    }

    /// Waits until some of it may be handed on, or nothing is to come: what is refused by then never has begun.
    ///
    /// # Errors
    /// Why none of it may be handed on; [`is_refusal`] tells that from a connection that broke.
    pub(crate) async fn begin(mut self) -> Result<Self, BodyError> {
        let first = self.frame().await.transpose()?;
        self.begun = first.and_then(|frame| frame.into_data().ok());
        Ok(self)
    }

    /// Takes in what came, and says why it may not go on.
    fn take(&mut self, data: Bytes) -> Result<(), &'static str> {
        self.seen_bytes += data.len() as u64;
        if !self.expected.is_success && self.seen_bytes > MAX_ERROR_BYTES {
            return Err("an error of a registry is longer than errors are");
        }
        match &mut self.kind {
            Kind::Artifact(hashes) => hashed(hashes, &data),
            Kind::Text(text) => {
                if !text.goes_on(&data) {
                    return Err("an answer of a registry turned from text into something else");
                }
            }
            Kind::Passed | Kind::Unknown => {}
        }
        self.withheld_bytes += data.len();
        self.withheld.push_back(data);
        if matches!(self.kind, Kind::Unknown) && self.withheld_bytes >= SNIFFED_BYTES {
            self.tell()?;
        }
        Ok(())
    }

    /// Tells what the body is by its beginning.
    fn tell(&mut self) -> Result<(), &'static str> {
        let start: Vec<u8> = self.withheld.iter().flatten().copied().collect();
        if !self.expected.is_success {
            let text = Text::of(&start).ok_or("an error of a registry is no text")?;
            self.kind = Kind::Text(text);
        } else if let Some(text) = Text::of_description(&start) {
            self.kind = Kind::Text(text);
        } else {
            let mut hashes = Box::default();
            hashed(&mut hashes, &start);
            self.kind = Kind::Artifact(hashes);
        }
        Ok(())
    }

    /// The next bytes that may be handed on before the end is known.
    fn next(&mut self) -> Option<Bytes> {
        let kept = match self.kind {
            Kind::Unknown => return None,
            Kind::Text(_) | Kind::Passed => 0,
            Kind::Artifact(_) => WITHHELD_BYTES,
        };
        let first = self.withheld.front()?;
        let spare = self.withheld_bytes.saturating_sub(kept).min(first.len());
        if spare == 0 {
            return None;
        }
        let mut first = self.withheld.pop_front()?;
        let handed = first.split_to(spare);
        if !first.is_empty() {
            self.withheld.push_front(first);
        }
        self.withheld_bytes -= spare;
        Some(handed)
    }

    /// Judges the whole; what was withheld may be handed on after it.
    fn finish(&mut self) -> Result<(), &'static str> {
        if matches!(self.kind, Kind::Unknown) {
            self.tell()?;
        }
        if let Kind::Artifact(hashes) = std::mem::replace(&mut self.kind, Kind::Passed) {
            let (short, long) = *hashes;
            let artifacts = &self.expected.artifacts;
            let is_locked = artifacts.holds(&Digest::Sha256(short.finalize().into()))
                || artifacts.holds(&Digest::Sha512(long.finalize().into()));
            if !is_locked {
                return Err("the artifact has the hash of none in the lockfiles of the workspace");
            }
        }
        Ok(())
    }
}

/// Whether the error says what a body may not be.
pub(crate) fn is_refusal(error: &BodyError) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
}

fn hashed(hashes: &mut (Sha256, Sha512), bytes: &[u8]) {
    hashes.0.update(bytes);
    hashes.1.update(bytes);
}

impl Body for Held {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            if let Some(bytes) = this.begun.take().or_else(|| this.next()) {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let step = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(frame) => match frame?.into_data() {
                    Ok(data) => this.take(data),
                    // Trailers of a registry say nothing that a package manager reads.
                    Err(_) => Ok(()),
                },
                None => {
                    this.is_over = true;
                    this.finish()
                }
            };
            if let Err(why) = step {
                this.is_over = true;
                this.withheld.clear();
                this.withheld_bytes = 0;
                (this.on_cut)(why);
                let cut = std::io::Error::new(std::io::ErrorKind::InvalidData, why);
                return Poll::Ready(Some(Err(cut.into())));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, StreamBody};
    use hyper::body::Frame;
    use sha2::{Digest as _, Sha256};

    use super::super::{Artifacts, Digest};
    use super::{Expected, Held, WITHHELD_BYTES};

    fn locked(bytes: &[u8]) -> Arc<Artifacts> {
        let mut artifacts = Artifacts::default();
        artifacts
            .digests
            .insert(Digest::Sha256(Sha256::digest(bytes).into()));
        Arc::new(artifacts)
    }

    /// What arrives of a body that comes in chunks of this size, and why it was cut.
    fn arrives(bytes: &[u8], step: usize, expected: Expected) -> (Vec<u8>, Option<String>) {
        let frames: Vec<_> = bytes
            .chunks(step)
            .map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        let body = http_body_util::BodyExt::boxed(StreamBody::new(futures::stream::iter(frames)));
        let said = Arc::new(Mutex::new(None));
        let heard = Arc::clone(&said);
        let on_cut = Box::new(move |why: &str| *heard.lock().unwrap() = Some(why.to_owned()));
        let mut held = Held::new(body, expected, on_cut);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut got = Vec::new();
        while let Some(Ok(frame)) = runtime.block_on(held.frame()) {
            got.extend_from_slice(frame.data_ref().unwrap());
        }
        let why = said.lock().unwrap().clone();
        (got, why)
    }

    #[test]
    fn a_locked_artifact_arrives_and_another_never_does_whole() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        let mut other = bytes.clone();
        other[0] ^= 1;
        for step in [1000, 65_536, 200_000] {
            let at = |artifacts| Expected::new(artifacts, "/a-1.tgz", 200);
            let (got, why) = arrives(&bytes, step, at(locked(&bytes)));
            assert!(got == bytes && why.is_none(), "{step}: {why:?}");
            let (got, why) = arrives(&bytes, step, at(locked(&other)));
            assert!(got.len() <= bytes.len() - WITHHELD_BYTES, "{step}");
            assert!(why.unwrap().contains("none in the lockfiles"));
        }
        let small = &bytes[..1000];
        let (got, why) = arrives(small, 100, Expected::new(locked(&bytes), "/a.whl", 200));
        assert!(got.is_empty() && why.is_some());
    }

    #[test]
    fn an_archive_of_letters_behind_a_description_is_cut() {
        let mut header = [b' '; 512];
        header[..7].copy_from_slice(b"package");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let mut archive = format!("{{\"_id\":\"{:504}", "a").into_bytes();
        archive.extend(header);
        let plain = archive.clone();
        archive[512 + 148..512 + 156].copy_from_slice(format!("{sum:07o} ").as_bytes());
        for status in [200, 404] {
            for step in [100, 512, 4096] {
                let at = |bytes: &[u8]| {
                    let expected = Expected::new(locked(b"other"), "/harmless", status);
                    arrives(bytes, step, expected)
                };
                let (got, why) = at(&archive);
                assert!(got.len() <= 1024 - 24 && why.is_some(), "{status} {step}");
                let (got, why) = at(&plain);
                assert!(got == plain && why.is_none(), "{status} {step}: {why:?}");
            }
        }
    }

    #[test]
    fn an_artifact_is_told_by_its_bytes_where_its_path_says_nothing() {
        let archive = [b"\x1f\x8b\x08\0".as_slice(), &[7; 3000]].concat();
        let at = |artifacts, status| Expected::new(artifacts, "/harmless", status);
        let (got, why) = arrives(&archive, 100, at(locked(b"other"), 200));
        assert!(got.is_empty() && why.is_some());
        let (got, why) = arrives(&archive, 100, at(locked(&archive), 200));
        assert!(got == archive && why.is_none());
        let index = format!("{{\"versions\": \"{}\"}}", "x".repeat(3000));
        let (got, why) = arrives(index.as_bytes(), 100, at(locked(b"other"), 200));
        assert!(got == index.as_bytes() && why.is_none());
        let mut turned = index.clone().into_bytes();
        turned.extend(b"\0\x1f\x8b");
        assert!(arrives(&turned, 100, at(locked(b"other"), 200)).1.is_some());
        let (got, why) = arrives(b"not found", 100, at(locked(b"other"), 404));
        assert!(got == b"not found" && why.is_none());
        assert!(
            arrives(&archive, 100, at(locked(b"other"), 404))
                .1
                .is_some()
        );
        assert!(
            arrives(b"not found", 100, at(locked(b"other"), 200))
                .1
                .is_some()
        );
    }
}
