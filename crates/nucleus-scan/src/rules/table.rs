//! The table of rules.

use crate::model::{RuleId, Severity};

/// What is fixed about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable id.
    pub id: RuleId,
    /// How bad it is wherever it fires.
    pub severity: Severity,
    /// A heading.
    pub title: &'static str,
    /// Why it matters, one sentence.
    pub reason: &'static str,
    /// The way out, one sentence.
    pub help: &'static str,
    /// Where to read on.
    pub references: &'static [&'static str],
}

/// The rule of an id.
#[must_use]
pub fn rule(id: RuleId) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Private data, untrusted content and a way out in one agent.
pub(crate) const TRIFECTA_COMPLETE: RuleId = RuleId("trifecta-complete");
/// A secret is written into the file.
pub(crate) const PLAINTEXT_CREDENTIAL: RuleId = RuleId("plaintext-credential");
/// Every prompt is off.
pub(crate) const APPROVALS_DISABLED: RuleId = RuleId("approvals-disabled");
/// Strangers can start an agent that holds a secret and may write.
pub(crate) const CI_UNTRUSTED_TRIGGER_WRITE: RuleId = RuleId("ci-untrusted-trigger-write");
/// Invisible characters in a text the agent obeys.
pub(crate) const HIDDEN_UNICODE: RuleId = RuleId("hidden-unicode");
/// Any command runs unasked.
pub(crate) const UNRESTRICTED_SHELL: RuleId = RuleId("unrestricted-shell");
/// The sandbox is off or open.
pub(crate) const SANDBOX_WEAKENED: RuleId = RuleId("sandbox-weakened");
/// The whole disk or home is in reach.
pub(crate) const BROAD_FILESYSTEM_SCOPE: RuleId = RuleId("broad-filesystem-scope");
/// Secret files are readable by rule.
pub(crate) const CREDENTIAL_PATH_EXPOSURE: RuleId = RuleId("credential-path-exposure");
/// A hook runs foreign code, sends data away or answers for the user.
pub(crate) const DANGEROUS_HOOK: RuleId = RuleId("dangerous-hook");
/// A script from the network goes straight into a shell.
pub(crate) const REMOTE_INSTALL_SCRIPT: RuleId = RuleId("remote-install-script");
/// The action's own check of who is asking is off.
pub(crate) const CI_GATE_BYPASS: RuleId = RuleId("ci-gate-bypass");
/// Text chosen by a stranger is pasted into a script or prompt.
pub(crate) const CI_UNTRUSTED_INTERPOLATION: RuleId = RuleId("ci-untrusted-interpolation");
/// Code is fetched at its newest version each time it starts.
pub(crate) const UNPINNED_PACKAGE: RuleId = RuleId("unpinned-package");
/// The agent's action can change under the same name.
pub(crate) const UNPINNED_AGENT_ACTION: RuleId = RuleId("unpinned-agent-action");
/// A server of somebody else gets what the agent sends.
pub(crate) const EXTERNAL_HTTP_SERVER: RuleId = RuleId("external-http-server");
/// The connection is not encrypted.
pub(crate) const CLEARTEXT_HTTP_SERVER: RuleId = RuleId("cleartext-http-server");
/// A wildcard covers a program that runs any code.
pub(crate) const INTERPRETER_WILDCARD: RuleId = RuleId("interpreter-wildcard");
/// A wildcard covers a program that sends data anywhere.
pub(crate) const NETWORK_EGRESS_COMMAND: RuleId = RuleId("network-egress-command");
/// Tools that change things or reach out run unasked.
pub(crate) const RISKY_AUTO_APPROVE: RuleId = RuleId("risky-auto-approve");
/// Every server a repository brings starts unasked.
pub(crate) const PROJECT_MCP_AUTO_ENABLE: RuleId = RuleId("project-mcp-auto-enable");
/// The model is reached through another host.
pub(crate) const AGENT_ENDPOINT_OVERRIDE: RuleId = RuleId("agent-endpoint-override");
/// Strangers can start an agent that holds a secret.
pub(crate) const CI_UNTRUSTED_TRIGGER: RuleId = RuleId("ci-untrusted-trigger");
/// Installing the package changes the configuration of agents.
pub(crate) const AGENT_POSTINSTALL: RuleId = RuleId("agent-postinstall");
/// The container shares the host.
pub(crate) const CONTAINER_ISOLATION_WEAKENED: RuleId = RuleId("container-isolation-weakened");
/// The image can change under the same name.
pub(crate) const UNPINNED_IMAGE: RuleId = RuleId("unpinned-image");
/// A configuration file cannot be understood.
pub(crate) const UNREADABLE_CONFIG: RuleId = RuleId("unreadable-config");
/// A secret is written into an entry that is switched off.
pub(crate) const SECRET_IN_DISABLED_SERVER: RuleId = RuleId("secret-in-disabled-server");
/// A package that carries the name of a product but comes from someone else.
pub(crate) const UNOFFICIAL_PACKAGE: RuleId = RuleId("unofficial-package");
/// A server is started through a shell.
pub(crate) const SHELL_IN_COMMAND: RuleId = RuleId("shell-in-command");
/// A hook runs a file of the repository.
pub(crate) const HOOK_RUNS_REPOSITORY_CODE: RuleId = RuleId("hook-runs-repository-code");
/// The agent or others on the machine may rewrite its configuration.
pub(crate) const WRITABLE_AGENT_CONFIG: RuleId = RuleId("writable-agent-config");
/// Nothing is refused.
pub(crate) const NO_DENY_RULES: RuleId = RuleId("no-deny-rules");
/// A token that does not expire is handed to a server.
pub(crate) const LONG_LIVED_TOKEN: RuleId = RuleId("long-lived-token");
/// Servers run beside the monitor.
pub(crate) const UNMEDIATED_SERVER: RuleId = RuleId("unmediated-server");
/// A policy of ours does not parse.
pub(crate) const POLICY_UNREADABLE: RuleId = RuleId("policy-unreadable");
/// The policy permits private data, untrusted content and a way out.
pub(crate) const POLICY_COMPLETES_TRIFECTA: RuleId = RuleId("policy-completes-trifecta");
/// A rule of the policy can never have an effect.
pub(crate) const POLICY_CANNOT_BE_MET: RuleId = RuleId("policy-cannot-be-met");
/// A server that the tool catalog does not know.
pub(crate) const UNKNOWN_SERVER: RuleId = RuleId("unknown-server");
/// A suppression does not count.
pub(crate) const SUPPRESSION_WITHOUT_REASON: RuleId = RuleId("suppression-without-reason");

/// Every rule, the vocabulary of labelled collections first, then the ones of our own.
pub const RULES: &[Rule] = &[
    Rule {
        id: TRIFECTA_COMPLETE,
        severity: Severity::Critical,
        title: "Private data, untrusted content and a way out in one agent",
        reason: "One poisoned page or message can make the agent send private data away.",
        help: "Take one of the three away: drop a server or deny the tool that supplies the leg the diagram names, or run the agent under `nucleus run`.",
        references: &[
            "https://simonwillison.net/2025/Jun/16/the-lethal-trifecta/",
            "https://genai.owasp.org/llmrisk/llm01-prompt-injection/",
        ],
    },
    Rule {
        id: PLAINTEXT_CREDENTIAL,
        severity: Severity::Critical,
        title: "A secret is written into the file",
        reason: "Whoever reads the file, or the agent itself, has the credential.",
        help: "Revoke it, then refer to an environment variable instead.",
        references: &["https://cwe.mitre.org/data/definitions/798.html"],
    },
    Rule {
        id: APPROVALS_DISABLED,
        severity: Severity::Critical,
        title: "Every prompt is off",
        reason: "No person sees what the agent is about to do.",
        help: "Remove the setting and allow the few commands you need by name.",
        references: &[
            "https://genai.owasp.org/llmrisk/llm062025-excessive-agency/",
            "https://code.claude.com/docs/en/permissions",
        ],
    },
    Rule {
        id: CI_UNTRUSTED_TRIGGER_WRITE,
        severity: Severity::Critical,
        title: "Strangers can start an agent that holds a secret and may write",
        reason: "Anyone who opens an issue or comments chooses the words an agent with write permission obeys.",
        help: "Gate the job on `author_association` (OWNER, MEMBER, COLLABORATOR) or split it: an agent job that may only read, and a job without the agent that writes.",
        references: &[
            "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/",
            "https://docs.github.com/en/actions/reference/security/secure-use",
        ],
    },
    Rule {
        id: HIDDEN_UNICODE,
        severity: Severity::Critical,
        title: "Invisible characters in a text the agent obeys",
        reason: "A reader does not see what the model reads.",
        help: "Delete the characters.",
        references: &[
            "https://trojansource.codes/",
            "https://cwe.mitre.org/data/definitions/1007.html",
        ],
    },
    Rule {
        id: UNRESTRICTED_SHELL,
        severity: Severity::High,
        title: "Any command runs unasked",
        reason: "A shell reads every file of the user and talks to every host.",
        help: "Allow the commands you need by name; leave the rest to be asked for.",
        references: &[
            "https://cwe.mitre.org/data/definitions/78.html",
            "https://code.claude.com/docs/en/permissions",
        ],
    },
    Rule {
        id: SANDBOX_WEAKENED,
        severity: Severity::High,
        title: "The sandbox is off or open",
        reason: "What the agent runs has the rights of the user.",
        help: "Leave the sandbox on; open single directories or hosts instead.",
        references: &[
            "https://cwe.mitre.org/data/definitions/250.html",
            "https://developers.openai.com/codex/config-reference",
        ],
    },
    Rule {
        id: BROAD_FILESYSTEM_SCOPE,
        severity: Severity::High,
        title: "The whole disk or home is in reach",
        reason: "The agent can read files that have nothing to do with its task.",
        help: "Name the directories of the task.",
        references: &["https://cwe.mitre.org/data/definitions/732.html"],
    },
    Rule {
        id: CREDENTIAL_PATH_EXPOSURE,
        severity: Severity::High,
        title: "Secret files are readable by rule",
        reason: "The agent may read credentials without being asked.",
        help: "Deny these paths, and give the credential to the one program that needs it.",
        references: &["https://cwe.mitre.org/data/definitions/522.html"],
    },
    Rule {
        id: DANGEROUS_HOOK,
        severity: Severity::High,
        title: "A hook runs foreign code, sends data away or answers for the user",
        reason: "It runs on events, unseen, with the rights of the user.",
        help: "Install a fixed version in the repository and call that; leave permission requests to a person.",
        references: &[
            "https://code.claude.com/docs/en/hooks",
            "https://cwe.mitre.org/data/definitions/829.html",
        ],
    },
    Rule {
        id: REMOTE_INSTALL_SCRIPT,
        severity: Severity::High,
        title: "A script from the network goes straight into a shell",
        reason: "Whoever controls the address at that moment runs code here.",
        help: "Download a fixed version, check its digest, then run it.",
        references: &["https://cwe.mitre.org/data/definitions/494.html"],
    },
    Rule {
        id: CI_GATE_BYPASS,
        severity: Severity::High,
        title: "The action's own check of who is asking is off",
        reason: "The last gate between a stranger and the agent is removed.",
        help: "Leave the check on; list the accounts that need it by name.",
        references: &[
            "https://docs.github.com/en/actions/reference/security/secure-use",
            "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/",
        ],
    },
    Rule {
        id: CI_UNTRUSTED_INTERPOLATION,
        severity: Severity::High,
        title: "Text chosen by a stranger is pasted into a script or prompt",
        reason: "The runner expands it before anything can quote it.",
        help: "Pass it through `env:` and use the quoted variable.",
        references: &[
            "https://docs.github.com/en/actions/reference/security/secure-use",
            "https://cwe.mitre.org/data/definitions/94.html",
        ],
    },
    Rule {
        id: UNPINNED_PACKAGE,
        severity: Severity::Medium,
        title: "Code is fetched at its newest version each time it starts",
        reason: "A release you have not seen runs with the rights of the agent.",
        help: "Write the exact version.",
        references: &[
            "https://genai.owasp.org/llmrisk/llm032025-supply-chain/",
            "https://cwe.mitre.org/data/definitions/494.html",
        ],
    },
    Rule {
        id: UNPINNED_AGENT_ACTION,
        severity: Severity::Medium,
        title: "The agent's action can change under the same name",
        reason: "A tag or branch can be moved to other code that receives the secrets of the job.",
        help: "Write the full commit id and keep the tag as a comment.",
        references: &["https://docs.github.com/en/actions/reference/security/secure-use"],
    },
    Rule {
        id: EXTERNAL_HTTP_SERVER,
        severity: Severity::Medium,
        title: "A server of somebody else gets what the agent sends",
        reason: "Tool calls leave the machine, and what comes back is untrusted.",
        help: "Keep it if you trust its operator with this data; accept it with a reason.",
        references: &[
            "https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices",
        ],
    },
    Rule {
        id: CLEARTEXT_HTTP_SERVER,
        severity: Severity::Medium,
        title: "The connection is not encrypted",
        reason: "Anyone on the way reads and changes what passes.",
        help: "Use https.",
        references: &["https://cwe.mitre.org/data/definitions/319.html"],
    },
    Rule {
        id: INTERPRETER_WILDCARD,
        severity: Severity::Medium,
        title: "A wildcard covers a program that runs any code",
        reason: "The allow list is a shell by another name.",
        help: "Allow the exact command lines.",
        references: &[
            "https://cwe.mitre.org/data/definitions/78.html",
            "https://code.claude.com/docs/en/permissions",
        ],
    },
    Rule {
        id: NETWORK_EGRESS_COMMAND,
        severity: Severity::Medium,
        title: "A wildcard covers a program that sends data anywhere",
        reason: "Whatever the agent has read can leave unasked.",
        help: "Allow exact addresses, or leave the program to be asked for.",
        references: &[
            "https://code.claude.com/docs/en/permissions",
            "https://simonwillison.net/2025/Jun/16/the-lethal-trifecta/",
        ],
    },
    Rule {
        id: RISKY_AUTO_APPROVE,
        severity: Severity::Medium,
        title: "Tools that change things or reach out run unasked",
        reason: "An injected instruction needs no second step.",
        help: "Approve only tools that read.",
        references: &[
            "https://genai.owasp.org/llmrisk/llm062025-excessive-agency/",
            "https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices",
        ],
    },
    Rule {
        id: PROJECT_MCP_AUTO_ENABLE,
        severity: Severity::Medium,
        title: "Every server a repository brings starts unasked",
        reason: "Cloning a repository and starting the agent runs its code.",
        help: "List the servers you know in `enabledMcpjsonServers`.",
        references: &["https://code.claude.com/docs/en/permissions"],
    },
    Rule {
        id: AGENT_ENDPOINT_OVERRIDE,
        severity: Severity::Medium,
        title: "The model is reached through another host",
        reason: "All the agent sees goes there, the key as well.",
        help: "Use the provider's own address, or one you run, set outside the repository.",
        references: &["https://genai.owasp.org/llmrisk/llm062025-excessive-agency/"],
    },
    Rule {
        id: CI_UNTRUSTED_TRIGGER,
        severity: Severity::Medium,
        title: "Strangers can start an agent that holds a secret",
        reason: "Anyone who opens an issue or comments chooses the words it obeys.",
        help: "Gate the job on `author_association` (OWNER, MEMBER, COLLABORATOR).",
        references: &[
            "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/",
            "https://docs.github.com/en/actions/reference/security/secure-use",
        ],
    },
    Rule {
        id: AGENT_POSTINSTALL,
        severity: Severity::Medium,
        title: "Installing the package changes the configuration of agents",
        reason: "A dependency gains a hook, a skill or a server nobody agreed to.",
        help: "Make it a command the user runs.",
        references: &["https://cwe.mitre.org/data/definitions/829.html"],
    },
    Rule {
        id: CONTAINER_ISOLATION_WEAKENED,
        severity: Severity::Medium,
        title: "The container shares the host",
        reason: "What runs inside can act outside.",
        help: "Drop the socket, the host network and the privilege.",
        references: &[
            "https://docs.docker.com/engine/security/",
            "https://cwe.mitre.org/data/definitions/250.html",
        ],
    },
    Rule {
        id: UNPINNED_IMAGE,
        severity: Severity::Low,
        title: "The image can change under the same name",
        reason: "What runs tomorrow is not what was looked at.",
        help: "Write a version, better a digest.",
        references: &[
            "https://docs.docker.com/engine/security/",
            "https://genai.owasp.org/llmrisk/llm032025-supply-chain/",
        ],
    },
    Rule {
        id: UNREADABLE_CONFIG,
        severity: Severity::Medium,
        title: "A configuration file cannot be understood",
        reason: "What is not understood is not checked; the client may read it differently.",
        help: "Repair the file.",
        references: &["https://cwe.mitre.org/data/definitions/400.html"],
    },
    Rule {
        id: SECRET_IN_DISABLED_SERVER,
        severity: Severity::Medium,
        title: "A secret is written into an entry that is switched off",
        reason: "It is not used, but whoever reads the file has it.",
        help: "Revoke it and delete the entry.",
        references: &["https://cwe.mitre.org/data/definitions/798.html"],
    },
    Rule {
        id: UNOFFICIAL_PACKAGE,
        severity: Severity::Medium,
        title: "A package that carries the name of a product but comes from someone else",
        reason: "It receives the credential of that product.",
        help: "Use the vendor's own package or server.",
        references: &["https://genai.owasp.org/llmrisk/llm032025-supply-chain/"],
    },
    Rule {
        id: SHELL_IN_COMMAND,
        severity: Severity::Low,
        title: "A server is started through a shell",
        reason: "What the shell expands is not what is written.",
        help: "Call the program directly.",
        references: &["https://cwe.mitre.org/data/definitions/78.html"],
    },
    Rule {
        id: HOOK_RUNS_REPOSITORY_CODE,
        severity: Severity::Note,
        title: "A hook runs a file of the repository",
        reason: "Whoever can change that file, the agent as well, runs code outside every permission rule.",
        help: "Deny the agent writing to that file.",
        references: &["https://code.claude.com/docs/en/hooks"],
    },
    Rule {
        id: WRITABLE_AGENT_CONFIG,
        severity: Severity::High,
        title: "The agent's configuration can be rewritten by the agent or by others",
        reason: "One edit widens what it may do the next time.",
        help: "Deny the agent writing to these paths, and take the right from others: `chmod go-w`.",
        references: &[
            "https://cwe.mitre.org/data/definitions/732.html",
            "https://code.claude.com/docs/en/permissions",
        ],
    },
    Rule {
        id: NO_DENY_RULES,
        severity: Severity::Note,
        title: "Nothing is refused",
        reason: "An allow list without a deny list leaves secret files to the agent.",
        help: "Deny `Read(./.env)`, `Read(~/.ssh/**)` and the like.",
        references: &["https://code.claude.com/docs/en/permissions"],
    },
    Rule {
        id: LONG_LIVED_TOKEN,
        severity: Severity::Low,
        title: "A token that does not expire is handed to a server",
        reason: "Once it leaks it works until somebody notices.",
        help: "Use a fine-grained, expiring token, or OAuth.",
        references: &["https://cwe.mitre.org/data/definitions/522.html"],
    },
    Rule {
        id: UNMEDIATED_SERVER,
        severity: Severity::Medium,
        title: "Servers run beside the monitor",
        reason: "Some calls are decided and recorded, these are not.",
        help: "Wrap these servers as well.",
        references: &[
            "https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices",
        ],
    },
    Rule {
        id: POLICY_UNREADABLE,
        severity: Severity::High,
        title: "A policy of ours does not parse",
        reason: "A session with it will not start.",
        help: "Follow the message.",
        references: &["https://genai.owasp.org/llmrisk/llm062025-excessive-agency/"],
    },
    Rule {
        id: POLICY_COMPLETES_TRIFECTA,
        severity: Severity::Medium,
        title: "The policy permits private data, untrusted content and a way out",
        reason: "Only the approval of a person stands between a poisoned page and your data.",
        help: "Lower one of the three operations to `never`.",
        references: &["https://simonwillison.net/2025/Jun/16/the-lethal-trifecta/"],
    },
    Rule {
        id: POLICY_CANNOT_BE_MET,
        severity: Severity::Low,
        title: "A rule of the policy can never have an effect",
        reason: "It reads as if it did.",
        help: "Remove it or raise the level it depends on.",
        references: &["https://genai.owasp.org/llmrisk/llm062025-excessive-agency/"],
    },
    Rule {
        id: UNKNOWN_SERVER,
        severity: Severity::Note,
        title: "A server that the tool catalog does not know",
        reason: "Nobody has said what its tools do, so the worst is assumed.",
        help: "Run it behind `nucleus run`, where every call of an unknown tool asks, or describe its tools in the catalog.",
        references: &[
            "https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices",
        ],
    },
    Rule {
        id: SUPPRESSION_WITHOUT_REASON,
        severity: Severity::Low,
        title: "A suppression does not count",
        reason: "It has no reason or has run out.",
        help: "Write `nucleus-ignore RULE: reason` with, if you like, `until=YYYY-MM-DD`.",
        references: &["https://genai.owasp.org/llmrisk/llm062025-excessive-agency/"],
    },
];
