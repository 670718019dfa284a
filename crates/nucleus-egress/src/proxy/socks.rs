//! SOCKS5 (RFC 1928) without authentication: CONNECT alone, names as names.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use portcullis::host::Host;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::listen::Site;
use super::live::Alive;
use super::refusal::Refusal;
use super::target::Target;
use super::tunnel;

/// The most time until the request is whole.
const HEAD: Duration = Duration::from_secs(30);

const DONE: u8 = 0;
const NOT_ALLOWED: u8 = 2;
const UNREACHABLE: u8 = 4;
const COMMAND_UNKNOWN: u8 = 7;
const ADDRESS_UNKNOWN: u8 = 8;

/// Serves one connection whose first bytes were read.
pub(super) async fn serve(site: &Site, alive: &Alive, mut stream: TcpStream, first: Vec<u8>) {
    let mut reader = Reader {
        stream: &mut stream,
        bytes: first,
        at: 0,
    };
    let asked = tokio::time::timeout(HEAD, handshake(&mut reader)).await;
    let (rest, asked) = (reader.bytes.split_off(reader.at), asked);
    let target = match asked {
        Ok(Ok(target)) => target,
        Ok(Err(Some(code))) => {
            let _gone = stream.write_all(&reply(code)).await;
            return;
        }
        Ok(Err(None)) | Err(_) => return,
    };
    match tunnel::open(site, alive, target).await {
        Ok(opened) => {
            if stream.write_all(&reply(DONE)).await.is_ok() {
                tunnel::enter(site, alive, opened.incoming(stream, rest)).await;
            }
        }
        Err(refusal) => {
            alive.life.refused(&refusal);
            let _gone = stream.write_all(&reply(code_of(&refusal))).await;
        }
    }
}

fn code_of(refusal: &Refusal) -> u8 {
    if refusal.is_refusal() {
        NOT_ALLOWED
    } else {
        UNREACHABLE
    }
}

fn reply(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// Takes bytes off the connection, those read already first.
struct Reader<'a> {
    stream: &'a mut TcpStream,
    bytes: Vec<u8>,
    at: usize,
}

impl Reader<'_> {
    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.bytes.len() < self.at + length {
            if self.stream.read_buf(&mut self.bytes).await.ok()? == 0 {
                return None;
            }
        }
        let taken = self.bytes[self.at..self.at + length].to_vec();
        self.at += length;
        Some(taken)
    }

    async fn byte(&mut self) -> Option<u8> {
        self.take(1).await?.first().copied()
    }
}

/// What is asked for; an error is the code to answer with, if any.
async fn handshake(reader: &mut Reader<'_>) -> Result<Target, Option<u8>> {
    let head = reader.take(2).await.ok_or(None)?;
    let methods = reader.take(usize::from(head[1])).await.ok_or(None)?;
    if !methods.contains(&0) {
        let _gone = reader.stream.write_all(&[5, 0xff]).await;
        return Err(None);
    }
    reader.stream.write_all(&[5, 0]).await.map_err(|_| None)?;
    let request = reader.take(4).await.ok_or(None)?;
    let host = match request[3] {
        1 => {
            let octets = reader.take(4).await.ok_or(None)?;
            let octets: [u8; 4] = octets.try_into().map_err(|_| None)?;
            Ok(Host::Address(Ipv4Addr::from(octets).into()))
        }
        4 => {
            let octets = reader.take(16).await.ok_or(None)?;
            let octets: [u8; 16] = octets.try_into().map_err(|_| None)?;
            Ok(Host::Address(Ipv6Addr::from(octets).into()))
        }
        3 => {
            let length = reader.byte().await.ok_or(None)?;
            let name = reader.take(usize::from(length)).await.ok_or(None)?;
            let name = String::from_utf8(name).unwrap_or_default();
            Host::parse(&name).map_err(|_| Some(ADDRESS_UNKNOWN))
        }
        _ => return Err(Some(ADDRESS_UNKNOWN)),
    };
    let port = reader.take(2).await.ok_or(None)?;
    match (request[0], request[1]) {
        (5, 1) => Ok(Target {
            host: host?,
            port: u16::from_be_bytes([port[0], port[1]]),
        }),
        _ => Err(Some(COMMAND_UNKNOWN)),
    }
}
