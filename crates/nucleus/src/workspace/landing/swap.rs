//! Exchanges a name with a new file, and puts back what came out if it is not what was expected.

use rustix::fs::RenameFlags;
use rustix::io::Errno;

use super::{Placed, Site};
use crate::workspace::tree::shown;
use crate::workspace::{Before, WorkspaceError, fault};

/// How often the user may save while we put their file back.
const ATTEMPTS: u32 = 16;

/// Exchanges the name with `temp`, which holds `inode` of ours; afterwards `temp` is gone.
pub(super) fn exchange(
    site: &Site,
    temp: &[u8],
    inode: u64,
    before: &Before,
) -> Result<Placed, WorkspaceError> {
    match swap(site, temp) {
        Err(Errno::NOENT) => {
            site.unlink(temp)?;
            return Ok(Placed::Conflict);
        }
        other => other.map_err(WorkspaceError::io("replace", shown(site.path())))?,
    }
    fault::step("exchanged");
    let came_out = site.holds(temp)?;
    if came_out == *before {
        discard(site, temp)?;
        fault::step("replaced");
        return Ok(Placed::Done);
    }
    put_back(site, temp, inode)
}

/// Ends with the newest file of the user at the name and nothing at `temp`.
fn put_back(site: &Site, temp: &[u8], inode: u64) -> Result<Placed, WorkspaceError> {
    let io = |errno: Errno| WorkspaceError::io("restore", shown(site.path()))(errno);
    for _ in 0..ATTEMPTS {
        let older = site.inode(temp).map_err(io)?;
        if site.inode(site.name()).is_ok_and(|now| now != inode) {
            // The user has saved over ours: what came out is what they replaced.
            discard(site, temp)?;
            return Ok(Placed::Conflict);
        }
        match swap(site, temp) {
            Ok(()) => {}
            Err(Errno::NOENT) => {
                // The name is gone: the user removed it, so the last file they had is what to keep.
                match rustix::fs::renameat_with(
                    site.dir(),
                    temp,
                    site.dir(),
                    site.name(),
                    RenameFlags::NOREPLACE,
                ) {
                    Ok(()) => return Ok(Placed::Conflict),
                    Err(Errno::EXIST) => continue,
                    Err(errno) => return Err(io(errno)),
                }
            }
            Err(errno) => return Err(io(errno)),
        }
        if site.inode(temp).map_err(io)? == inode {
            site.unlink(temp)?;
            return Ok(Placed::Conflict);
        }
        // The user saved over ours, and that newer file came out: it goes back, and the older one was replaced by them.
        swap(site, temp).map_err(io)?;
        if site.inode(temp).map_err(io)? == older {
            discard(site, temp)?;
            return Ok(Placed::Conflict);
        }
    }
    Err(io(Errno::BUSY))
}

fn swap(site: &Site, temp: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(
        site.dir(),
        temp,
        site.dir(),
        site.name(),
        RenameFlags::EXCHANGE,
    )
}

/// Removes what came out; a directory there is the user's and stays.
fn discard(site: &Site, temp: &[u8]) -> Result<(), WorkspaceError> {
    site.unlink(temp)
}

#[cfg(test)]
mod tests {
    use super::exchange;
    use crate::workspace::landing::{Placed, Site};
    use crate::workspace::tree::Tree;
    use crate::workspace::{Before, HeldContent};

    /// Exchanges `f`, which holds this, with a new file, when it should hold `old`.
    fn try_exchange(holds: Option<&str>) -> (Placed, Vec<(String, String)>) {
        let dir = tempfile::tempdir().unwrap();
        if let Some(text) = holds {
            std::fs::write(dir.path().join("f"), text).unwrap();
        }
        std::fs::write(dir.path().join("t"), "new").unwrap();
        let site = Site::of(&Tree::open(dir.path()).unwrap(), b"f").unwrap();
        let before = Before::File {
            digest: HeldContent::from_bytes(&b"old"[..]).digest(),
            mode: 0o644,
        };
        let placed = exchange(&site, b"t", site.inode(b"t").unwrap(), &before).unwrap();
        let left = std::fs::read_dir(dir.path()).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        });
        (placed, left.collect())
    }

    #[test]
    fn only_what_was_expected_is_replaced() {
        let f = |text: &str| vec![("f".to_owned(), text.to_owned())];
        assert_eq!(try_exchange(Some("old")), (Placed::Done, f("new")));
        assert_eq!(
            try_exchange(Some("saved since")),
            (Placed::Conflict, f("saved since"))
        );
        assert_eq!(try_exchange(None), (Placed::Conflict, Vec::new()));
    }
}
