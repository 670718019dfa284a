//! The process at both ends of idle tunnels: a server, and clients that ask once and then keep silent.

use std::io::BufRead as _;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::origin::{ask, reach, reach_tls, tls_origin, trusting};

pub(crate) fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    raise();
    let (origin, root) = runtime.block_on(tls_origin());
    let raw = runtime.block_on(mirror());
    println!(
        "{} {} {}",
        origin.port(),
        raw.port(),
        root.replace('\n', "\\n")
    );
    let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap().to_owned();
        let (kind, proxy, count, certificate) = (word(), word(), word(), word());
        let proxy: SocketAddr = proxy.parse().unwrap();
        let roots = [certificate.replace("\\n", "\n"), root.clone()];
        let connector = trusting(&[roots[0].as_bytes(), roots[1].as_bytes()]);
        for _ in 0..count.parse::<usize>().unwrap() {
            let stream: Box<dyn std::any::Any> = runtime.block_on(async {
                let mut buffer = Vec::new();
                if kind == "inspected" {
                    let target = format!("quiet.test:{}", origin.port());
                    let mut stream = reach_tls(Some(proxy), &target, &connector).await;
                    ask(&mut stream, &target, &mut buffer).await;
                    return Box::new(stream) as Box<dyn std::any::Any>;
                }
                let mut stream = reach(Some(proxy), &format!("raw.test:{}", raw.port())).await;
                stream.write_all(b"there and back").await.unwrap();
                assert!(stream.read_buf(&mut buffer).await.unwrap() > 0);
                Box::new(stream) as Box<dyn std::any::Any>
            });
            kept.push(stream);
        }
        println!("open");
    }
}

/// A server that sends back what it is sent.
async fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ended = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

/// As many descriptors as may be had.
fn raise() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
    .unwrap();
}
