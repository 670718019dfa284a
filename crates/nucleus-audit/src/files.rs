//! Names the files of a log and makes them durable and private.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The sidecar file with the signed checkpoints.
pub const CHECKPOINT_FILE: &str = "audit.checkpoints";

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";

/// The file of records with this number.
pub(crate) fn record_file(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{PREFIX}{number:04}{SUFFIX}"))
}

/// The numbers of the record files in a directory, lowest first.
pub(crate) fn record_numbers(dir: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        if let Some(number) = entry?.file_name().to_str().and_then(number_of) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number in the name of a record file, if it is one in its one spelling.
fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let number: u32 = digits.parse().ok()?;
    (format!("{number:04}") == digits).then_some(number)
}

/// The name of a path for messages and records.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Makes a directory and its parents that only the owner can enter; one that is there stays as it is.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Lets only the owner read and write the file to be made.
pub(crate) fn private_mode(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Makes a new private file for appending; one that is there is an error.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    private_mode(&mut options);
    options.open(path)
}

/// Opens a file for appending, made private if it is not there.
pub(crate) fn open_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    private_mode(&mut options);
    options.open(path)
}

/// Makes names in the directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
