//! `nucleus profiles`: what is shipped, for whom, and what it can never do.

use nucleus_spec::{print_policy, profile, profiles};
use portcullis::{Envelope, Operation};
use serde_json::json;

use crate::policy::{PolicyArgs, effective};
use crate::report::Failure;
use crate::style::{BOLD, DIM, paint};

/// Arguments of `nucleus profiles`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print a profile in full, shipped defaults included; without a name, the policy in force here
    Show {
        /// Name of the profile; a hyphen and an underscore are the same
        name: Option<String>,
        /// Print the file as shipped instead
        #[arg(long)]
        source: bool,
    },
    /// Print the JSON Schema of policy files
    Schema,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    match &args.what {
        None if args.json => list_json(),
        None => list(),
        Some(What::Schema) => anstream::println!("{}", nucleus_spec::json_schema()),
        Some(What::Show { name: None, .. }) => {
            let here = std::env::current_dir()?;
            let resolved = effective(&PolicyArgs::default(), Some(&here))?;
            for source in &resolved.sources {
                anstream::eprintln!("{}", paint(DIM, format!("from {}", source.name)));
            }
            show(&resolved.envelope, args.json);
        }
        Some(What::Show {
            name: Some(name),
            source,
        }) => show_named(name, *source, args.json)?,
    }
    Ok(0)
}

fn list() {
    for shipped in profiles() {
        let also = match shipped.aliases {
            [] => String::new(),
            names => paint(DIM, format!(" (also {})", names.join(", "))),
        };
        anstream::println!("{}{also}", paint(BOLD, shipped.name));
        anstream::println!("    {}", shipped.sentence);
        anstream::println!("    {} {}", paint(DIM, "never:"), shipped.never);
    }
    anstream::eprintln!("{}", paint(DIM, "one in full: nucleus profiles show NAME"));
}

fn list_json() {
    let all: Vec<_> = profiles()
        .iter()
        .map(|shipped| {
            json!({
                "name": shipped.name, "aliases": shipped.aliases,
                "sentence": shipped.sentence, "never": shipped.never,
            })
        })
        .collect();
    anstream::println!("{:#}", json!(all));
}

fn show_named(name: &str, is_source: bool, is_json: bool) -> Result<(), Failure> {
    let args = PolicyArgs {
        profile: Some(name.to_owned()),
        config: None,
    };
    let Some(shipped) = profile(name) else {
        // The resolver's own error suggests the nearest name.
        return effective(&args, None).map(|_| ());
    };
    if is_source {
        anstream::print!("{}", shipped.text);
        return Ok(());
    }
    let policy = nucleus_spec::parse_policy(&shipped.source())
        .map_err(|error| Failure::diagnostic(crate::report::FAILED, error))?;
    show(policy.envelope(), is_json);
    Ok(())
}

fn show(envelope: &Envelope, is_json: bool) {
    if is_json {
        let levels: serde_json::Map<_, _> = Operation::ALL
            .into_iter()
            .map(|op| (op.name().to_owned(), json!(envelope.level(op).name())))
            .collect();
        anstream::println!(
            "{:#}",
            json!({
                "version": 1, "digest": envelope.digest().to_string(), "capabilities": levels,
                "policy": print_policy(envelope),
            })
        );
    } else {
        anstream::print!("{}", print_policy(envelope));
    }
}
