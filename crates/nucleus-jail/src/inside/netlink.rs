//! Netlink messages as bytes: built attribute by attribute, sent at once, every error of the kernel reported.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};

/// `NLM_F_REQUEST`: a request to the kernel.
pub(super) const REQUEST: u16 = 1;
/// `NLM_F_ACK`: answer also when it went well.
pub(super) const ACK: u16 = 4;
/// `NLM_F_CREATE`: make what is not there.
pub(super) const CREATE: u16 = 0x400;
/// `NLM_F_EXCL` for routes: an error where it is there already.
pub(super) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_APPEND`: behind those that are there.
pub(super) const APPEND: u16 = 0x800;

/// `NLA_F_NESTED`.
const NESTED: u16 = 1 << 15;
/// `NLMSG_ERROR`: an answer, also when it is no error.
const ANSWER: u16 = 2;
/// A message's head: length, kind, flags, sequence, port.
const HEAD_BYTES: usize = 16;

/// Messages in one buffer.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    messages: u32,
    answers: usize,
}

impl Batch {
    /// Appends one message; `fill` writes what follows its head.
    pub(super) fn message(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Body)) {
        let mut body = Body::default();
        fill(&mut body);
        let length = u32::try_from(HEAD_BYTES + body.0.len()).unwrap_or(u32::MAX);
        self.messages += 1;
        self.answers += usize::from(flags & ACK != 0);
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((flags | REQUEST).to_ne_bytes());
        self.bytes.extend(self.messages.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(body.0);
        pad(&mut self.bytes);
    }

    /// Sends all and waits for the answers to those that ask for one; no protocol means routes.
    ///
    /// # Errors
    /// The first error that the kernel answers; then it has done nothing of a transaction.
    pub(super) fn send(&self, protocol: Option<rustix::net::Protocol>) -> io::Result<()> {
        let socket = open(protocol)?;
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&socket, &self.bytes, SendFlags::empty(), &kernel)?;
        let mut left = self.answers;
        let mut buffer = vec![0; 32 << 10];
        while left > 0 {
            let (got, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
            let answered = answers(&buffer[..got])?;
            if answered == 0 {
                return Err(io::Error::other("the kernel gave no answer"));
            }
            left = left.saturating_sub(answered);
        }
        Ok(())
    }
}

fn open(protocol: Option<rustix::net::Protocol>) -> io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        protocol,
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    Ok(socket)
}

/// How many answers the bytes hold; an error if one of them is.
fn answers(mut bytes: &[u8]) -> io::Result<usize> {
    let mut count = 0;
    while let Some(head) = bytes.first_chunk::<HEAD_BYTES>() {
        let [a, b, c, d, kind_low, kind_high, ..] = *head;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        if length < HEAD_BYTES || length > bytes.len() {
            break;
        }
        if u16::from_ne_bytes([kind_low, kind_high]) == ANSWER {
            let code = bytes[HEAD_BYTES..length].first_chunk::<4>();
            match code.map(|code| i32::from_ne_bytes(*code)) {
                Some(0) => count += 1,
                Some(code) => return Err(io::Error::from_raw_os_error(-code)),
                None => break,
            }
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(count)
}

/// What follows a message's head, or an attribute's.
#[derive(Default)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    /// Plain bytes: the family's own head.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// An attribute of these bytes.
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        pad(&mut self.0);
    }

    /// A text, with the zero that ends it.
    pub(super) fn text(&mut self, kind: u16, text: &str) {
        self.bytes(kind, &[text.as_bytes(), &[0]].concat());
    }

    /// A number as netfilter has them: big end first.
    pub(super) fn number(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An attribute made of attributes.
    pub(super) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(kind | NESTED, &inner.0);
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::{Batch, Body, answers};

    #[test]
    fn attributes_are_padded_to_four_bytes_and_not_counted_so() {
        let mut body = Body::default();
        body.bytes(7, b"abc");
        assert_eq!(body.0, [7, 0, 7, 0, b'a', b'b', b'c', 0]);
    }

    #[test]
    fn an_error_in_an_answer_is_the_error() {
        let mut batch = Batch::default();
        batch.message(2, 0, |body| body.raw(&(-13i32).to_ne_bytes()));
        let denied = answers(&batch.bytes).unwrap_err();
        assert_eq!(denied.raw_os_error(), Some(13));
        let mut fine = Batch::default();
        fine.message(2, 0, |body| body.raw(&0i32.to_ne_bytes()));
        assert_eq!(answers(&fine.bytes).unwrap(), 1);
    }
}
