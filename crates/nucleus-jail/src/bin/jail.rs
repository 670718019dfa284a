//! Runs one command in a jail: `jail run [OPTIONS] -- COMMAND…`, for trying it out, tests and measuring.

#![cfg(target_os = "linux")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use nucleus_jail::{Exit, HelperCommand, JailSpec, Launcher, system_views};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_ref().and_then(|word| word.to_str()) {
        Some("__jail-init") => nucleus_jail::helper_main(),
        Some("run") => match run(args.collect()) {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(125)
            }
        },
        _ => ExitCode::from(2),
    }
}

fn run(args: Vec<OsString>) -> Result<u8, nucleus_jail::Error> {
    let launcher = Launcher::start(&HelperCommand::this_program("__jail-init"))?;
    for _ in 0..20 {
        let at = Instant::now();
        let mut spec = JailSpec::new(args.clone());
        spec.views = system_views();
        spec.cwd = PathBuf::from("/");
        let jail = launcher.spawn(spec)?;
        let up = at.elapsed();
        let exit = jail.wait()?;
        println!("{exit:?} {up:?} {:?}", at.elapsed());
    }
    Ok(0)
}
