//! Plain tunnels, TCP to TCP: bytes a second down and up, straight, through ours, and through `tinyproxy`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::origin::reach;
use crate::site::Site;
use crate::{Plan, emit, median, rivals};

const BUFFER_BYTES: usize = 256 << 10;

/// Sends zeros to a client that says `d`, and swallows what one sends that says `u`.
async fn serve(mut stream: TcpStream, swallowed: Arc<AtomicU64>) {
    let mut word = [0];
    if stream.read_exact(&mut word).await.is_err() {
        return;
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    if word == *b"d" {
        while stream.write_all(&buffer).await.is_ok() {}
        return;
    }
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        swallowed.fetch_add(length as u64, Ordering::Relaxed);
    }
}

/// MiB a second by this way.
async fn rate(
    plan: &Plan,
    by: Option<SocketAddr>,
    target: &str,
    word: u8,
    swallowed: &AtomicU64,
) -> f64 {
    let mut stream = reach(by, target).await;
    stream.write_all(&[word]).await.unwrap();
    let mut buffer = vec![0; BUFFER_BYTES];
    let before = swallowed.load(Ordering::Relaxed);
    let mut passed = 0u64;
    // The first bytes wait for the tunnel to be set up.
    if word == b'd' {
        stream.read_exact(&mut buffer).await.unwrap();
    } else {
        stream.write_all(&buffer).await.unwrap();
        while swallowed.load(Ordering::Relaxed) == before {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    let (begun, counted) = (Instant::now(), swallowed.load(Ordering::Relaxed));
    while begun.elapsed() < plan.round {
        if word == b'd' {
            passed += stream.read(&mut buffer).await.unwrap() as u64;
        } else {
            stream.write_all(&buffer).await.unwrap();
        }
    }
    if word == b'u' {
        passed = swallowed.load(Ordering::Relaxed) - counted;
    }
    passed as f64 / begun.elapsed().as_secs_f64() / f64::from(1 << 20)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn measure(plan: &Plan) {
    let swallowed = Arc::new(AtomicU64::new(0));
    let servers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (ready, address) = mpsc::channel();
    let counter = Arc::clone(&swallowed);
    servers.spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ready.send(listener.local_addr().unwrap()).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&counter)));
        }
    });
    let server = address.recv().unwrap();
    let site = Site::new(&plan.dir, &format!("\"raw.test:{}\"", server.port()), &[]);
    let rival = plan.tinyproxy.as_deref().map(rivals::tinyproxy);
    let name = rival
        .as_ref()
        .map(|rival| rival.name.clone())
        .unwrap_or_default();
    let (near, named) = (server.to_string(), format!("raw.test:{}", server.port()));
    for (word, id) in [(b'd', "egress_tunnel_down"), (b'u', "egress_tunnel_up")] {
        let (mut ours, mut theirs, mut straight) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            runtime().block_on(async {
                ours.push(rate(plan, Some(site.port), &named, word, &swallowed).await);
                if let Some(rival) = &rival {
                    theirs.push(rate(plan, Some(rival.port), &near, word, &swallowed).await);
                }
                straight.push(rate(plan, None, &near, word, &swallowed).await);
            });
        }
        let rival = (!theirs.is_empty()).then(|| (median(theirs), name.as_str()));
        emit(
            id,
            "MiB/s",
            median(ours),
            rival,
            serde_json::json!({ "straight": median(straight) }),
        );
    }
}
