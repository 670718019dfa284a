//! The file tools.

use nucleus::Error;
use nucleus::sandbox::{EditPair, LineRange, Occurrences, Sandbox, Written};
use nucleus::search::{Case, GlobQuery, GrepQuery, Ignored};
use portcullis::path::RelPath;
use serde_json::json;

use super::text;
use crate::arguments::{EditArgs, GlobArgs, GrepArgs, ReadArgs, WriteArgs};
use crate::hands::Reply;

/// A reply that worked.
fn done(text: String, data: serde_json::Value) -> Reply {
    Reply {
        text,
        data,
        is_error: false,
    }
}

/// `read`
pub(super) fn read(sandbox: &Sandbox, args: &ReadArgs) -> Result<Reply, Error> {
    let usual = LineRange::default();
    let number = |given: Option<u64>, usual: usize| {
        given.map_or(usual, |value| usize::try_from(value).unwrap_or(usize::MAX))
    };
    let range = LineRange {
        first: number(args.offset, usual.first),
        count: number(args.limit, usual.count),
    };
    let part = sandbox.read(&args.path, range)?;
    let data = json!({
        "path": args.path, "first_line": part.first_line, "lines": part.lines,
        "total_lines": part.total_lines, "total_bytes": part.total_bytes, "is_cut": part.is_cut,
    });
    let mut text = part.text;
    if part.is_cut {
        let next = part.first_line + part.lines;
        text.push_str(&format!(
            "\n[{} of {} lines; go on with offset {next}]",
            part.lines, part.total_lines
        ));
    }
    Ok(done(text, data))
}

/// `write`
pub(super) fn write(sandbox: &Sandbox, args: &WriteArgs) -> Result<Reply, Error> {
    let written = sandbox.write(&args.path, args.content.as_bytes())?;
    Ok(changed(&args.path, &written, "wrote"))
}

/// `edit`
pub(super) fn edit(sandbox: &Sandbox, args: &EditArgs) -> Result<Reply, Error> {
    let pair = EditPair {
        old: &args.old_text,
        new: &args.new_text,
    };
    let occurrences = match args.replace_all {
        Some(true) => Occurrences::All,
        _ => Occurrences::One,
    };
    let written = sandbox.edit(&args.path, pair, occurrences)?;
    Ok(changed(&args.path, &written, "edited"))
}

/// What a change came to.
fn changed(path: &str, written: &Written, verb: &str) -> Reply {
    let text = if written.is_landed() {
        format!("{verb} {path}")
    } else {
        text::held_back(&written.changes)
    };
    let data = json!({ "path": path, "changes": text::as_data(&written.changes) });
    Reply {
        text,
        data,
        is_error: !written.is_landed(),
    }
}

/// The directory or file that a search is about.
fn place(path: Option<&String>, sandbox: &Sandbox) -> Result<RelPath, Error> {
    match path {
        None => Ok(RelPath::root()),
        Some(path) => match sandbox.view().root().to_str() {
            Some(root) => Ok(RelPath::beneath(root, path)?),
            None => Ok(RelPath::parse(path)?),
        },
    }
}

/// `glob`
pub(super) fn glob(sandbox: &Sandbox, args: &GlobArgs) -> Result<Reply, Error> {
    let found = sandbox.glob(&GlobQuery {
        pattern: args.pattern.clone(),
        dir: place(args.path.as_ref(), sandbox)?,
        ignored: Ignored::Skip,
    })?;
    let paths: Vec<&str> = found.paths.iter().map(RelPath::as_str).collect();
    let mut text = if paths.is_empty() {
        "no file matches".to_owned()
    } else {
        paths.join("\n")
    };
    if found.is_cut {
        text.push_str("\n[more files match; narrow the pattern]");
    }
    Ok(done(
        text,
        json!({ "paths": paths, "is_cut": found.is_cut }),
    ))
}

/// `grep`
pub(super) fn grep(sandbox: &Sandbox, args: &GrepArgs) -> Result<Reply, Error> {
    let found = sandbox.grep(&GrepQuery {
        pattern: args.pattern.clone(),
        path: place(args.path.as_ref(), sandbox)?,
        glob: args.glob.clone(),
        case: if args.ignore_case == Some(true) {
            Case::Insensitive
        } else {
            Case::Sensitive
        },
        ignored: Ignored::Skip,
    })?;
    let lines: Vec<String> = found
        .matches
        .iter()
        .map(|hit| format!("{}:{}:{}", hit.path.as_str(), hit.line, hit.text.trim_end()))
        .collect();
    let mut text = if lines.is_empty() {
        "no line matches".to_owned()
    } else {
        lines.join("\n")
    };
    if found.is_cut {
        text.push_str("\n[more lines match; narrow the search]");
    }
    let matches: Vec<_> = found
        .matches
        .iter()
        .map(|hit| json!({ "path": hit.path.as_str(), "line": hit.line, "text": hit.text }))
        .collect();
    Ok(done(
        text,
        json!({ "matches": matches, "is_cut": found.is_cut }),
    ))
}
