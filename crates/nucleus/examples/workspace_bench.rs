//! Measures how long a command waits for its layers on a repository of 100,000 files; prints one line of JSON.
//!
//! `workspace_bench [FILES] [ROUNDS]`. Times are medians in microseconds: opening (once), the layers of a command when nothing has
//! changed and when ten directories have, the labels of all a command sees, and a whole jailed `true` with its layers and changes.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Instant;

use nucleus::workspace::{Overlayed, WorkspaceOptions, WorkspaceView};
use nucleus_jail::{HelperCommand, JailSpec, Launcher, system_views};
use portcullis::glob::PathPattern;
use portcullis::{Conjunction, Envelope, EnvelopeParts, Section, Union};

type Done<T> = Result<T, Box<dyn Error>>;

/// What the shipped policies block, in kind and number.
const BLOCKED: &[&str] = &[
    ".env",
    ".env.!(example)",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_ed25519*",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "**/.aws",
    "**/.ssh",
    "**/.gnupg",
    "**/.config/gh",
    "**/.docker/config.json",
    "**/.kube",
    "credentials.json",
    "*.kdbx",
    "secrets.*",
];

fn main() -> Done<()> {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    if first.as_deref() == Some("__jail-init") {
        nucleus_jail::helper_main();
    }
    let files: usize = first.map_or(Ok(100_000), |text| text.parse())?;
    let rounds: usize = args.next().map_or(Ok(15), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let root = dir.path().join("ws");
    let directories = build(&root, files)?;
    let envelope = envelope()?;
    let options = WorkspaceOptions::new(dir.path().join("state"));
    let begun = Instant::now();
    let view = Overlayed::open(&root, &options, &envelope)?;
    let opening = begun.elapsed().as_micros();
    // Directories younger than a clock tick are read again: a session does not start in that moment.
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(view.begin_command(&envelope)?);
    let idle = median(rounds, || timed(|| view.begin_command(&envelope).map(drop)))?;
    let labels = median(rounds, || {
        timed(|| {
            std::hint::black_box(view.carried_by_view());
            Ok(())
        })
    })?;
    let touched = median(rounds, || {
        for at in 0..10 {
            std::fs::write(root.join(format!("d{at}/touched")), "x")?;
        }
        timed(|| view.begin_command(&envelope).map(drop))
    })?;
    let launcher = Launcher::start(&HelperCommand::this_program("__jail-init"))?;
    let jailed = median(rounds, || timed(|| run(&view, &launcher, &envelope)))?;
    println!(
        "{}",
        serde_json::json!({
            "bench": "workspace", "files": files, "directories": directories, "rounds": rounds,
            "open_us": opening, "begin_us": idle, "begin_after_10_directories_changed_us": touched,
            "labels_of_view_us": labels, "begin_jail_true_and_end_us": jailed,
        })
    );
    Ok(())
}

/// A repository of this many small files, all tracked, with a few blocked ones among them.
fn build(root: &Path, files: usize) -> Done<usize> {
    let per = 44;
    let directories = files.div_ceil(per);
    for at in 0..directories {
        let dir: PathBuf = root.join(format!("d{}", at % 40)).join(format!("e{at}"));
        std::fs::create_dir_all(&dir)?;
        for name in 0..per.min(files - at * per) {
            std::fs::write(dir.join(format!("file_{name}.rs")), "x")?;
        }
        if at % 200 == 0 {
            std::fs::write(dir.join(".env"), "secret")?;
        }
    }
    for args in [&["init", "-q"][..], &["add", "."]] {
        let status = Program::new("git").args(args).current_dir(root).status()?;
        if !status.success() {
            return Err("git failed".into());
        }
    }
    Ok(directories)
}

fn envelope() -> Done<Envelope> {
    let patterns: Result<Vec<PathPattern>, _> =
        BLOCKED.iter().map(|p| PathPattern::parse(p)).collect();
    let mut parts = EnvelopeParts::everything();
    parts.paths = Section {
        listed: Conjunction::everything(),
        blocked: Union::of(patterns?),
    };
    Ok(Envelope::new(parts))
}

fn run(
    view: &Overlayed,
    launcher: &Launcher,
    envelope: &Envelope,
) -> Result<(), nucleus::workspace::WorkspaceError> {
    let layers = view.begin_command(envelope)?;
    let jail = launcher.spawn(JailSpec {
        views: system_views(),
        workspace: Some(layers.overlay()),
        ..JailSpec::new(["/bin/true"])
    })?;
    jail.wait()?;
    let upper = jail
        .upper()
        .ok_or(nucleus::workspace::WorkspaceError::Unsupported(
            "a jail without changes",
        ))?;
    let upper = upper
        .try_clone_to_owned()
        .map_err(|_| nucleus::workspace::WorkspaceError::Unsupported("no descriptor"))?;
    view.end_command(nucleus::workspace::Command { layers, upper })
        .map(drop)
}

fn timed(act: impl FnOnce() -> Result<(), nucleus::workspace::WorkspaceError>) -> Done<u128> {
    let begun = Instant::now();
    act()?;
    Ok(begun.elapsed().as_micros())
}

fn median(rounds: usize, mut round: impl FnMut() -> Done<u128>) -> Done<u128> {
    let mut times = Vec::new();
    for _ in 0..rounds {
        times.push(round()?);
    }
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .copied()
        .ok_or_else(|| "no round".into())
}
