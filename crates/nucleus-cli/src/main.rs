//! The command `nucleus`: words in, words out, exit code.

mod cli;
mod commands;
mod home;
mod policy;
mod report;
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
    let args = <cli::Cli as clap::Parser>::parse();
    style::start(args.color);
    match commands::dispatch(args.command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code())
        }
    }
}
