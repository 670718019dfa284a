//! Cedar's side: the same rules as policies, in two spellings of which the faster one is the rival.

use std::error::Error;
use std::hint::black_box;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Response,
    RestrictedExpression,
};

use crate::answer::Answer;
use crate::mix::Case;
use crate::rules::{self, CommandRule, HostRule, PathRule};

/// How many arguments of a command the policies can see.
const ARGUMENTS: [&str; 3] = ["arg0", "arg1", "arg2"];

/// How the rules are cut into policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// One policy for each rule, as a person writes them.
    PolicyPerRule,
    /// One `permit` and one `forbid` for paths, for commands and for hosts, the rules joined by `||`.
    PolicyPerSection,
}

/// The policies, and what every request shares.
#[derive(Debug)]
pub(crate) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    principal: EntityUid,
    resource: EntityUid,
    read: EntityUid,
    write: EntityUid,
    run: EntityUid,
    fetch: EntityUid,
}

impl Cedar {
    /// The policies of all rules.
    pub(crate) fn new(spelling: Spelling) -> Result<Self, Box<dyn Error>> {
        let action =
            |name: &str| EntityUid::from_str(&format!("Action::\"{name}\"")).map_err(Box::new);
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(&text(spelling))?,
            entities: Entities::empty(),
            principal: EntityUid::from_str("User::\"1000\"")?,
            resource: EntityUid::from_str("Workspace::\"here\"")?,
            read: action("read_files")?,
            write: action("write_files")?,
            run: action("run_bash")?,
            fetch: action("web_fetch")?,
        })
    }

    /// The request of a case, from its texts.
    pub(crate) fn request(&self, case: &Case) -> Result<Request, Box<dyn Error>> {
        let (action, attributes) = match *case {
            Case::Read(path) => (&self.read, path_attributes(path)),
            Case::Write(path) => (&self.write, path_attributes(path)),
            Case::Run(words) => (&self.run, command_attributes(words)),
            Case::Fetch(method, host, port, path) => {
                (&self.fetch, url_attributes(method, host, port, path))
            }
        };
        Ok(Request::new(
            self.principal.clone(),
            action.clone(),
            self.resource.clone(),
            Context::from_pairs(attributes)?,
            None,
        )?)
    }

    /// The response.
    pub(crate) fn decide(&self, request: &Request) -> Response {
        self.authorizer.is_authorized(
            black_box(request),
            black_box(&self.policies),
            black_box(&self.entities),
        )
    }

    /// The response in the words of both; an error of any policy is an error here.
    pub(crate) fn answer(&self, request: &Request) -> Result<Answer, Box<dyn Error>> {
        let response = self.decide(request);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(error.to_string().into());
        }
        let is_forbidden = response.diagnostics().reason().next().is_some();
        Ok(match response.decision() {
            Decision::Allow => Answer::Permit,
            Decision::Deny if is_forbidden => Answer::Deny,
            Decision::Deny => Answer::Ask,
        })
    }
}

type Attribute = (String, RestrictedExpression);

fn attribute(name: &str, text: &str) -> Attribute {
    (
        name.to_owned(),
        RestrictedExpression::new_string(text.to_owned()),
    )
}

fn path_attributes(path: &str) -> Vec<Attribute> {
    let folded = path.to_ascii_lowercase();
    vec![attribute("path", path), attribute("folded", &folded)]
}

fn command_attributes(words: &[&str]) -> Vec<Attribute> {
    let names = ["program"].into_iter().chain(ARGUMENTS);
    let seen = names.zip(words).map(|(name, word)| attribute(name, word));
    seen.collect()
}

fn url_attributes(method: &str, host: &str, port: u16, path: &str) -> Vec<Attribute> {
    let port = RestrictedExpression::new_long(i64::from(port));
    vec![
        attribute("method", method),
        attribute("host", host),
        ("port".to_owned(), port),
        attribute("path", path),
    ]
}

/// The text of all policies.
fn text(spelling: Spelling) -> String {
    let files = "action in [Action::\"read_files\", Action::\"write_files\"]";
    let runs = "action == Action::\"run_bash\"";
    let fetches = "action == Action::\"web_fetch\"";
    let listed = |rule: &PathRule| path(rule, "path");
    let blocked = |rule: &PathRule| path(rule, "folded");
    [
        policies(
            spelling,
            "permit",
            files,
            rules::LISTED_PATHS.iter().map(listed),
        ),
        policies(
            spelling,
            "forbid",
            files,
            rules::BLOCKED_PATHS.iter().map(blocked),
        ),
        policies(
            spelling,
            "permit",
            runs,
            rules::LISTED_COMMANDS.iter().map(command),
        ),
        policies(
            spelling,
            "forbid",
            runs,
            rules::BLOCKED_COMMANDS.iter().map(command),
        ),
        policies(
            spelling,
            "permit",
            fetches,
            rules::LISTED_HOSTS.iter().map(host),
        ),
        policies(
            spelling,
            "forbid",
            fetches,
            rules::BLOCKED_HOSTS.iter().map(host),
        ),
    ]
    .concat()
}

fn policies(
    spelling: Spelling,
    effect: &str,
    action: &str,
    conditions: impl Iterator<Item = String>,
) -> String {
    let policy =
        |when: &str| format!("{effect}(principal, {action}, resource) when {{ {when} }};\n");
    match spelling {
        Spelling::PolicyPerRule => conditions.map(|when| policy(&when)).collect(),
        Spelling::PolicyPerSection => {
            let all: Vec<String> = conditions.map(|when| format!("({when})")).collect();
            policy(&all.join(" || "))
        }
    }
}

fn path(rule: &PathRule, attribute: &str) -> String {
    let seen = format!("context.{attribute}");
    match rule {
        PathRule::Beneath(name) | PathRule::File(name) => {
            format!("{seen} == \"{name}\" || {seen} like \"{name}/*\"")
        }
        PathRule::Ending(ending) => {
            format!("{seen} like \"*{ending}\" || {seen} like \"*{ending}/*\"")
        }
        PathRule::Name(name) => format!(
            "{seen} == \"{name}\" || {seen} like \"{name}/*\" || {seen} like \"*/{name}\" || {seen} like \"*/{name}/*\""
        ),
    }
}

fn command(CommandRule(program, args): &CommandRule) -> String {
    let named = format!("context.program == \"{program}\"");
    let spelled = ARGUMENTS
        .iter()
        .zip(args.iter())
        .map(|(name, word)| format!(" && context has {name} && context.{name} == \"{word}\""));
    [named].into_iter().chain(spelled).collect()
}

fn host(rule: &HostRule) -> String {
    let web = "(context.port == 443 || context.port == 80)";
    match rule {
        HostRule::Host(host) => format!("context.host == \"{host}\" && {web}"),
        HostRule::Below(host) => format!("context.host like \"*.{host}\" && {web}"),
        HostRule::Port(host, port) => {
            format!("context.host == \"{host}\" && context.port == {port}")
        }
        HostRule::Route(host, directory) => format!(
            "context.host == \"{host}\" && {web} && context.method == \"GET\" && (context.path == \"{directory}\" || context.path like \"{directory}/*\")"
        ),
    }
}
