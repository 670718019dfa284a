//! Memory of tunnels in which nothing happens: what this process grows by, its peers being in another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::site::Site;
use crate::{Plan, emit};

const SETTLING: std::time::Duration = std::time::Duration::from_millis(1500);

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

pub(crate) fn measure(plan: &Plan) {
    one(plan, "plain", "egress_idle_plain", plan.plain_tunnels);
    one(
        plan,
        "inspected",
        "egress_idle_inspected",
        plan.inspected_tunnels,
    );
}

/// KiB of each tunnel of this kind.
fn one(plan: &Plan, kind: &str, id: &str, tunnels: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--peer")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut asked = child.stdin.take().unwrap();
    let origin = said.next().unwrap().unwrap();
    let mut words = origin.splitn(3, ' ');
    let (port, raw, root) = (
        words.next().unwrap(),
        words.next().unwrap(),
        words.next().unwrap(),
    );
    let root = root.replace("\\n", "\n");
    let hosts = format!(
        "\"raw.test:{raw}\", {{ host = \"quiet.test:{port}\", methods = [\"GET\"], paths = [\"/**\"], sink = false }}"
    );
    let site = Site::new(&plan.dir, &hosts, root.as_bytes());
    let certificate = site.proxy.certificate().replace('\n', "\\n");
    let mut open = |count: usize| {
        writeln!(asked, "{kind} {} {count} {certificate}", site.port).unwrap();
        assert_eq!(said.next().unwrap().unwrap(), "open");
        std::thread::sleep(SETTLING);
        resident()
    };
    // What the first connections of a process leave behind is no tunnel's.
    let before = open(50);
    let after = open(tunnels);
    let each = (after - before) / tunnels as f64;
    emit(id, "KiB", each, None, json!({ "tunnels": tunnels }));
    drop(asked);
    child.wait().unwrap();
}
