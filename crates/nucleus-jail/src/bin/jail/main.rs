//! Runs one command in a jail, for trying it out and for measuring: `jail run [OPTIONS] -- COMMAND…`, `jail bench`, `jail probe`.

#![cfg(target_os = "linux")]

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;

use nucleus_jail::{
    Exit, HelperCommand, JailSpec, Launcher, Overlay, Stdio, Tree, Upper, View, probe_host,
    system_views,
};

mod bench;

const USAGE: &str = "\
usage: jail run [--workspace DIR] [--port N] [--show-layers] -- COMMAND [ARGUMENT]...
       jail bench [ROUNDS]      compare with bubblewrap, one line of JSON
       jail probe               what this host gives
";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let word = args.next();
    let rest: Vec<OsString> = args.collect();
    let done = match word.as_ref().and_then(|word| word.to_str()) {
        Some("__jail-init") => nucleus_jail::helper_main(),
        Some("run") => run(rest),
        Some("bench") => bench::run(&rest),
        Some("probe") => probe(),
        _ => {
            let _closed = io::stderr().write_all(USAGE.as_bytes());
            Ok(2)
        }
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        125
    }))
}

fn launcher() -> Result<Launcher, nucleus_jail::Error> {
    Launcher::start(&HelperCommand::this_program("__jail-init"))
}

fn run(args: Vec<OsString>) -> Result<u8, Box<dyn std::error::Error>> {
    let mut spec = JailSpec::new(Vec::<OsString>::new());
    spec.views = system_views();
    spec.env = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/home"),
        ("LANG", "C.UTF-8"),
    ]
    .map(|(k, v)| (k.into(), v.into()))
    .into();
    spec.views.push(View::Tmpfs {
        inside: "/home".into(),
        bytes: 256 << 20,
        inodes: 50_000,
    });
    spec.cwd = "/home".into();
    let (mut args, mut shows_layers) = (args.into_iter(), false);
    while let Some(word) = args.next() {
        match word.to_str() {
            Some("--") => spec.argv = args.by_ref().collect(),
            Some("--workspace") => set_workspace(&mut spec, args.next().ok_or(USAGE)?.into())?,
            Some("--port") => spec.ports.push(
                args.next()
                    .and_then(|word| word.to_str()?.parse().ok())
                    .ok_or(USAGE)?,
            ),
            Some("--show-layers") => shows_layers = true,
            _ => return Err(USAGE.into()),
        }
    }
    spec.stdio = streams()?;
    let jail = launcher()?.spawn(spec)?;
    if shows_layers {
        for line in &jail.enforced().layers {
            eprintln!("{:18} {:?}", line.layer.name(), line.state);
        }
    }
    Ok(code(jail.wait()?))
}

fn set_workspace(spec: &mut JailSpec, dir: PathBuf) -> Result<(), io::Error> {
    let dir = std::fs::canonicalize(dir)?;
    spec.cwd.clone_from(&dir);
    let upper = Upper::Tmpfs {
        bytes: 512 << 20,
        inodes: 100_000,
    };
    spec.workspace = Some(Overlay {
        inside: dir.clone(),
        lower: Tree {
            path: dir,
            id: None,
        },
        staged: None,
        mask: None,
        upper,
    });
    Ok(())
}

/// Pipes between the command and this process's own streams, which may be a terminal that a jail must not have.
fn streams() -> Result<Stdio, io::Error> {
    let stdin = std::fs::File::open("/dev/null")?;
    let forward = |mut to: Box<dyn Write + Send>| -> Result<OwnedFd, io::Error> {
        let (mut read, write) = io::pipe()?;
        std::thread::spawn(move || io::copy(&mut read, &mut to));
        Ok(write.into())
    };
    Ok(Stdio::Fds {
        stdin: stdin.into(),
        stdout: forward(Box::new(io::stdout()))?,
        stderr: forward(Box::new(io::stderr()))?,
    })
}

fn code(exit: Exit) -> u8 {
    match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => 128u8.saturating_add(signal),
        Exit::Killed | Exit::MemoryLimit => 137,
    }
}

fn probe() -> Result<u8, Box<dyn std::error::Error>> {
    let support = probe_host();
    for feature in &support.features {
        match &feature.found {
            Ok(text) => println!("present  {:24} {text}", feature.name),
            Err(text) => println!(
                "missing  {:24} {text}\n         help: {}",
                feature.name, feature.fix
            ),
        }
    }
    Ok(if support.is_sufficient() { 0 } else { 125 })
}
