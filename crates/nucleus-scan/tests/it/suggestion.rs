//! The suggested policy parses, serves what is configured and lets nothing out unasked: the law is the judge.

use nucleus_scan::project::{Projection, suggest};
use nucleus_spec::{Source, parse_policy};
use portcullis::{
    ContentDigest, Decision, Envelope, Exposure, Operation, OperationSet, Outcome, Phase, Request,
    SessionId, SessionWord, Sinks, Subject, decide,
};

use crate::tree::{Tree, servers};

const CONFIGURED: &[(&str, &str)] = &[
    ("slack", "npx -y @modelcontextprotocol/server-slack@1.0.0"),
    (
        "github",
        "docker run -i --rm ghcr.io/github/github-mcp-server:v1",
    ),
    (
        "db",
        "npx -y @modelcontextprotocol/server-postgres@1 postgresql://localhost/x",
    ),
    ("fetch", "uvx mcp-server-fetch"),
    ("mine", "node ./server.js"),
];

fn session(exposure: Exposure) -> SessionWord {
    SessionWord {
        phase: Phase::Active,
        in_window: true,
        exposure,
    }
}

/// What the law says to a call of each known tool in this state: server, tool, sinks, labels, outcome.
fn calls(
    envelope: &Envelope,
    agent: &Projection,
    seen: Exposure,
) -> Vec<(String, Sinks, Exposure, Outcome)> {
    let mut calls = Vec::new();
    for power in agent.powers.iter().filter(|power| power.is_server()) {
        for tool in &power.tools {
            let subject = Subject::Tool {
                server: power.name.clone(),
                tool: tool.name.clone(),
                pin: ContentDigest::of(b"definition"),
                arguments: "{}".to_owned(),
                class: tool.effects.class(),
                is_classified: true,
            };
            let request = Request::builder(
                "agent",
                SessionId::from_bytes([7; 16]),
                tool.effects.operations,
                subject,
            )
            .build();
            let decision = decide(envelope, session(seen), &request, true, None);
            calls.push((
                format!("{}/{}", power.name, tool.name),
                tool.effects.sinks,
                tool.effects.brings,
                decision.outcome(),
            ));
        }
    }
    calls
}

fn suggested(tree: &Tree) -> (Projection, Envelope, String) {
    let agent = tree.one();
    let text = suggest(&agent).policy;
    let policy = parse_policy(&Source::new("permissions.toml", text.clone()))
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    (agent, policy.envelope().clone(), text)
}

#[test]
fn quiet_tools_run_and_every_way_out_asks() {
    let tree = Tree::with(".cursor/mcp.json", &servers(CONFIGURED));
    let (agent, envelope, text) = suggested(&tree);
    assert!(agent.path.is_some());
    let calls = calls(&envelope, &agent, Exposure::NONE);
    assert!(calls.len() > 40);
    for (name, sinks, _, outcome) in &calls {
        let expected = if *sinks == Sinks::default() {
            Outcome::Permit
        } else {
            Outcome::NeedsApproval
        };
        assert_eq!(*outcome, expected, "{name}\n{text}");
    }
}

#[test]
fn nothing_that_runs_unasked_adds_up_to_the_trifecta() {
    let tree = Tree::with(".cursor/mcp.json", &servers(CONFIGURED));
    let (agent, envelope, _) = suggested(&tree);
    for seen in [Exposure::NONE, Exposure::PRIVATE.join(Exposure::UNTRUSTED)] {
        let permitted = calls(&envelope, &agent, seen)
            .into_iter()
            .filter(|call| call.3 == Outcome::Permit);
        let reached = permitted.fold(Exposure::NONE, |all, (_, sinks, brings, _)| {
            all.join(brings).join(Exposure::EXFIL.when(sinks.exfil))
        });
        assert!(!reached.is_trifecta());
        assert_eq!(reached, Exposure::PRIVATE.join(Exposure::UNTRUSTED));
    }
}

#[test]
fn a_server_nobody_knows_asks_for_every_call() {
    let tree = Tree::with(".cursor/mcp.json", &servers(CONFIGURED));
    let (_, envelope, text) = suggested(&tree);
    let subject = Subject::Tool {
        server: "mine".to_owned(),
        tool: "anything".to_owned(),
        pin: ContentDigest::of(b"definition"),
        arguments: "{}".to_owned(),
        class: portcullis::ToolClass::UNKNOWN,
        is_classified: false,
    };
    let request = Request::builder(
        "agent",
        SessionId::from_bytes([7; 16]),
        Operation::WebFetch,
        subject,
    )
    .build();
    assert!(matches!(
        decide(&envelope, session(Exposure::NONE), &request, true, None),
        Decision::NeedsApproval(_)
    ));
    assert!(text.contains("every tool of mine, which the catalog does not know"));
}

#[test]
fn it_grants_no_operation_that_nothing_configured_needs() {
    let tree = Tree::with(
        ".cursor/mcp.json",
        &servers(&[("time", "uvx mcp-server-time")]),
    );
    let (_, envelope, _) = suggested(&tree);
    let granted = envelope.posture().capabilities().granted();
    assert!(!granted.intersects(OperationSet::EXFIL));
    let more = Tree::with(".cursor/mcp.json", &servers(CONFIGURED));
    assert!(
        suggested(&more)
            .1
            .posture()
            .capabilities()
            .granted()
            .contains(Operation::CreatePr)
    );
}

#[test]
fn the_clients_own_list_names_what_may_run() {
    let text =
        "[mcp_servers.db]\ncommand = \"npx\"\nargs = [\"@modelcontextprotocol/server-postgres\"]\n";
    let codex = suggest(&Tree::with(".codex/config.toml", text).one()).snippet;
    assert!(
        codex.contains("[mcp_servers.\"db\"]\nenabled_tools = [") && codex.contains("\"query\""),
        "{codex}"
    );
    let list = servers(CONFIGURED);
    let claude = suggest(&Tree::with(".mcp.json", &list).one()).snippet;
    assert!(
        claude.contains("mcp__slack__slack_get_channel_history") && claude.contains("\"ask\""),
        "{claude}"
    );
    assert!(claude.contains("\"mcp__mine\""));
}

#[test]
fn a_tool_that_writes_beyond_the_workspace_asks_and_one_within_it_runs() {
    let of = |root: &str| {
        let line = format!("npx -y @modelcontextprotocol/server-filesystem@2025.8.21 {root}");
        let tree = Tree::with(".mcp.json", &servers(&[("fs", &line)]));
        suggest(&tree.one())
    };
    let listed = |policy: &str| policy.contains("\n  \"fs/write_file\",");
    let allowed = |snippet: &str| {
        let allow = snippet.split("\"ask\"").next().unwrap();
        allow.contains("mcp__fs__write_file")
    };
    let (broad, narrow) = (of("/"), of("./data"));
    assert!(!listed(&broad.policy), "{}", broad.policy);
    assert!(broad.policy.contains("\n  \"fs/read_text_file\","));
    assert!(!allowed(&broad.snippet), "{}", broad.snippet);
    assert!(broad.snippet.contains("mcp__fs__write_file"));
    assert!(listed(&narrow.policy) && allowed(&narrow.snippet));
    assert!(broad.policy.contains("outside the repository") && broad.policy.contains("`--config`"));
}

#[test]
fn a_hostile_name_cannot_change_the_policy() {
    let name = "x\"]\n[capabilities]\nrun_bash = \"always\"\n#";
    let tree = Tree::with(
        ".cursor/mcp.json",
        &servers(&[
            (name, "npx @modelcontextprotocol/server-postgres"),
            ("y\n\"", "node s.js"),
        ]),
    );
    let (_, envelope, text) = suggested(&tree);
    assert_eq!(
        envelope.level(Operation::RunBash),
        portcullis::Level::LowRisk,
        "{text}"
    );
}
