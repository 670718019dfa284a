//! Secrets written into a file: in a setting, a header, an argument, an address, or an allowed command.

use crate::discover::FileKind;
use crate::model::{Agent, Evidence, Place, Server};
use crate::read::{At, SourceFile};
use crate::secret;

use super::report::Report;
use super::table::{PLAINTEXT_CREDENTIAL, SECRET_IN_DISABLED_SERVER};

/// Judges every text of a file that configures an agent.
pub(super) fn judge(file: &SourceFile, agents: &[Agent], report: &mut Report<'_>) {
    match file.kind {
        FileKind::PackageJson | FileKind::Policy => {}
        FileKind::Workload if !super::container::concerns_agents(file) => {}
        FileKind::Instructions | FileKind::Dockerfile | FileKind::CodexRules => plain(file, report),
        FileKind::Compose | FileKind::Devcontainer | FileKind::Workflow
            if agents.is_empty() && !super::container::concerns_agents(file) => {}
        _ => tree(file, agents, report),
    }
}

/// A text without structure: shapes only, line by line.
fn plain(file: &SourceFile, report: &mut Report<'_>) {
    let mut at = 0;
    for line in file.text.split_inclusive('\n') {
        for range in secret::find("", line)
            .into_iter()
            .filter(|range| secret::vendor_prefix(&line[range.clone()]).is_some())
        {
            let place = file.place(at + range.start..at + range.end, "");
            report.add(
                PLAINTEXT_CREDENTIAL,
                None,
                "a secret is written into the file",
                vec![shown(place, "", &line[range])],
            );
        }
        at += line.len();
    }
}

fn tree(file: &SourceFile, agents: &[Agent], report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    let mut flag = "";
    for leaf in top.leaves() {
        let Some(text) = leaf.text() else {
            flag = "";
            continue;
        };
        let key = match leaf.key() {
            "" => flag,
            // `- name: TOKEN` and `value: …` beneath it.
            "value" if !flag.is_empty() => flag,
            own => own,
        };
        let is_flag = leaf.key().is_empty() && text.starts_with('-') && !text.contains('=');
        flag = if is_flag || leaf.key() == "name" {
            text
        } else {
            ""
        };
        for range in secret::find(key, text) {
            let found = &text[range];
            let place = leaf.place_of(found);
            let server = server(agents, &leaf);
            let (rule, reason) = match server {
                Some(server) if !server.enabled => (
                    SECRET_IN_DISABLED_SERVER,
                    "a secret is written into an entry that is switched off",
                ),
                _ => (PLAINTEXT_CREDENTIAL, "a secret is written into the file"),
            };
            report.add_with_edits(
                rule,
                server.map(|server| server.name.as_str()),
                reason,
                vec![shown(place, key, found)],
                crate::fix::secret_edits(&leaf, key, found),
            );
        }
    }
}

fn shown(place: Place, key: &str, found: &str) -> Evidence {
    let masked = secret::mask_one(found);
    let text = if key.is_empty() {
        masked
    } else {
        format!("{key}={masked}")
    };
    Evidence { place, shown: text }
}

/// The server whose entry a value stands in.
fn server<'a>(agents: &'a [Agent], leaf: &At<'_>) -> Option<&'a Server> {
    let span = &leaf.node.span;
    agents
        .iter()
        .flat_map(|agent| &agent.servers)
        .find(|server| server.place.span.start <= span.start && span.end <= server.place.span.end)
}
