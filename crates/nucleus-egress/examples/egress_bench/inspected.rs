//! Requests that are seen: how many a second, and how much later one is answered, to a quiet host and to a sink.

use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_rustls::TlsConnector;

use crate::origin::{ask, reach, reach_tls, tls_origin, trusting};
use crate::site::Site;
use crate::{Plan, emit, median, rivals};

const CONNECTIONS: usize = 64;
/// One way to the origin.
struct Way {
    by: Option<SocketAddr>,
    target: String,
    connector: TlsConnector,
}

/// Requests a second over all connections, and what one costs this process in microseconds of a core.
async fn rate(plan: &Plan, way: &Way) -> (f64, f64) {
    let asked = Arc::new(AtomicU64::new(0));
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = reach_tls(way.by, &way.target, &way.connector).await;
        let (host, asked) = (way.target.clone(), Arc::clone(&asked));
        let mut buffer = Vec::with_capacity(4096);
        ask(&mut stream, &host, &mut buffer).await;
        clients.push(tokio::spawn(async move {
            loop {
                ask(&mut stream, &host, &mut buffer).await;
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let (begun, used, before) = (Instant::now(), cpu_us(), asked.load(Ordering::Relaxed));
    tokio::time::sleep(plan.round).await;
    let done = asked.load(Ordering::Relaxed) - before;
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    let cost = (cpu_us() - used) / done as f64;
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    (rate, cost)
}

/// What this process has used of all cores, in microseconds.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap() * 1e4).sum()
}

/// The median time of one request after the other on one connection, in microseconds.
async fn latency(plan: &Plan, way: &Way) -> f64 {
    let mut stream = reach_tls(way.by, &way.target, &way.connector).await;
    let mut buffer = Vec::with_capacity(4096);
    for _ in 0..plan.asked / 10 {
        ask(&mut stream, &way.target, &mut buffer).await;
    }
    let mut times = Vec::with_capacity(plan.asked);
    for _ in 0..plan.asked {
        let begun = Instant::now();
        ask(&mut stream, &way.target, &mut buffer).await;
        times.push(micros(begun.elapsed()));
    }
    median(times)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The median time of writing so many bytes and flushing them, on the disk of the log.
fn flushing(plan: &Plan, bytes: usize) -> f64 {
    let file = tempfile::tempfile_in(&plan.dir).unwrap();
    let (record, mut times) = (vec![7; bytes], Vec::new());
    for number in 0..plan.asked / 4 {
        let begun = Instant::now();
        file.write_all_at(&record, (number * bytes) as u64).unwrap();
        file.sync_data().unwrap();
        times.push(micros(begun.elapsed()));
    }
    median(times)
}

/// The median time of a dial: a CONNECT to an opaque host, judged, recorded, resolved and dialled.
async fn dialling(plan: &Plan, by: SocketAddr, target: &str) -> f64 {
    let mut times = Vec::new();
    for _ in 0..(plan.asked / 20).max(10) {
        let begun = Instant::now();
        drop(reach(Some(by), target).await);
        times.push(micros(begun.elapsed()));
    }
    median(times)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// An origin and a session whose policy names it three times: quiet, a sink, and opaque.
struct Ground {
    _servers: tokio::runtime::Runtime,
    origin: SocketAddr,
    root: String,
    site: Site,
}

impl Ground {
    fn new(plan: &Plan) -> Self {
        let servers = runtime();
        let (origin, root) = servers.block_on(tls_origin());
        let port = origin.port();
        let hosts = format!(
            "{{ host = \"quiet.test:{port}\", methods = [\"GET\"], paths = [\"/**\"], sink = false }}, \
             {{ host = \"sink.test:{port}\", methods = [\"GET\"], paths = [\"/**\"] }}, \"raw.test:{port}\""
        );
        let site = Site::new(&plan.dir, &hosts, root.as_bytes());
        Self {
            _servers: servers,
            origin,
            root,
            site,
        }
    }

    fn ours(&self, name: &str) -> Way {
        Way {
            by: Some(self.site.port),
            target: format!("{name}:{}", self.origin.port()),
            connector: trusting(&[self.site.proxy.certificate().as_bytes()]),
        }
    }

    fn straight(&self) -> Way {
        Way {
            by: None,
            target: self.origin.to_string(),
            connector: trusting(&[self.root.as_bytes()]),
        }
    }
}

/// Requests a second, beside `mitmdump`.
pub(crate) fn rates(plan: &Plan) {
    let ground = Ground::new(plan);
    let rival = plan
        .mitmdump
        .as_deref()
        .map(|program| rivals::mitmdump(program, &ground.root));
    let theirs = rival.as_ref().map(|rival| Way {
        by: Some(rival.port),
        target: ground.origin.to_string(),
        connector: trusting(&[&rival.certificate()]),
    });
    let name = rival.as_ref().map_or("", |rival| &rival.name);
    let (ours, straight) = (ground.ours("quiet.test"), ground.straight());
    let (mut own, mut other, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cost, mut bare_cost) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        // A runtime of its own for each, so that its connections are gone before the next.
        let (rate_of_own, cost_of_own) = runtime().block_on(rate(plan, &ours));
        own.push(rate_of_own);
        cost.push(cost_of_own);
        if let Some(theirs) = &theirs {
            other.push(runtime().block_on(rate(plan, theirs)).0);
        }
        let (rate_of_bare, cost_of_bare) = runtime().block_on(rate(plan, &straight));
        bare.push(rate_of_bare);
        bare_cost.push(cost_of_bare);
    }
    let rival = (!other.is_empty()).then(|| (median(other), name));
    emit(
        "egress_inspected",
        "requests/s",
        median(own),
        rival,
        json!({ "straight": median(bare), "cpu_us": median(cost), "straight_cpu_us": median(bare_cost) }),
    );
}

/// How much later one request is answered, to a quiet host and to a sink, and how long a dial takes.
pub(crate) fn latencies(plan: &Plan) {
    let ground = Ground::new(plan);
    let (quiet, sink) = (ground.ours("quiet.test"), ground.ours("sink.test"));
    let straight = ground.straight();
    let mut appended = 0;
    let (mut to_quiet, mut to_sink, mut flushes, mut bare) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let base = runtime().block_on(latency(plan, &straight));
        to_quiet.push(runtime().block_on(latency(plan, &quiet)) - base);
        let before = ground.site.log_bytes();
        to_sink.push(runtime().block_on(latency(plan, &sink)) - base);
        appended = (ground.site.log_bytes() - before) / (plan.asked + plan.asked / 10);
        flushes.push(flushing(plan, appended));
        bare.push(base);
    }
    let (bare, flush) = (median(bare), median(flushes));
    emit(
        "egress_added",
        "us",
        median(to_quiet),
        None,
        json!({ "straight": bare }),
    );
    let allowed = (150.0 + flush, "150 us and the raw fdatasync of the run");
    emit(
        "egress_added_sink",
        "us",
        median(to_sink),
        Some(allowed),
        json!({ "straight": bare, "fdatasync": flush, "fdatasync_bytes": appended }),
    );
    let raw = format!("raw.test:{}", ground.origin.port());
    let dial = runtime().block_on(dialling(plan, ground.site.port, &raw));
    emit("egress_dial", "us", dial, None, json!({}));
}
