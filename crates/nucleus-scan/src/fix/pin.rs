//! An exact version from a lock file takes the place of none.

use std::ops::Range;
use std::sync::Arc;

use super::question::is_exact;
use crate::launch::{Registry, npm_spec};
use crate::model::{Edit, Unpinned};
use crate::read::SourceFile;
use crate::rules::Surroundings;

/// The rewrite that pins a package, if a lock file of the registry it is fetched from knows its version.
pub(crate) fn pin(
    file: &SourceFile,
    unpinned: &Unpinned,
    surroundings: &Surroundings,
) -> Option<Edit> {
    let span = inner(&file.text, unpinned.place.span.into())?;
    let name = name(&file.text[span.clone()], unpinned.registry)?;
    let version = surroundings
        .locked(unpinned.registry, &name)
        .filter(|version| is_exact(version))?;
    Some(Edit {
        file: Arc::clone(&file.name),
        span: span.into(),
        replacement: pinned(&name, version, unpinned.registry),
    })
}

/// A package with its version as its registry's clients write it.
pub(super) fn pinned(name: &str, version: &str, registry: Registry) -> String {
    match registry {
        Registry::PyPi => format!("{name}=={version}"),
        Registry::Npm | Registry::Other => format!("{name}@{version}"),
    }
}

/// The bytes of a span without surrounding quotes.
pub(super) fn inner(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let bare = crate::secret::bare(text.get(span.clone())?);
    Some(span.start + bare.start..span.start + bare.end)
}

/// The name of a package where the whole text is its name and at most a version. Nothing is known of other registries, addresses, extras and lists.
pub(super) fn name(text: &str, registry: Registry) -> Option<String> {
    match registry {
        Registry::Npm => npm_spec(text)
            .map(|package| package.name)
            .filter(|name| !name.contains(':')),
        Registry::PyPi => python(text),
        Registry::Other => None,
    }
}

fn python(text: &str) -> Option<String> {
    let end = text
        .find(['=', '<', '>', '~', '!', '@'])
        .unwrap_or(text.len());
    let (name, version) = text.split_at(end);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let of_version = |b: u8| plain(b) || b"=<>~!@*+".contains(&b);
    let fits = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(plain)
        && version.bytes().all(of_version);
    fits.then(|| name.to_owned())
}
