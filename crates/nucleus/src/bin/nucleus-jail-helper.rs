//! Builds jails, and makes boundary probes inside them, for programs whose own `main` cannot: SDK users and tests.
#![cfg(target_os = "linux")]

fn main() -> std::process::ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("__probe") {
        return nucleus::probes::inside_main(args);
    }
    nucleus_jail::helper_main()
}
