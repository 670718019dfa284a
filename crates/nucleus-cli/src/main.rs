//! The command `nucleus`: words in, words out, exit code.

#[cfg(target_os = "linux")]
mod agent;
mod cli;
mod commands;
#[cfg(target_os = "linux")]
mod config;
#[cfg(target_os = "linux")]
mod demo;
mod home;
#[cfg(target_os = "linux")]
mod model;
#[cfg(target_os = "linux")]
mod plain;
mod policy;
mod report;
#[cfg(target_os = "linux")]
mod session;
mod style;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else exists: no thread, no runtime, no environment read.
    #[cfg(target_os = "linux")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == commands::JAIL_HELPER)
    {
        nucleus_jail::helper_main();
    }
    #[cfg(target_os = "linux")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == commands::PROBE)
    {
        return nucleus::probes::inside_main(std::env::args().skip(2));
    }
    // An agent keeps one of these for each of its sessions: it starts without the reader of command lines.
    #[cfg(target_os = "linux")]
    if std::env::args_os().skip(1).eq(["mcp"]) {
        style::start(clap::ColorChoice::Auto);
        return finish(commands::mcp());
    }
    let args = <cli::Cli as clap::Parser>::parse();
    style::start(args.color);
    finish(commands::dispatch(args.command))
}

/// The exit code, with a failure said first.
fn finish(result: Result<u8, report::Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code())
        }
    }
}
