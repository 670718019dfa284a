//! The words spoken between caller, helper and first process.

use crate::Exit;

/// First byte of a message to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    /// The helper serves: Landlock ABI, cgroup text.
    Hello = 1,
    /// The first process exists: its number, with a pidfd.
    Cloned = 2,
    /// The program runs: ports, terminal, directory of changes.
    Running = 3,
    /// A step failed.
    Failed = 4,
    /// The command has ended.
    Exit = 5,
    /// Every process is stopped.
    Frozen = 6,
    /// Every process runs again.
    Thawed = 7,
}

impl Tag {
    /// The tag of a message and the rest of it.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        const ALL: [Tag; 7] = [
            Tag::Hello,
            Tag::Cloned,
            Tag::Running,
            Tag::Failed,
            Tag::Exit,
            Tag::Frozen,
            Tag::Thawed,
        ];
        let (&first, rest) = bytes.split_first()?;
        ALL.into_iter()
            .find(|tag| *tag as u8 == first)
            .map(|tag| (tag, rest))
    }
}

/// Helper to first process: the maps are written.
pub(crate) const MAPPED: u8 = 1;
/// Caller to first process.
pub(crate) const FREEZE: u8 = 2;
/// Caller to first process.
pub(crate) const THAW: u8 = 3;

/// Head of the helper's message to the first process; the request's bytes follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) has_trees: bool,
    pub(crate) watches_memory: bool,
    /// Descriptors that are standard streams: 0 or 3.
    pub(crate) streams: u8,
}

impl Started {
    pub(crate) fn encode(self, request: &[u8]) -> Vec<u8> {
        let mut bytes = vec![
            u8::from(self.has_trees),
            u8::from(self.watches_memory),
            self.streams,
        ];
        bytes.extend(request);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[trees, watches, streams], request) = bytes.split_first_chunk::<3>()?;
        Some((
            Self {
                has_trees: trees == 1,
                watches_memory: watches == 1,
                streams,
            },
            request,
        ))
    }
}

/// The end a [`Tag::Exit`] message tells.
pub(crate) fn decode_exit(rest: &[u8]) -> Option<Exit> {
    match rest {
        [0, code] => Some(Exit::Code(*code)),
        [1, signal] => Some(Exit::Signal(*signal)),
        [2, _] => Some(Exit::Killed),
        [3, _] => Some(Exit::MemoryLimit),
        _ => None,
    }
}
