//! Turns a draft into the body of a record, with every text redacted.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis::path::RelPath;
use portcullis::request::{CommandSubject, Request, Subject, UrlSubject};

use super::known::Known;
use super::names::{announces_secret, has_glued_password};
use super::{MARK, MAX_TEXT_BYTES, Redactor, left_out, scan};
use crate::draft::{Draft, Judgement, Matter, Start};
use crate::record::{Body, BudgetPart, Detail, ExposurePart, HexBytes, Layer, Probe, RequestPart};
use crate::subject::RecordedSubject;

/// The most elements of a list in a record.
const MAX_LISTED: usize = 4096;

/// The body of the record that the draft describes.
pub(crate) fn redact(redactor: &Redactor, draft: &Draft<'_>) -> Body {
    let mut pen = Pen {
        known: redactor.known(),
        redacted: Vec::new(),
    };
    let context = &draft.context;
    let principal = pen.text("principal", context.principal);
    let judged = match &draft.matter {
        Matter::Judged(judged) => Some(judged),
        _ => None,
    };
    let subject = judged.map(|judged| pen.subject(judged.request.subject()));
    let request = judged.map(|judged| pen.request(judged));
    let detail = pen.detail(&draft.matter);
    Body {
        parent: context.parent,
        boot_ms: context.times.boot_ms,
        wall_unix_ms: context.times.wall_unix_ms,
        principal,
        kind: draft.kind,
        operations: judged
            .map(|judged| judged.request.operations())
            .unwrap_or_default(),
        subject,
        redacted: pen.redacted,
        request,
        facts: judged.map(|judged| judged.facts),
        decision: judged.map(|judged| judged.part),
        exposure: ExposurePart {
            before: draft.before,
            after: context.exposure,
        },
        envelope: context.envelope,
        budget: BudgetPart::from(context.budget),
        detail,
    }
}

/// Writes the texts of one record and remembers where something was left out.
struct Pen {
    known: Arc<Known>,
    redacted: Vec<String>,
}

impl Pen {
    /// Remembers that something of this member was left out.
    fn left_out_of(&mut self, member: &'static str) {
        if !self.redacted.iter().any(|known| known == member) {
            self.redacted.push(member.to_owned());
        }
    }

    /// One text of this member.
    fn text(&mut self, member: &'static str, text: &str) -> String {
        self.part(member, text, false)
    }

    /// One text of this member; `armed` says that it is secret as a whole.
    fn part(&mut self, member: &'static str, text: &str, armed: bool) -> String {
        if text.len() > MAX_TEXT_BYTES {
            self.left_out_of(member);
            return left_out(text);
        }
        let unknown = self.known.remove_from(text);
        let is_known = matches!(unknown, Cow::Owned(_));
        match scan::scan(&unknown, armed) {
            Some(cleaned) => {
                self.left_out_of(member);
                cleaned
            }
            None => {
                if is_known {
                    self.left_out_of(member);
                }
                unknown.into_owned()
            }
        }
    }

    fn path(&mut self, member: &'static str, path: &RelPath) -> String {
        self.text(member, path.as_str())
    }

    /// The texts of a list, cut to its bound.
    fn texts<'t>(
        &mut self,
        member: &'static str,
        texts: impl ExactSizeIterator<Item = &'t str>,
    ) -> Vec<String> {
        let more = texts.len().saturating_sub(MAX_LISTED);
        let mut kept: Vec<_> = texts
            .take(MAX_LISTED)
            .map(|text| self.text(member, text))
            .collect();
        if more > 0 {
            self.left_out_of(member);
            kept.push(format!("[left out: {more} more]"));
        }
        kept
    }

    fn request(&mut self, judged: &Judgement<'_>) -> RequestPart {
        let request: &Request = judged.request;
        let provenance = request.provenance();
        RequestPart {
            digest: request.digest(),
            content: request.content().digest(),
            carried: request.carried(),
            accepted_by: provenance
                .accepted_by
                .as_deref()
                .map(|rule| self.text("accepted_by", rule)),
            planned_step: provenance.planned_step,
        }
    }

    fn subject(&mut self, subject: &Subject) -> RecordedSubject {
        match subject {
            Subject::Path(path) => RecordedSubject::Path {
                path: self.path("path", path),
            },
            Subject::Move { from, to } => RecordedSubject::Move {
                from: self.path("from", from),
                to: self.path("to", to),
            },
            Subject::Command(command) => self.command(command),
            Subject::Query { backend, text } => RecordedSubject::Query {
                backend: self.text("backend", &backend.to_string()),
                text: self.text("text", text),
            },
            Subject::Url(url) => self.url(url),
            Subject::Commit {
                repository,
                branch,
                message,
                paths,
            } => RecordedSubject::Commit {
                repository: self.path("repository", repository),
                branch: self.text("branch", branch),
                message: self.text("message", message),
                paths: self.texts("paths", paths.iter().map(RelPath::as_str)),
            },
            Subject::Push {
                url,
                reference,
                old,
                new,
                paths,
            } => RecordedSubject::Push {
                url: self.text("url", url),
                reference: self.text("reference", reference),
                old: self.text("old", old),
                new: self.text("new", new),
                paths: self.texts("paths", paths.iter().map(RelPath::as_str)),
            },
            Subject::PullRequest {
                url,
                base,
                head,
                text,
            } => {
                self.left_out_of("text");
                RecordedSubject::PullRequest {
                    url: self.text("url", url),
                    base: self.text("base", base),
                    head: self.text("head", head),
                    text_bytes: text.len() as u64,
                }
            }
            Subject::Child { envelope } => RecordedSubject::Child {
                envelope: *envelope,
            },
            Subject::Tool { .. } => self.tool(subject),
            // FAIL-CLOSED: a form that this version does not know is kept out whole.
            _ => {
                self.left_out_of("subject");
                RecordedSubject::Other {
                    name: "unknown".to_owned(),
                }
            }
        }
    }

    fn command(&mut self, command: &CommandSubject) -> RecordedSubject {
        if command
            .environment
            .iter()
            .any(|(_, value)| !value.is_empty())
        {
            self.left_out_of("environment");
        }
        RecordedSubject::Command {
            argv: self.argv(command.argv.words()),
            cwd: self.path("cwd", &command.cwd),
            environment: self.texts(
                "environment",
                command.environment.iter().map(|(name, _)| name.as_str()),
            ),
            stdin: command.stdin,
            executable: command.executable,
        }
    }

    /// The arguments, each read with what the one before says of it.
    fn argv(&mut self, argv: &[String]) -> Vec<String> {
        let mut armed = false;
        let mut program = "";
        let mut kept = Vec::with_capacity(argv.len().min(MAX_LISTED));
        for argument in argv.iter().take(MAX_LISTED) {
            let is_glued = has_glued_password(program, argument);
            if is_glued {
                self.left_out_of("argv");
                kept.push(format!("{}{MARK}", argument.get(..2).unwrap_or_default()));
            } else {
                kept.push(self.part("argv", argument, armed));
            }
            armed = !armed && !is_glued && announces_secret(program, argument);
            if !argument.starts_with('-') {
                let base = argument.rsplit('/').next().unwrap_or(argument);
                program = if is_program_name(base, program) {
                    base
                } else {
                    program
                };
            }
        }
        if argv.len() > MAX_LISTED {
            self.left_out_of("argv");
            kept.push(format!("[left out: {} more]", argv.len() - MAX_LISTED));
        }
        kept
    }

    fn url(&mut self, url: &UrlSubject) -> RecordedSubject {
        RecordedSubject::Url {
            method: self.text("method", &url.method),
            scheme: self.text("scheme", &url.scheme),
            host: self.text("host", &url.host.to_string()),
            port: url.port,
            path: url
                .path
                .as_ref()
                .map(|path| self.text("path", path.as_str())),
            query: self.text("query", &url.query),
            upgrade: url.upgrade,
            credential: url
                .credential
                .as_deref()
                .map(|name| self.text("credential", name)),
        }
    }

    fn tool(&mut self, subject: &Subject) -> RecordedSubject {
        let Subject::Tool {
            server,
            tool,
            pin,
            arguments,
            class,
            is_classified,
        } = subject
        else {
            return RecordedSubject::Other {
                name: "tool".to_owned(),
            };
        };
        RecordedSubject::Tool {
            server: self.text("server", server),
            tool: self.text("tool", tool),
            pin: *pin,
            arguments: self.text("arguments", arguments),
            sources: class.sources,
            exfil: class.sinks.exfil,
            effect: class.sinks.effect,
            classified: *is_classified,
        }
    }

    fn detail(&mut self, matter: &Matter<'_>) -> Option<Detail> {
        Some(match matter {
            Matter::Judged(_) => return None,
            Matter::Start(start) => self.start(start),
            Matter::Outcome {
                of,
                effect,
                why,
                used,
            } => Detail::Outcome {
                of: *of,
                effect: *effect,
                why: self.text("detail", why),
                used: *used,
            },
            Matter::Tighten(envelope) => Detail::Tighten {
                envelope: HexBytes(envelope.to_bytes()),
            },
            Matter::Approval(given) => Detail::Approval {
                request: given.request,
                shown: given.shown,
                approver: self.text("detail", given.approver),
                via: self.text("detail", given.via),
            },
            Matter::Recovered {
                file,
                bytes,
                digest,
            } => Detail::Recovered {
                file: (*file).to_owned(),
                bytes: *bytes,
                digest: *digest,
            },
            Matter::Text(text) => Detail::Text {
                text: self.text("detail", text),
            },
        })
    }

    fn start(&mut self, start: &Start<'_>) -> Detail {
        let layers = start.layers.iter().map(|layer| Layer {
            name: self.text("detail", &layer.name),
            state: self.text("detail", &layer.state),
            detail: self.text("detail", &layer.detail),
        });
        let layers = layers.collect();
        let probes = start.probes.iter().map(|probe| Probe {
            name: self.text("detail", &probe.name),
            held: probe.held,
            detail: self.text("detail", &probe.detail),
        });
        Detail::Start {
            envelope: HexBytes(start.envelope.to_bytes()),
            boundary: start.boundary,
            probes: probes.collect(),
            layers,
            software: self.text("detail", start.software),
        }
    }
}

/// Whether an argument may name the program that the next flags are for.
fn is_program_name(base: &str, program: &str) -> bool {
    program.is_empty() || super::names::takes_credentials(base)
}
