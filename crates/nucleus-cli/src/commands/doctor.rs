//! `nucleus doctor`: every kernel feature a session uses, with the fix for each that is missing.

use nucleus_jail::{Feature, probe_host};
use serde_json::json;

use super::bound;
use crate::policy::{PolicyArgs, effective};
use crate::report::{Failure, NOT_STARTED};
use crate::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// Arguments of `nucleus doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command; exit code 125 when a session could not start here.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let features = features();
    let bindings = bindings();
    let is_sufficient = features
        .iter()
        .all(|feature| feature.found.is_ok() || !feature.is_required);
    if args.json {
        let features: Vec<_> = features.iter().map(as_json).collect();
        anstream::println!(
            "{:#}",
            json!({
                "version": 1, "sufficient": is_sufficient, "features": features,
                "credentials": bound::as_json(&bindings),
            })
        );
    } else {
        features.iter().for_each(print);
        for (binding, line) in bindings.iter().zip(bound::lines(&bindings)) {
            let (style, note) = if crate::session::is_absent(&binding.source) {
                (
                    WARN,
                    " (not there now: sessions start without it, or not at all)",
                )
            } else {
                (GOOD, "")
            };
            anstream::println!("{} {line}{note}", paint(style, "credential"));
        }
        anstream::println!();
        if is_sufficient {
            anstream::println!(
                "{} `nucleus run --local` can start here",
                paint(GOOD, "ok:")
            );
        } else {
            let line = "a session cannot start here until what is marked missing is there";
            anstream::println!("{} {line}", paint(BAD, "no:"));
            let flag = super::WITHOUT_NAMESPACES_FLAG;
            anstream::println!(
                "last resort: `nucleus run {flag} -- CMD` confines an agent by Landlock and seccomp alone, without commands, \
                 and says what that does not hold"
            );
        }
    }
    Ok(if is_sufficient { 0 } else { NOT_STARTED })
}

/// The secrets that the policy in force here binds.
fn bindings() -> Vec<nucleus_spec::Credential> {
    let here = std::path::Path::new(".");
    match effective(&PolicyArgs::default(), Some(here)) {
        Ok(resolved) => {
            for warning in &resolved.warnings {
                anstream::eprintln!("{} {warning}", paint(WARN, "note:"));
            }
            resolved.bindings
        }
        Err(failure) => {
            anstream::eprintln!("the policy here cannot be read: {}", failure.message());
            Vec::new()
        }
    }
}

/// What the kernel has, who we are in it, and whether a jail as sessions use it can be had.
fn features() -> Vec<Feature> {
    let support = probe_host();
    let is_worth_trying = support.is_sufficient();
    let mut features = support.features;
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    features.push(own_namespace(&map));
    if is_worth_trying {
        features.push(whole_jail());
        features.push(redirection());
    }
    features
}

/// Whether ids and capabilities count on the whole machine, by the text of `/proc/self/uid_map`.
fn own_namespace(map: &str) -> Feature {
    let words: Vec<&str> = map.split_whitespace().collect();
    let found = match words[..] {
        ["0", "0", "4294967295"] => Ok("the machine's own".to_owned()),
        ["0", outside, ..] => Err(format!(
            "root here is uid {outside} outside: mounts and files of the machine are not its own"
        )),
        _ => Err("this is a user namespace inside another one".to_owned()),
    };
    let fix = match found {
        Ok(_) => String::new(),
        Err(_) => {
            "if a session does not start here, start it outside, as an ordinary user".to_owned()
        }
    };
    Feature {
        name: "user-ids",
        found,
        fix,
        is_required: false,
    }
}

/// One jail, built as a session builds it.
fn whole_jail() -> Feature {
    let (found, fix) = match crate::session::try_jail() {
        Ok(layers) => (Ok(format!("built, with {layers} layers")), String::new()),
        Err(failure) => {
            let said = failure.message();
            let (why, fix) = said.split_once("\nhelp: ").unwrap_or((&said, ""));
            (Err(why.to_owned()), fix.to_owned())
        }
    };
    Feature {
        name: "a jail",
        found,
        fix,
        is_required: true,
    }
}

/// Whether programs that know of no proxy come to it; tried in a jail.
fn redirection() -> Feature {
    const FIX: &str = "programs that ignore HTTP_PROXY reach nothing without it; it needs nf_tables with NAT in the kernel";
    let tried = crate::session::try_redirection();
    Feature {
        name: "redirection",
        fix: tried.as_ref().map_or(FIX, |_| "").to_owned(),
        found: tried
            .map(|()| "connections and look-ups of a jail come to the proxy".to_owned())
            .map_err(|failure| failure.message()),
        is_required: false,
    }
}

fn print(feature: &Feature) {
    match &feature.found {
        Ok(how) => anstream::println!(
            "{} {:<26} {}",
            paint(GOOD, "present"),
            feature.name,
            paint(DIM, how)
        ),
        Err(why) => {
            let style = if feature.is_required { BAD } else { WARN };
            anstream::println!("{} {:<26} {why}", paint(style, "missing"), feature.name);
            if !feature.fix.is_empty() {
                anstream::println!("        {:<26} {} {}", "", paint(BOLD, "fix:"), feature.fix);
            }
        }
    }
}

fn as_json(feature: &Feature) -> serde_json::Value {
    let (present, detail) = match &feature.found {
        Ok(how) => (true, how),
        Err(why) => (false, why),
    };
    json!({
        "name": feature.name, "present": present, "required": feature.is_required,
        "detail": detail, "fix": feature.fix,
    })
}

#[cfg(test)]
mod tests {
    use super::own_namespace;

    #[test]
    fn a_root_of_a_namespace_is_told_apart_from_root() {
        assert!(
            own_namespace("         0          0 4294967295\n")
                .found
                .is_ok()
        );
        let fake = own_namespace("         0       1000          1\n");
        assert!(fake.found.unwrap_err().contains("uid 1000 outside"));
        assert!(!fake.fix.is_empty());
        for map in ["", "1000 1000 1\n", "0 100000 65536\n", "0 0 1\n"] {
            assert!(own_namespace(map).found.is_err(), "{map}");
        }
    }
}
