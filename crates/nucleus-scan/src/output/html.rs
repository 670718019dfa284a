//! The report as one self-contained page: no script, no foreign address.

use std::fmt::Write as _;

use portcullis::Label;

use super::text::{Piece, pieces, plain};
use super::{Report, TOOL, WORST_FIRST, counted};
use crate::model::Finding;
use crate::project::{Path, Projection};
use crate::rules::rule;

/// The whole page.
#[must_use]
pub fn html(report: &Report<'_>) -> String {
    let mut out = String::from(HEAD);
    let _ = writeln!(
        out,
        "<header><h1>nucleus audit</h1><p>{} read, {} configured</p><ul class=\"tiles\">",
        counted(report.scan().files_seen.len(), "file"),
        counted(report.projections().len(), "agent")
    );
    for severity in WORST_FIRST {
        let count = report.count(severity);
        let class = if count == 0 { "none" } else { severity.word() };
        let _ = writeln!(out, "<li class=\"{class}\"><b>{count}</b> {severity}</li>");
    }
    out.push_str("</ul></header>\n<main>\n");
    out.push_str(&agents(report));
    out.push_str("<h2>Findings</h2>\n");
    let open = report.open();
    if open.is_empty() {
        out.push_str("<p class=\"clean\">Nothing found.</p>\n");
    }
    for one in &open {
        out.push_str(&finding(one));
    }
    if report.suppressed() > 0 {
        let _ = writeln!(
            out,
            "<p>{} not counted: a baseline or a comment says why.</p>",
            counted(report.suppressed(), "finding")
        );
    }
    let _ = writeln!(
        out,
        "</main>\n<footer>{} {}</footer>\n</body></html>",
        TOOL.0, TOOL.1
    );
    out
}

fn agents(report: &Report<'_>) -> String {
    if report.projections().is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>What each agent can reach</h2>\n<table><thead><tr><th>agent</th><th>untrusted content</th><th>private data</th><th>a way out</th><th>through</th></tr></thead><tbody>\n",
    );
    for one in report.projections() {
        let _ = writeln!(
            out,
            "<tr><td><b>{}</b><br><small>{}</small></td>{}{}{}<td>{}</td></tr>",
            one.client.name(),
            escaped(&one.files.join(", ")),
            leg(one, Label::UntrustedContent),
            leg(one, Label::PrivateData),
            leg(one, Label::ExfilVector),
            through(one),
        );
    }
    out.push_str("</tbody></table>\n");
    out
}

fn leg(projection: &Projection, label: Label) -> &'static str {
    if projection.legs.contains(label) {
        "<td class=\"yes\">in reach</td>"
    } else if projection.worst.contains(label) {
        "<td class=\"maybe\">worst case</td>"
    } else {
        "<td class=\"no\">no</td>"
    }
}

fn through(projection: &Projection) -> String {
    let name = |power: &crate::project::Power| {
        let unknown = match power.is_server() && !power.is_known() {
            true => " (unknown)",
            false => "",
        };
        format!("<code>{}</code>{unknown}", escaped(&power.name))
    };
    projection
        .powers
        .iter()
        .map(name)
        .collect::<Vec<_>>()
        .join(" ")
}

fn finding(one: &Finding) -> String {
    let known = rule(one.rule);
    let mut out = format!(
        "<article class=\"{0}\"><h3><span class=\"tag {0}\">{0}</span> {1} <small>{2} · {3} · {4}</small></h3>\n<p>{5}</p>\n",
        one.severity,
        escaped(known.map_or(one.rule.0, |rule| rule.title)),
        one.rule,
        one.client.name(),
        one.scope.word(),
        sentence(&one.reason),
    );
    if let Some(path) = &one.path {
        out.push_str(&drawing(path));
    }
    out.push_str("<ul class=\"evidence\">\n");
    for evidence in &one.evidence {
        let _ = writeln!(
            out,
            "<li><span>{}</span> <code>{}</code></li>",
            escaped(&evidence.place.to_string()),
            escaped(&evidence.shown)
        );
    }
    out.push_str("</ul>\n");
    if let Some(fix) = &one.fix {
        let _ = writeln!(
            out,
            "<p class=\"fix\"><b>Fix.</b> {}</p>",
            sentence(&fix.summary)
        );
    }
    for url in known.map_or(&[][..], |rule| rule.references) {
        let _ = writeln!(
            out,
            "<p class=\"reference\"><a href=\"{0}\" rel=\"noreferrer\">{0}</a></p>",
            escaped(url)
        );
    }
    out.push_str("</article>\n");
    out
}

fn drawing(path: &Path) -> String {
    let roles = ["a stranger's words", "your data", "the way out"];
    let boxes: Vec<String> = path
        .steps()
        .iter()
        .zip(roles)
        .map(|(step, role)| {
            format!(
                "<li><small>{role}</small><code>{}</code><small>{}</small></li>",
                escaped(&step.power.name),
                escaped(&step.power.place.to_string())
            )
        })
        .collect();
    format!(
        "<ol class=\"path\">{}</ol>\n",
        boxes.join("<li class=\"arrow\" aria-hidden=\"true\">→</li>")
    )
}

fn sentence(text: &str) -> String {
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Words(text) => escaped(text),
        Piece::Code(text) => format!("<code>{}</code>", escaped(text)),
    };
    pieces(text).iter().map(piece).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether a severity has a colour of its own on the page.
#[cfg(test)]
fn has_style(severity: crate::model::Severity) -> bool {
    HEAD.contains(&format!(".{severity}"))
}

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>nucleus audit</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #d5d5d5; --soft: #666; --card: #fafafa;
  --critical: #b71c1c; --high: #b45309; --medium: #7a6200; --low: #1d5f8a; --note: #5a5a5a; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #161616; --line: #3a3a3a; --soft: #a5a5a5; --card: #1e1e1e;
  --critical: #ff8a80; --high: #ffb74d; --medium: #e6cf5c; --low: #81c4ee; --note: #b0b0b0; } }
* { box-sizing: border-box } body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header, main, footer { max-width: 64rem; margin: 0 auto; padding: 1rem 1.25rem } h1 { margin: 0; font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2rem 0 .75rem }
h3 { font-size: 1rem; margin: 0 0 .25rem } h3 small { color: var(--soft); font-weight: normal } small { color: var(--soft) }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
.tiles { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; margin: 1rem 0 0 }
.tiles li { border: 1px solid var(--line); border-left: 4px solid currentColor; border-radius: 4px; padding: .35rem .75rem } .tiles .none { color: var(--soft) }
.critical { --tone: var(--critical) } .high { --tone: var(--high) } .medium { --tone: var(--medium) } .low { --tone: var(--low) } .note { --tone: var(--note) }
.tiles li:not(.none) { color: var(--tone) }
article { border: 1px solid var(--line); border-left: 4px solid var(--tone); border-radius: 4px; background: var(--card); padding: .75rem 1rem; margin: 0 0 .75rem }
article p { margin: .25rem 0 } .tag { color: var(--tone); text-transform: uppercase; font-size: .75rem; letter-spacing: .04em }
.evidence { list-style: none; padding: 0; margin: .5rem 0 } .evidence li { border-top: 1px solid var(--line); padding: .2rem 0 } .evidence span { color: var(--soft); margin-right: .5rem }
.reference { font-size: .8rem; overflow-wrap: anywhere } a { color: var(--low) }
.path { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; list-style: none; padding: 0; margin: .75rem 0 }
.path li { display: flex; flex-direction: column; border: 1px solid var(--tone); border-radius: 4px; padding: .35rem .6rem; max-width: 100% } .path .arrow { border: 0; padding: 0; font-size: 1.25rem }
table { width: 100%; border-collapse: collapse } th, td { text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); padding: .4rem .5rem; overflow-wrap: anywhere }
.yes { color: var(--critical) } .maybe { color: var(--high) } .no { color: var(--soft) }
footer { color: var(--soft); font-size: .85rem }
</style></head><body>
"#;

#[cfg(test)]
mod tests {
    use super::{WORST_FIRST, escaped, has_style};

    #[test]
    fn every_severity_has_its_colour() {
        assert!(WORST_FIRST.into_iter().all(has_style));
    }

    #[test]
    fn names_cannot_leave_their_element() {
        assert_eq!(escaped("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
