//! The environment of a command: a short list, names the policy declares, and the agent's own.

use portcullis::envelope::Envelope;

use crate::error::Error;

/// Where programs are looked for, before the directories of declared views.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where a command's fresh home is.
pub(crate) const HOME: &str = "/home/agent";
/// The most variables the agent may add, and their bytes in all.
const MAX_OWN: (usize, usize) = (256, 128 << 10);

/// The whole environment of a command, by name; later ones win.
pub(crate) fn environment(
    envelope: &Envelope,
    host: &[(String, String)],
    program_dirs: &[String],
    own: &[(String, String)],
) -> Result<Vec<(String, String)>, Error> {
    check_own(own)?;
    let path = program_dirs
        .iter()
        .map(String::as_str)
        .chain([PATH])
        .collect::<Vec<_>>()
        .join(":");
    let mut all = vec![
        ("PATH".to_owned(), path),
        ("HOME".to_owned(), HOME.to_owned()),
        ("USER".to_owned(), "agent".to_owned()),
        ("LOGNAME".to_owned(), "agent".to_owned()),
        ("SHELL".to_owned(), "/bin/sh".to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("TERM".to_owned(), "dumb".to_owned()),
        ("TMPDIR".to_owned(), "/tmp".to_owned()),
    ];
    let declared = &envelope.declarations().environment;
    for (name, value) in host {
        if declared.holds(|pattern| pattern.matches(name)) {
            set(&mut all, name, value);
        }
    }
    for (name, value) in own {
        set(&mut all, name, value);
    }
    Ok(all)
}

fn set(all: &mut Vec<(String, String)>, name: &str, value: &str) {
    all.retain(|(known, _)| known != name);
    all.push((name.to_owned(), value.to_owned()));
}

fn check_own(own: &[(String, String)]) -> Result<(), Error> {
    let bytes: usize = own
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if own.len() > MAX_OWN.0 || bytes > MAX_OWN.1 {
        return Err(Error::Invalid("too many environment variables".to_owned()));
    }
    let is_name = |name: &str| {
        !name.is_empty() && !name.contains(['=', '\0']) && !name.chars().any(char::is_control)
    };
    match own
        .iter()
        .find(|(name, value)| !is_name(name) || value.contains('\0'))
    {
        None => Ok(()),
        Some((name, _)) => Err(Error::Invalid(format!(
            "`{}` is no environment variable",
            crate::monitor::cut(name)
        ))),
    }
}
