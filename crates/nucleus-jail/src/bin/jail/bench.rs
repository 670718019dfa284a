//! The time from request to the dead jail for `/bin/true`, beside bubblewrap's, interleaved in one run.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nucleus_jail::{Exit, JailSpec, system_views};

const RIVAL: [&str; 12] = [
    "--ro-bind",
    "/",
    "/",
    "--unshare-all",
    "--die-with-parent",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "/bin/true",
];
/// Rounds before the clock counts.
const WARM_UP: usize = 5;
/// Between two runs, so that neither pays for what the other leaves to do (the kernel takes namespaces down later, ours prepares the next).
const REST: Duration = Duration::from_millis(15);

/// Prints one line of JSON: medians in milliseconds and their ratio; `cold_ms` includes starting the helper.
pub(crate) fn run(args: &[OsString]) -> Result<u8, Box<dyn std::error::Error>> {
    let rounds: usize = match args.first() {
        Some(word) => word
            .to_str()
            .and_then(|word| word.parse().ok())
            .ok_or("ROUNDS is not a number")?,
        None => 60,
    };
    let launcher = crate::launcher()?;
    let (mut ours, mut busy, mut rival, mut cold) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + WARM_UP {
        std::thread::sleep(REST);
        let one = timed(|| jailed(&launcher))?;
        let two = timed(|| jailed(&launcher))?; // at once: the next first process is not ready yet
        std::thread::sleep(REST);
        let other = timed(bubblewrap)?;
        std::thread::sleep(REST);
        let first = timed(|| jailed(&crate::launcher()?))?;
        if round >= WARM_UP {
            ours.push(one);
            busy.push(two);
            rival.push(other);
            cold.push(first);
        }
    }
    let [ours, busy, rival, cold] = [ours, busy, rival, cold].map(median);
    println!(
        "{{\"ours_ms\":{ours:.3},\"rival_ms\":{rival:.3},\"ratio\":{:.3},\"back_to_back_ms\":{busy:.3},\"back_to_back_ratio\":{:.3},\"cold_ms\":{cold:.3},\"rounds\":{rounds}}}",
        ours / rival,
        busy / rival
    );
    Ok(0)
}

fn timed(
    run: impl FnOnce() -> Result<(), Box<dyn std::error::Error>>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn jailed(launcher: &nucleus_jail::Launcher) -> Result<(), Box<dyn std::error::Error>> {
    let spec = JailSpec {
        views: system_views(),
        ..JailSpec::new(["/bin/true"])
    };
    match launcher.spawn(spec)?.wait()? {
        Exit::Code(0) => Ok(()),
        other => Err(format!("/bin/true in the jail: {other:?}").into()),
    }
}

fn bubblewrap() -> Result<(), Box<dyn std::error::Error>> {
    let status = Command::new("bwrap")
        .args(RIVAL)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("bwrap: {status}").into())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
