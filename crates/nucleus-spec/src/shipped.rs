//! Ships the defaults as a policy text: what an absent section or key means.

use std::fmt::Write as _;
use std::sync::LazyLock;

use portcullis::command::default_listed_commands;
use portcullis::glob::default_credentials;

use crate::print::{array_of, command_item, text_item};

static TEXT: LazyLock<String> = LazyLock::new(written);

/// The shipped defaults. No operation is granted by them.
pub(crate) fn text() -> &'static str {
    &TEXT
}

fn written() -> String {
    let mut text = String::from(HEAD);
    let credentials = array_of(
        default_credentials()
            .iter()
            .map(|pattern| text_item(pattern)),
    );
    let commands = array_of(default_listed_commands().iter().map(command_item));
    let _ = writeln!(
        text,
        "credential_files = {credentials}\n\n[commands]\nlisted = {commands}\nblocked = []"
    );
    text
}

static HEAD: &str = r#"
[obligations]
approvals = []

[budget]
max_cost_usd = 5.0
max_input_tokens = 20000000
max_output_tokens = 2000000

[time]
valid_hours = 8

[network]
hosts = []
blocked = []

[git]
repositories = ["."]
branches = ["*"]
blocked_branches = []
remotes = []

[tools]
listed = []
blocked = ["*"]

[flow]
mode = "default"
trifecta = "exposure"
workspace = "trusted"
landing = "direct"

[jail]
unix_sockets = "none"
environment = []
views = []

[paths]
listed = ["**"]
blocked = []
public = []
"#;
