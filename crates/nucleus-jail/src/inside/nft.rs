//! The rules of a jail's network namespace: every connection and look-up comes to sockets of ours, all other datagrams are refused.
//!
//! ```text
//! table inet nucleus {
//!   chain out    { type nat hook output priority -100;
//!     udp dport 53 redirect to :53;  tcp dport 53 redirect to :53;
//!     ip daddr 127.0.0.0/8 accept;   ip6 daddr ::1 accept;      # the jail's own servers
//!     meta l4proto tcp redirect to :REDIRECT_PORT; }
//!   chain filter { type filter hook output priority 0;
//!     ct direction reply accept;                                 # answers of the name server
//!     ip daddr 127.0.0.0/8 accept;   ip6 daddr ::1 accept;
//!     meta l4proto udp drop; }                                   # the sender sees EPERM at once
//! }
//! ```

use std::io;

use super::netlink::{ACK, APPEND, Batch, Body, CREATE};

/// `NFNL_SUBSYS_NFTABLES`, in the upper byte of a message's kind.
const NFTABLES: u16 = 10 << 8;
/// `NFPROTO_INET`.
const INET: u8 = 1;
const TABLE: &str = "nucleus";

const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const NEW_TABLE: u16 = NFTABLES;
const NEW_CHAIN: u16 = NFTABLES | 3;
const NEW_RULE: u16 = NFTABLES | 6;

/// `NF_INET_LOCAL_OUT`.
const OUTPUT: u32 = 3;
/// `NF_ACCEPT` and `NF_DROP`.
const ACCEPT: u32 = 1;
const DROP: u32 = 0;
/// `NFT_REG_VERDICT` and `NFT_REG_1`.
const VERDICT: u32 = 0;
const REGISTER: u32 = 1;

const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV4: u8 = 2;
const IPV6: u8 = 10;

/// Loads the rules, all or none.
pub(super) fn load(redirect_port: u16, names_port: u16) -> io::Result<()> {
    rules(redirect_port, names_port).send(Some(rustix::net::netlink::NETFILTER))
}

fn rules(redirect_port: u16, names_port: u16) -> Batch {
    let mut batch = Batch::default();
    batch.message(BATCH_BEGIN, 0, |body| family(body, 0, 10));
    batch.message(NEW_TABLE, CREATE | ACK, |body| {
        family(body, INET, 0);
        body.text(1, TABLE);
        body.number(2, 0);
    });
    chain(&mut batch, "out", "nat", -100);
    chain(&mut batch, "filter", "filter", 0);
    for protocol in [UDP, TCP] {
        rule(&mut batch, "out", &|rule| {
            l4proto(rule, protocol);
            destination_port(rule, names_port);
            redirect(rule, names_port);
        });
    }
    loopback(&mut batch, "out");
    rule(&mut batch, "out", &|rule| {
        l4proto(rule, TCP);
        redirect(rule, redirect_port);
    });
    rule(&mut batch, "filter", &|rule| {
        reply(rule);
        verdict(rule, ACCEPT);
    });
    loopback(&mut batch, "filter");
    rule(&mut batch, "filter", &|rule| {
        l4proto(rule, UDP);
        verdict(rule, DROP);
    });
    batch.message(BATCH_END, 0, |body| family(body, 0, 10));
    batch
}

/// `struct nfgenmsg`.
fn family(body: &mut Body, family: u8, resource: u16) {
    let [high, low] = resource.to_be_bytes();
    body.raw(&[family, 0, high, low]);
}

fn chain(batch: &mut Batch, name: &str, kind: &str, priority: i32) {
    batch.message(NEW_CHAIN, CREATE | ACK, |body| {
        family(body, INET, 0);
        body.text(1, TABLE);
        body.text(3, name);
        body.nest(4, |hook| {
            hook.number(1, OUTPUT);
            hook.bytes(2, &priority.to_be_bytes());
        });
        body.number(5, ACCEPT);
        body.text(7, kind);
    });
}

fn rule(batch: &mut Batch, chain: &str, fill: &dyn Fn(&mut Body)) {
    batch.message(NEW_RULE, CREATE | APPEND | ACK, |body| {
        family(body, INET, 0);
        body.text(1, TABLE);
        body.text(2, chain);
        body.nest(4, fill);
    });
}

/// Lets through what stays in the jail.
fn loopback(batch: &mut Batch, chain: &str) {
    rule(batch, chain, &|rule| {
        protocol_family(rule, IPV4);
        destination(rule, 16, &[127]);
        verdict(rule, ACCEPT);
    });
    rule(batch, chain, &|rule| {
        protocol_family(rule, IPV6);
        destination(rule, 24, &std::net::Ipv6Addr::LOCALHOST.octets());
        verdict(rule, ACCEPT);
    });
}

/// One expression of a rule.
fn expression(rule: &mut Body, name: &str, fill: impl FnOnce(&mut Body)) {
    rule.nest(1, |element| {
        element.text(1, name);
        element.nest(2, fill);
    });
}

fn compare(rule: &mut Body, value: &[u8]) {
    expression(rule, "cmp", |data| {
        data.number(1, REGISTER);
        data.number(2, 0); // equal
        data.nest(3, |constant| constant.bytes(1, value));
    });
}

fn meta(rule: &mut Body, key: u32) {
    expression(rule, "meta", |data| {
        data.number(1, REGISTER);
        data.number(2, key);
    });
}

/// `meta nfproto`: IPv4 or IPv6.
fn protocol_family(rule: &mut Body, value: u8) {
    meta(rule, 15);
    compare(rule, &[value]);
}

/// `meta l4proto`.
fn l4proto(rule: &mut Body, value: u8) {
    meta(rule, 16);
    compare(rule, &[value]);
}

fn payload(rule: &mut Body, base: u32, offset: u32, length: usize) {
    expression(rule, "payload", |data| {
        data.number(1, REGISTER);
        data.number(2, base);
        data.number(3, offset);
        data.number(4, u32::try_from(length).unwrap_or(0));
    });
}

/// The first bytes of the destination address, which stands at `offset` of the network header.
fn destination(rule: &mut Body, offset: u32, bytes: &[u8]) {
    payload(rule, 1, offset, bytes.len());
    compare(rule, bytes);
}

fn destination_port(rule: &mut Body, port: u16) {
    payload(rule, 2, 2, 2);
    compare(rule, &port.to_be_bytes());
}

/// `ct direction reply`.
fn reply(rule: &mut Body) {
    expression(rule, "ct", |data| {
        data.number(1, REGISTER);
        data.number(2, 1);
    });
    compare(rule, &[1]);
}

fn redirect(rule: &mut Body, port: u16) {
    expression(rule, "immediate", |data| {
        data.number(1, REGISTER);
        data.nest(2, |constant| constant.bytes(1, &port.to_be_bytes()));
    });
    expression(rule, "redir", |data| {
        data.number(1, REGISTER);
        data.number(2, REGISTER);
    });
}

fn verdict(rule: &mut Body, code: u32) {
    expression(rule, "immediate", |data| {
        data.number(1, VERDICT);
        data.nest(2, |constant| {
            constant.nest(2, |verdict| verdict.number(1, code));
        });
    });
}
