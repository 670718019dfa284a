//! Exchanges a name with a new file, and puts back what came out if it is not what was expected.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{Placed, Site};
use crate::workspace::tree::shown;
use crate::workspace::{Before, WorkspaceError, fault};

/// How often the user may save in the microseconds between two exchanges. What is left after that keeps its temporary name.
const ATTEMPTS: u32 = 1000;

/// Exchanges the name with `temp`, which holds what is to land; afterwards `temp` is gone.
pub(super) fn exchange(
    site: &Site,
    temp: &[u8],
    before: &Before,
) -> Result<Placed, WorkspaceError> {
    let ours = Known::at(site, temp)?;
    fault::step("compared before the exchange");
    match swap(site, site.name(), temp) {
        Err(Errno::NOENT) => {
            site.unlink(temp)?;
            return Ok(Placed::Conflict);
        }
        other => other.map_err(WorkspaceError::io("replace", shown(site.path())))?,
    }
    fault::step("exchanged");
    if site.holds(temp)? == *before {
        discard(site, temp)?;
        fault::step("replaced");
        return Ok(Placed::Done);
    }
    put_back(site, site.name(), temp, ours)?;
    Ok(Placed::Conflict)
}

/// Ends with the newest file of the user at `name` and nothing at `temp`. `placed` is what was last put at the name.
///
/// INVARIANT: the name holds `placed`, or something that the user saved after what is at `temp`. A save that comes between the
/// look and the exchange comes out at `temp`: it is newer than what was just put at the name, so the invariant holds again.
pub(super) fn put_back(
    site: &Site,
    name: &[u8],
    temp: &[u8],
    mut placed: Known,
) -> Result<(), WorkspaceError> {
    let io = |errno: Errno| WorkspaceError::io("restore", shown(site.path()))(errno);
    for _ in 0..ATTEMPTS {
        let held = Known::at(site, temp)?;
        fault::step("about to look");
        if site.inode(name).is_ok_and(|now| now != placed.inode) {
            // The user has saved over it: what came out is what they replaced.
            return discard(site, temp);
        }
        fault::step("about to put back");
        match swap(site, name, temp) {
            Ok(()) => {}
            Err(Errno::NOENT) => match give(site, temp, name) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => continue,
                Err(errno) => return Err(io(errno)),
            },
            Err(errno) => return Err(io(errno)),
        }
        fault::step("put back");
        if placed.is_still_at(site, temp)? {
            return discard(site, temp);
        }
        placed = held;
    }
    Err(io(Errno::BUSY))
}

/// A file that is known by its inode, which no other file has as long as this value lives, and by what it holds.
#[derive(Debug)]
pub(super) struct Known {
    inode: u64,
    content: Before,
    _keeps_the_inode: OwnedFd,
}

impl Known {
    /// What a name of the directory is.
    pub(super) fn at(site: &Site, name: &[u8]) -> Result<Self, WorkspaceError> {
        let io = |errno: Errno| WorkspaceError::io("look at", shown(site.path()))(errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let pinned = rustix::fs::openat(site.dir(), name, flags, Mode::empty()).map_err(io)?;
        Ok(Self {
            inode: rustix::fs::fstat(&pinned).map_err(io)?.st_ino,
            content: site.holds(name)?,
            _keeps_the_inode: pinned,
        })
    }

    /// What it held then.
    pub(super) fn content(&self) -> &Before {
        &self.content
    }

    /// Whether the name is this very file and nobody has written into it.
    fn is_still_at(&self, site: &Site, name: &[u8]) -> Result<bool, WorkspaceError> {
        let inode = site
            .inode(name)
            .map_err(WorkspaceError::io("look at", shown(site.path())))?;
        Ok(inode == self.inode && site.holds(name)? == self.content)
    }
}

fn swap(site: &Site, name: &[u8], temp: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(site.dir(), temp, site.dir(), name, RenameFlags::EXCHANGE)
}

/// Gives a name that nothing has any more to the last file the user had there.
fn give(site: &Site, temp: &[u8], name: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(site.dir(), temp, site.dir(), name, RenameFlags::NOREPLACE)
}

/// Removes what came out; a directory there is the user's and stays.
fn discard(site: &Site, temp: &[u8]) -> Result<(), WorkspaceError> {
    site.unlink(temp)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::rc::Rc;

    use super::exchange;
    use crate::workspace::landing::{Placed, Site};
    use crate::workspace::tree::Tree;
    use crate::workspace::{Before, HeldContent, fault};

    fn old() -> Before {
        Before::File {
            digest: HeldContent::from_bytes(&b"old"[..]).digest(),
            mode: 0o644,
        }
    }

    /// Exchanges `f`, which holds this, with a new file, when it should hold `old`.
    fn try_exchange(dir: &Path, holds: Option<&str>) -> (Placed, BTreeMap<String, String>) {
        if let Some(text) = holds {
            std::fs::write(dir.join("f"), text).unwrap();
        }
        std::fs::write(dir.join("t"), "new").unwrap();
        let site = Site::of(&Tree::open(dir).unwrap(), b"f").unwrap();
        let placed = exchange(&site, b"t", &old()).unwrap();
        (placed, tree(dir))
    }

    fn tree(dir: &Path) -> BTreeMap<String, String> {
        let left = std::fs::read_dir(dir).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        });
        left.collect()
    }

    fn only_f(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("f".to_owned(), text.to_owned())])
    }

    #[test]
    fn only_what_was_expected_is_replaced() {
        let run = |holds| try_exchange(tempfile::tempdir().unwrap().path(), holds);
        assert_eq!(run(Some("old")), (Placed::Done, only_f("new")));
        assert_eq!(
            run(Some("saved since")),
            (Placed::Conflict, only_f("saved since"))
        );
        assert_eq!(run(None), (Placed::Conflict, BTreeMap::new()));
    }

    /// What the user does between two steps of a landing.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Act {
        Nothing,
        /// A new file renamed over the old one.
        Rename,
        /// Two of them, so that the second may get the inode of a file that is gone.
        RenameTwice,
        /// The same file, emptied and written.
        InPlace,
        Remove,
    }

    const ACTS: [Act; 4] = [Act::Rename, Act::RenameTwice, Act::InPlace, Act::Remove];

    /// An editor that does one thing at each step of the landing.
    struct Editor {
        dir: std::path::PathBuf,
        plan: Vec<Act>,
        steps: usize,
        saves: u32,
        /// The text saved last; `None` after a removal.
        last: Option<String>,
        did_anything: bool,
    }

    impl Editor {
        fn step(&mut self) {
            let act = self.plan.get(self.steps).copied().unwrap_or(Act::Nothing);
            self.steps += 1;
            self.did_anything |= act != Act::Nothing;
            match act {
                Act::Nothing => {}
                Act::Rename => self.rename(),
                Act::RenameTwice => {
                    self.rename();
                    self.rename();
                }
                Act::InPlace => {
                    let text = self.text();
                    std::fs::write(self.dir.join("f"), text).unwrap();
                }
                Act::Remove => {
                    let _already = std::fs::remove_file(self.dir.join("f"));
                    self.last = None;
                }
            }
        }

        fn rename(&mut self) {
            let text = self.text();
            let swap = self.dir.join("f.swp");
            std::fs::write(&swap, text).unwrap();
            std::fs::rename(swap, self.dir.join("f")).unwrap();
        }

        fn text(&mut self) -> String {
            self.saves += 1;
            let text = format!("save {}", self.saves);
            self.last = Some(text.clone());
            text
        }
    }

    /// Runs one landing against one editor; returns how many steps there were.
    fn interleave(holds: &str, plan: &[Act]) -> usize {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let editor = Rc::new(RefCell::new(Editor {
            dir: dir.path().to_owned(),
            plan: plan.to_vec(),
            steps: 0,
            saves: 0,
            last: Some(holds.to_owned()),
            did_anything: holds != "old",
        }));
        let acting = Rc::clone(&editor);
        let (placed, left) = fault::at_each_step(
            move |_| acting.borrow_mut().step(),
            || try_exchange(dir.path(), Some(holds)),
        );
        let editor = editor.borrow();
        assert!(!left.contains_key("t"), "{plan:?} over {holds}: {left:?}");
        match &editor.last {
            Some(last) if editor.did_anything => {
                assert_eq!(left, only_f(last), "{plan:?} over {holds}, {placed:?}");
            }
            Some(_) => assert_eq!((placed, left), (Placed::Done, only_f("new"))),
            // What the user removed may be back, since a landing that finds nothing gives back what it holds.
            None => assert!(left.len() <= 1, "{plan:?} over {holds}: {left:?}"),
        }
        editor.steps
    }

    /// Every interleaving of a landing with up to three saves, removals or writes in place, at any of its steps.
    #[test]
    fn the_users_last_save_is_there_after_any_interleaving() {
        let plans = plans();
        let mut most = 0;
        for holds in ["old", "saved since"] {
            for plan in &plans {
                most = most.max(interleave(holds, plan));
            }
        }
        assert!(most >= 8, "saves drew the landing out: {most} steps");
        assert!(plans.len() > 5_000, "{}", plans.len());
    }

    /// Up to three acts, each at a step of its own.
    fn plans() -> Vec<Vec<Act>> {
        const STEPS: usize = 9;
        let mut plans = vec![vec![Act::Nothing; STEPS]];
        let mut latest = plans.clone();
        for _ in 0..3 {
            latest = latest.iter().flat_map(|plan| one_more(plan)).collect();
            plans.extend(latest.iter().cloned());
        }
        plans
    }

    /// The plan with one act more, after all it has.
    fn one_more(plan: &[Act]) -> Vec<Vec<Act>> {
        let from = plan
            .iter()
            .rposition(|act| *act != Act::Nothing)
            .map_or(0, |last| last + 1);
        (from..plan.len())
            .flat_map(|at| {
                ACTS.map(|act| {
                    let mut more = plan.to_vec();
                    more[at] = act;
                    more
                })
            })
            .collect()
    }
}
