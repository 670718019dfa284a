//! Plants single-line bugs in a copy of `portcullis` and `portcullis-text` and sees the laws that name them go red.

use std::path::{Path, PathBuf};

use portcullis_laws::Law;
use serde::Deserialize;

use crate::check::{Replay, Verdict, check};
use crate::emit::{self, Failure, Libraries};
use crate::ir::Module;

/// The list of planted bugs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The bugs, in order.
    pub sabotage: Vec<Sabotage>,
}

/// One bug.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sabotage {
    /// What it breaks.
    pub what: String,
    /// The file, from the root.
    pub file: PathBuf,
    /// Text that stands there exactly once.
    pub old: String,
    /// Text that replaces it.
    pub new: String,
    /// A law that must go red.
    pub law: String,
    /// Whether it is also run in CI.
    #[serde(default)]
    pub ci: bool,
}

/// What came of a planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The law is broken, or can no longer be proved for this reason.
    Red(String),
    /// The law is still proved: the bug went unseen.
    Unseen,
}

/// Plants one bug in a fresh copy and checks the law that must go red.
///
/// # Errors
/// When the text is not there exactly once, the bug does not compile or the law is unknown.
pub fn plant(root: &Path, libraries: &Libraries, bug: &Sabotage) -> Result<Outcome, Failure> {
    let place = tempfile::tempdir()?;
    for library in ["portcullis", "portcullis-text", "portcullis-laws"] {
        let from = Path::new("crates").join(library);
        copy(&root.join(&from), &place.path().join(&from))?;
    }
    let file = place.path().join(&bug.file);
    let text = std::fs::read_to_string(&file)?;
    if text.matches(&bug.old).count() != 1 {
        return Err(format!("`{}` is not in {} exactly once", bug.old, bug.file.display()).into());
    }
    std::fs::write(&file, text.replace(&bug.old, &bug.new))?;
    let law = law(&bug.law).ok_or_else(|| format!("no law is called `{}`", bug.law))?;
    let planted = emit::portcullis(place.path(), libraries, place.path())?;
    let text = emit::laws(place.path(), &planted, libraries, place.path())?;
    let checked = check(&Module::new(&text), law, Replay::Never);
    Ok(match checked.verdict {
        Verdict::Proved(_) => Outcome::Unseen,
        Verdict::Refuted(words) => Outcome::Red((law.show)(&words)),
        Verdict::Doubt(why) => Outcome::Red(why),
    })
}

fn law(name: &str) -> Option<&'static Law> {
    portcullis_laws::all().find(|law| law.name == name)
}

/// Copies a folder of sources.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
