//! Hides in the host directories that jails are shown what the policy blocks by name, as in the workspace.
//!
//! A directory in which nothing is blocked is shown as it is. Each is walked when a jail first needs it under an envelope:
//! **a blocked name that appears in it later is seen until the session ends**, since nothing watches it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use nucleus_jail::mask::build_mask;
use nucleus_jail::{Access, Owner, View};
use portcullis::envelope::Envelope;

use super::Jails;
use crate::error::Error;
use crate::workspace::{Blocked, RunDir, State, is_dependency};

/// What a host directory is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShownFor {
    /// What is in it: all of it is judged by its names.
    Data,
    /// A program that is there. The trees of dependencies in it are whole: libraries bring certificates and examples whose
    /// names are those of secrets, and do not work without.
    Program,
}

/// A shown directory: where it is on the host, where inside, and what for.
type Place = (PathBuf, PathBuf, ShownFor);

/// What is hidden of the directories that jails are shown. Masks stay until the session ends: jails may still use them.
#[derive(Debug, Default)]
pub(super) struct Hiding {
    place: Option<State>,
    of: Vec<(Blocked, BTreeMap<Place, Masked>)>,
}

/// One directory.
#[derive(Debug, Default)]
struct Masked {
    /// The mask, where it hides anything.
    mask: Option<RunDir>,
    hidden: Vec<PathBuf>,
}

impl Jails {
    /// The view of a host directory or file at this path; without what the policy blocks by name.
    ///
    /// # Errors
    /// FAIL-CLOSED: a path that the policy blocks itself, or a directory whose names cannot be hidden.
    pub fn view_of(
        &self,
        envelope: &Envelope,
        (host, inside): (&Path, &Path),
        (owner, shown_for): (Owner, ShownFor),
    ) -> Result<View, Error> {
        let blocked = Blocked::of(envelope);
        for path in [host, inside] {
            check_open(&blocked, path)?;
        }
        let (host, inside) = (host.to_owned(), inside.to_owned());
        let place = (host.clone(), inside.clone(), shown_for);
        let mask = self.with_masked(envelope, place, |masked| {
            masked.mask.as_ref().map(|mask| mask.path().to_owned())
        })?;
        Ok(match (mask, owner) {
            (Some(mask), owner) => View::Masked {
                host,
                inside,
                mask,
                owner,
            },
            (None, Owner::Jail) => View::BindOwned { host, inside },
            (None, Owner::Host) => View::Bind {
                host,
                inside,
                access: Access::ReadOnly,
            },
        })
    }

    /// The paths that jails under this envelope are not shown, although they are shown a directory above: of the directories
    /// that are declared, and of those of the agent's program.
    ///
    /// # Errors
    /// As [`Jails::view_of`].
    pub fn hidden_in_views(
        &self,
        envelope: &Envelope,
        program_dirs: &[PathBuf],
    ) -> Result<Vec<PathBuf>, Error> {
        let declared = self.declared(envelope);
        let programs = program_dirs.iter().filter(|dir| !declared.contains(dir));
        let data = declared.iter().map(|dir| (dir, ShownFor::Data));
        let mut all = Vec::new();
        for (inside, shown_for) in data.chain(programs.map(|dir| (dir, ShownFor::Program))) {
            // One that does not exist is shown nowhere.
            if let Ok(host) = inside.canonicalize() {
                let place = (host, inside.clone(), shown_for);
                all.extend(self.with_masked(envelope, place, |masked| masked.hidden.clone())?);
            }
        }
        Ok(all)
    }

    fn with_masked<T>(
        &self,
        envelope: &Envelope,
        place: Place,
        of_place: impl FnOnce(&Masked) -> T,
    ) -> Result<T, Error> {
        let mut hiding = self.hiding.lock().unwrap_or_else(PoisonError::into_inner);
        let masks_dir = self.options().masks_dir.as_deref();
        Ok(of_place(hiding.masked(envelope, place, masks_dir)?))
    }
}

impl Hiding {
    fn masked(
        &mut self,
        envelope: &Envelope,
        shown: Place,
        masks_dir: Option<&Path>,
    ) -> Result<&Masked, Error> {
        let at = match self.of.iter().position(|(own, _)| own.is_of(envelope)) {
            Some(at) => at,
            None => {
                self.of.push((Blocked::of(envelope), BTreeMap::new()));
                self.of.len() - 1
            }
        };
        let (blocked, masks) = &mut self.of[at];
        match masks.entry(shown) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let masked = if blocked.is_nothing() || !new.key().0.is_dir() {
                    Masked::default()
                } else {
                    mask(blocked, new.key(), place(&mut self.place, masks_dir)?)?
                };
                Ok(new.insert(masked))
            }
        }
    }
}

/// Walks the directory and masks what is blocked in it by the name that it has on the host or inside.
fn mask(
    blocked: &Blocked,
    (host, inside, shown_for): &Place,
    place: &State,
) -> Result<Masked, Error> {
    let failed = |error| {
        let what = format!("cannot hide what the policy blocks in `{}`", host.display());
        Error::failed(what, error)
    };
    let into = place.fresh_dir("view")?;
    let shown = File::open(host).map_err(failed)?;
    let layer = File::open(into.path()).map_err(failed)?;
    let mut whole = Vec::new();
    let mut is_blocked = |above: &Path, path: &[u8]| {
        whole.clear();
        whole.extend_from_slice(whole_name(above));
        whole.push(b'/');
        whole.extend_from_slice(path);
        blocked.holds(&whole) && !(*shown_for == ShownFor::Program && is_dependency(&whole))
    };
    let mask = build_mask(shown.as_fd(), layer.as_fd(), |path, _| {
        is_blocked(host, path) || (host != inside && is_blocked(inside, path))
    })?;
    let hidden: Vec<_> = mask.hidden.iter().map(|path| inside.join(path)).collect();
    Ok(Masked {
        mask: (!hidden.is_empty()).then_some(into),
        hidden,
    })
}

/// FAIL-CLOSED: without a place for masks nothing could be hidden.
fn place<'p>(place: &'p mut Option<State>, dir: Option<&Path>) -> Result<&'p State, Error> {
    let open = match place.take() {
        Some(open) => open,
        None => State::open(dir.ok_or_else(|| {
            let why = "no directory was named for the masks of shown directories\nhelp: set `JailOptions::masks_dir`";
            Error::Invalid(why.to_owned())
        })?)?,
    };
    Ok(place.insert(open))
}

/// FAIL-CLOSED: what the policy blocks, or lies below what it blocks, is not shown because somebody also named it.
fn check_open(blocked: &Blocked, path: &Path) -> Result<(), Error> {
    let name = whole_name(path);
    let mut ends = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    if !blocked.holds(name) && !ends.any(|(end, _)| blocked.holds(&name[..end])) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "`{}` cannot be shown to jails: the policy blocks that name\nhelp: show another directory, or change `blocked` under [paths]",
        path.display()
    )))
}

/// The name that patterns are matched against: from the root of the host on, so that one of the workspace alone is none here.
fn whole_name(path: &Path) -> &[u8] {
    let name = path.as_os_str().as_bytes();
    name.strip_prefix(b"/").unwrap_or(name)
}
