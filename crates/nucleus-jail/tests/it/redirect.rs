//! A jail whose connections and look-ups come to the host, whatever address they are for.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use nucleus_jail::{Exit, Jail, JailSpec, Reach, Redirected};

use crate::fixture::{launcher, python, run};

/// Tells how each attempt ended.
const ATTEMPTS: &str = r#"
import errno, socket, sys
socket.setdefaulttimeout(30)
def attempt(name, do):
    try:
        print(name, do())
    except OSError as error:
        print(name, errno.errorcode.get(error.errno, error))
def greet(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.connect(address)
        return s.makefile().readline().strip()
"#;

fn redirected(program: &str) -> JailSpec {
    JailSpec {
        reach: Reach::Redirected,
        ..python(&format!("{ATTEMPTS}{program}"))
    }
}

/// Answers every connection with the address it was meant for, and every datagram with itself.
fn serve(jail: &mut Jail) {
    let Redirected { connections, names } = jail.take_redirected().unwrap();
    assert!(!connections.is_empty() && connections.len() == names.len());
    for listener in connections {
        std::thread::spawn(move || greet_all(&listener));
    }
    for names in names {
        std::thread::spawn(move || echo_all(&names));
    }
}

fn greet_all(listener: &TcpListener) {
    while let Ok((mut stream, _)) = listener.accept() {
        let meant = original(&stream);
        let _gone = writeln!(stream, "{meant}");
    }
}

fn echo_all(names: &UdpSocket) {
    let mut query = [0; 512];
    while let Ok((length, from)) = names.recv_from(&mut query) {
        let _gone = names.send_to(&query[..length], from);
    }
}

fn original(stream: &TcpStream) -> SocketAddr {
    match stream.local_addr().unwrap() {
        SocketAddr::V4(_) => rustix::net::sockopt::ip_original_dst(stream)
            .unwrap()
            .into(),
        SocketAddr::V6(_) => rustix::net::sockopt::ipv6_original_dst(stream)
            .unwrap()
            .into(),
    }
}

/// Runs to the end with the host serving; what was printed.
fn served(program: &str) -> String {
    let (mut out, write) = std::io::pipe().unwrap();
    let null = || {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .unwrap()
            .into()
    };
    let spec = JailSpec {
        stdio: nucleus_jail::Stdio::Fds {
            stdin: null(),
            stdout: write.into(),
            stderr: null(),
        },
        ..redirected(program)
    };
    let mut jail = launcher().spawn(spec).unwrap();
    serve(&mut jail);
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert_eq!(jail.wait().unwrap(), Exit::Code(0), "{text}");
    text
}

#[test]
fn every_address_comes_to_the_host_with_the_one_that_was_meant() {
    let said = served(
        "attempt('v4', lambda: greet(socket.AF_INET, ('192.0.2.7', 8443)))\n\
         attempt('synthetic', lambda: greet(socket.AF_INET, ('198.18.1.3', 80)))\n\
         attempt('metadata', lambda: greet(socket.AF_INET, ('169.254.169.254', 80)))\n\
         attempt('v6', lambda: greet(socket.AF_INET6, ('2001:db8::7', 443)))\n",
    );
    assert_eq!(
        said,
        "v4 192.0.2.7:8443\nsynthetic 198.18.1.3:80\nmetadata 169.254.169.254:80\nv6 [2001:db8::7]:443\n"
    );
}

#[test]
fn look_ups_come_to_the_host_whichever_server_they_name() {
    let ask = "
def ask(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b'query', (server, 53))
        return s.recv(512).decode()
attempt('own', lambda: ask('127.0.0.1'))
attempt('foreign', lambda: ask('8.8.8.8'))
";
    assert_eq!(served(ask), "own query\nforeign query\n");
}

#[test]
fn datagrams_and_the_hosts_own_loopback_are_refused_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = served(&format!(
        "
def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return s.sendto(b'x', address)
attempt('quic', lambda: send(('192.0.2.7', 443)))
attempt('host', lambda: greet(socket.AF_INET, ('127.0.0.1', {port})))
own = socket.create_server(('127.0.0.1', 9000))
def round():
    with socket.create_connection(('127.0.0.1', 9000)) as s:
        own.accept()[0].sendall(b'own\\n')
        return s.makefile().readline().strip()
attempt('own', round)
"
    ));
    assert_eq!(said, "quic EPERM\nhost ECONNREFUSED\nown own\n");
}

/// The rules were loaded by a process that could; the command cannot undo them.
#[test]
fn the_command_cannot_change_the_rules() {
    let said = served(
        "attempt('netfilter', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12))\n\
         def route():\n\
         \x20   s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n\
         \x20   import struct\n\
         \x20   body = struct.pack('BBBBBBBBI', 2, 32, 0, 0, 254, 3, 0, 1, 0) + struct.pack('HHI', 8, 4, 1)\n\
         \x20   s.send(struct.pack('IHHII', 16 + len(body), 24, 0x605, 1, 0) + body)\n\
         \x20   answer = s.recv(4096)\n\
         \x20   code = -struct.unpack('i', answer[16:20])[0]\n\
         \x20   raise OSError(code, 'refused') if code else OSError(0, 'done')\n\
         attempt('route', route)\n\
         def steal():\n\
         \x20   s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n\
         \x20   s.bind(('127.0.0.1', 15001))\n\
         attempt('steal', steal)\n",
    );
    assert_eq!(said, "netfilter EPERM\nroute EPERM\nsteal EADDRINUSE\n");
}

#[test]
fn without_it_no_address_but_loopback_has_a_route() {
    let ran = run(python(&format!(
        "{ATTEMPTS}attempt('v4', lambda: greet(socket.AF_INET, ('192.0.2.7', 80)))"
    )));
    assert_eq!(ran.out, "v4 ENETUNREACH\n");
}
