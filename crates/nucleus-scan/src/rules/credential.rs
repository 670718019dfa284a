//! Secrets written into a file: in a setting, a header, an argument, an address, or an allowed command.

use crate::discover::FileKind;
use crate::fix::References;
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
        FileKind::Environment if !super::container::concerns_agents(file) => {}
        FileKind::Environment
        | FileKind::Instructions
        | FileKind::Dockerfile
        | FileKind::CodexRules => plain(file, report),
        FileKind::Compose | FileKind::Devcontainer | FileKind::Workflow | FileKind::Pipeline
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

/// What a text of a tree is assigned to, told by the texts before it in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Naming<'a> {
    flag: &'a str,
}

impl<'a> Naming<'a> {
    /// The name for a text under its own key, which is empty for an item of a list; nothing for what is no text.
    pub(crate) fn name(&mut self, own: &'a str, text: Option<&'a str>) -> Option<&'a str> {
        let flag = std::mem::take(&mut self.flag);
        let text = text?;
        let is_flag = own.is_empty() && text.starts_with('-') && !text.contains('=');
        if is_flag || own == "name" {
            self.flag = text;
        }
        match own {
            "" => Some(flag),
            // `- name: TOKEN` and `value: …` beneath it.
            "value" if !flag.is_empty() => Some(flag),
            own => Some(own),
        }
    }
}

fn tree(file: &SourceFile, agents: &[Agent], report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    let servers = Servers::of(agents);
    let mut references = References::of(file);
    let mut naming = Naming::default();
    for leaf in top.leaves() {
        let Some((key, text)) = naming.name(leaf.key(), leaf.text()).zip(leaf.text()) else {
            continue;
        };
        let outer = leaf.place();
        let mut finder = file.finder(&outer);
        for range in secret::find(key, text) {
            let found = &text[range.clone()];
            let place = finder.next(found);
            let server = servers.around(&leaf);
            let (rule, reason) = match server {
                Some(server) if !server.enabled => (
                    SECRET_IN_DISABLED_SERVER,
                    "a secret is written into an entry that is switched off",
                ),
                _ => (PLAINTEXT_CREDENTIAL, "a secret is written into the file"),
            };
            report.add_with_reference(
                rule,
                server.map(|server| server.name.as_str()),
                reason,
                shown(place, key, found),
                references.edits(&leaf, key, range),
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

/// Servers by where they begin; none stands within another.
struct Servers<'a>(Vec<&'a Server>);

impl<'a> Servers<'a> {
    fn of(agents: &'a [Agent]) -> Self {
        let mut servers: Vec<&Server> = agents.iter().flat_map(|agent| &agent.servers).collect();
        servers.sort_by_key(|server| server.place.span.start);
        Self(servers)
    }

    /// The server whose entry a value stands in.
    fn around(&self, leaf: &At<'_>) -> Option<&'a Server> {
        let span = &leaf.node.span;
        let after = self
            .0
            .partition_point(|server| server.place.span.start <= span.start);
        let last = self.0[..after].last()?;
        (span.end <= last.place.span.end).then_some(*last)
    }
}
