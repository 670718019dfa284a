//! Finds the policies that count and puts them in order.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nucleus_spec::{Groups, Layers, Named, Resolved, Source, resolve};

use crate::home;
use crate::report::{Failure, NOT_STARTED};
#[cfg(target_os = "linux")]
use crate::session::{HostPrograms, Registries};

/// What the command line says of the policy.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PolicyArgs {
    /// Use a shipped profile (see `nucleus profiles`)
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub(crate) profile: Option<String>,
    /// Use a policy file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<std::path::PathBuf>,
}

/// The name of a project's own policy file.
pub(crate) const PROJECT_FILE: &str = "permissions.toml";

/// The policy in force for a workspace: ceiling, user, what the command line names, project.
///
/// # Errors
/// A diagnostic with file, line and way out; the exit code is 125.
pub(crate) fn effective(args: &PolicyArgs, workspace: Option<&Path>) -> Result<Resolved, Failure> {
    resolve(&layers(args, workspace)?).map_err(|error| Failure::diagnostic(NOT_STARTED, error))
}

/// As [`effective`], with the machine's own package sources where a policy names that group.
///
/// # Errors
/// As [`effective`].
#[cfg(target_os = "linux")]
pub(crate) fn effective_here(
    args: &PolicyArgs,
    workspace: &Path,
    programs: &HostPrograms,
) -> Result<(Resolved, Registries), Failure> {
    let resolved = effective(args, Some(workspace))?;
    if !resolved.groups.contains(&"registries") {
        return Ok((resolved, Registries::default()));
    }
    let registries = Registries::ask(programs);
    let layers = Layers {
        groups: Some(Groups::with_registries(registries.rules())),
        ..layers(args, Some(workspace))?
    };
    let resolved = resolve(&layers).map_err(|error| Failure::diagnostic(NOT_STARTED, error))?;
    Ok((resolved, registries))
}

/// The texts of the policies that were found.
fn layers(args: &PolicyArgs, workspace: Option<&Path>) -> Result<Layers, Failure> {
    let user = home::config_dir().map(|dir| dir.join("policy.toml"));
    Ok(Layers {
        ceiling: ceiling(Path::new(home::CEILING))?,
        user: user.ok().map(|path| optional(&path)).transpose()?.flatten(),
        named: named(args)?,
        project: match workspace {
            Some(dir) if !is_named(args, dir) => optional(&dir.join(PROJECT_FILE))?,
            _ => None,
        },
        is_named_inside: is_inside(args, workspace),
        groups: None,
    })
}

/// Whether the file that the command line names lies in the workspace, where an agent writes.
fn is_inside(args: &PolicyArgs, workspace: Option<&Path>) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    let named = args.config.as_deref();
    let Some((named, workspace)) = named.zip(workspace.and_then(canonical)) else {
        return false;
    };
    // FAIL-CLOSED: neither where it is named nor where a link leads.
    let spelt = std::path::absolute(named).is_ok_and(|path| path.starts_with(&workspace));
    spelt || canonical(named).is_none_or(|found| found.starts_with(&workspace))
}

/// Whether the command line names the project's own file.
fn is_named(args: &PolicyArgs, workspace: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    args.config
        .as_deref()
        .and_then(canonical)
        .is_some_and(|named| canonical(&workspace.join(PROJECT_FILE)) == Some(named))
}

fn named(args: &PolicyArgs) -> Result<Option<Named>, Failure> {
    match (&args.profile, &args.config) {
        (Some(name), _) => Ok(Some(Named::Profile(name.clone()))),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            Ok(Some(Named::File(Source::new(
                path.display().to_string(),
                text,
            ))))
        }
        (None, None) => Ok(None),
    }
}

/// The administrator's policy.
///
/// FAIL-CLOSED: one that somebody other than root could have written is an error, not ignored.
fn ceiling(path: &Path) -> Result<Option<Source>, Failure> {
    let Some(source) = optional(path)? else {
        return Ok(None);
    };
    let found = std::fs::metadata(path)?;
    if found.uid() != 0 || found.mode() & 0o022 != 0 {
        let why = format!(
            "`{}` must belong to root and be writable by root alone",
            path.display()
        );
        return Err(Failure::not_started(why).help(format!(
            "run `chown root {0} && chmod 644 {0}` as root",
            path.display()
        )));
    }
    Ok(Some(source))
}

/// The text of a file that may be absent.
fn optional(path: &Path) -> Result<Option<Source>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(Source::new(path.display().to_string(), text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::not_started(format!(
        "cannot read the policy `{}`: {error}",
        path.display()
    ))
}
