//! Shows which secrets a policy binds, where they come from and where they go. **Never a value: none is read for it.**

use nucleus_spec::Credential;
use portcullis::host::HostRule;
use serde_json::{Value, json};

/// One line for each binding: name, source, routes and header.
pub(crate) fn lines(bindings: &[Credential]) -> Vec<String> {
    let line = |own: &Credential| {
        let routes: Vec<String> = own.routes.iter().map(route).collect();
        format!(
            "{} from {}: to {} in `{}`",
            own.name,
            own.source,
            routes.join(", "),
            own.header
        )
    };
    bindings.iter().map(line).collect()
}

/// The same for machines.
pub(crate) fn as_json(bindings: &[Credential]) -> Vec<Value> {
    let one = |own: &Credential| {
        let routes: Vec<Value> = own
            .routes
            .iter()
            .map(|rule| {
                let paths: Vec<&str> = rule.paths().iter().map(|path| path.as_str()).collect();
                json!({ "host": rule.pattern().to_string(), "methods": rule.methods(), "paths": paths })
            })
            .collect();
        json!({ "name": own.name, "source": own.source.to_string(), "header": own.header, "routes": routes })
    };
    bindings.iter().map(one).collect()
}

fn route(rule: &HostRule) -> String {
    let mut text = rule.pattern().to_string();
    if !rule.methods().is_empty() {
        text = format!("{} {text}", rule.methods().join("|"));
    }
    let paths: Vec<&str> = rule.paths().iter().map(|path| path.as_str()).collect();
    if !paths.is_empty() {
        text.push(' ');
        text.push_str(&paths.join(" "));
    }
    text
}
