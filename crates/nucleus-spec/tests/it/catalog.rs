//! The tool catalog says what it means, refuses what it cannot mean, and never guesses in favour of a server.

use std::fs;
use std::path::PathBuf;

use miette::{GraphicalReportHandler, GraphicalTheme};
use nucleus_spec::Source;
use nucleus_spec::catalog::{Catalog, Effects, Launch, Party, Roots};
use portcullis::{Exposure, Operation, OperationSet, Sinks};
use serde_json::{Value, json};

const BOTH: Exposure = Exposure::PRIVATE.join(Exposure::UNTRUSTED);

fn process(line: &str) -> Launch {
    Launch::process(shell_words::split(line).unwrap(), Vec::new())
}

fn server_of(line: &str) -> Option<&'static str> {
    let launch = if line.starts_with("https://") {
        Launch::address(line)
    } else {
        process(line)
    };
    Some(Catalog::shipped().server_for(&launch)?.id())
}

fn effects(server: &str, tool: &str, arguments: &Value) -> Effects {
    let entry = Catalog::shipped().server(server).unwrap();
    let launch = Launch::default();
    let found = entry.tool(tool, &launch).unwrap();
    found.effects_of(arguments)
}

#[test]
fn the_widely_used_servers_are_there() {
    let catalog = Catalog::shipped();
    assert_eq!(catalog.version(), 1);
    assert!(catalog.servers().len() >= 40);
    for id in [
        "filesystem",
        "git",
        "github",
        "gitlab",
        "fetch",
        "playwright",
        "puppeteer",
        "chrome-devtools",
        "slack",
        "discord",
        "telegram",
        "gmail",
        "google-drive",
        "google-calendar",
        "notion",
        "obsidian",
        "linear",
        "atlassian",
        "asana",
        "airtable",
        "sentry",
        "postgres",
        "sqlite",
        "mysql",
        "mongodb",
        "redis",
        "supabase",
        "memory",
        "time",
        "sequential-thinking",
        "everything",
        "brave-search",
        "tavily",
        "exa",
        "firecrawl",
        "context7",
        "aws-docs",
        "cloudflare",
        "stripe",
        "docker",
        "kubernetes",
        "figma",
        "desktop-commander",
        "shell",
        "serena",
        "hugging-face",
        "zapier",
    ] {
        assert!(catalog.server(id).is_some(), "{id}");
    }
}

#[test]
fn every_tool_is_looked_up_by_its_name_in_its_server() {
    for server in Catalog::shipped().servers() {
        for group in server.all_groups() {
            for name in group.names() {
                let there = |entry: &nucleus_spec::catalog::ServerEntry| {
                    entry.tool(name, &Launch::default()).is_some()
                };
                let needs_words = server
                    .all_groups()
                    .iter()
                    .all(|g| !g.has(name) || there(server));
                assert!(there(server) || !needs_words, "{} {name}", server.id());
            }
        }
    }
}

#[test]
fn servers_are_recognised_by_package_image_program_repository_and_address() {
    for (line, id) in [
        (
            "npx -y @modelcontextprotocol/server-filesystem@2025.1.1 /srv",
            "filesystem",
        ),
        (
            "docker run -i --rm ghcr.io/github/github-mcp-server:v1",
            "github",
        ),
        (
            "uvx --from git+https://github.com/oraios/serena serena start-mcp-server",
            "serena",
        ),
        ("uvx mcp-server-fetch", "fetch"),
        ("python -m mcp_server_git --repository .", "git"),
        ("/usr/local/bin/github-mcp-server stdio", "github"),
        ("mcp-server-time", "time"),
        ("~/.local/bin/mcp-server-time", "time"),
        (
            "'C:\\Program Files\\nodejs\\npx.cmd' @modelcontextprotocol/server-memory",
            "memory",
        ),
        ("uvx --from mcp-server-time mcp-server-time", "time"),
        (
            "npx -p @modelcontextprotocol/server-memory mcp-server-memory",
            "memory",
        ),
        ("bash -c 'cd /srv && uvx mcp-server-time'", "time"),
        ("npx mcp-remote https://mcp.linear.app/sse", "linear"),
        ("https://user@mcp.linear.app/sse", "linear"),
        (
            "https://api.githubcopilot.com/mcp/x/issues/readonly",
            "github",
        ),
        ("https://mcp.sentry.dev/mcp", "sentry"),
    ] {
        assert_eq!(server_of(line), Some(id), "{line}");
    }
}

#[test]
fn nothing_else_is_recognised() {
    for line in [
        "npx -y @evil/server-filesystem",
        "npx -y github",
        "docker run evil/github-mcp-server",
        "uvx --from git+https://github.com/evil/serena serena",
        "https://mcp.sentry.dev.evil.example/mcp",
        "https://evil.example/mcp.sentry.dev",
        "https://mcp.sentry.dev@evil.example/mcp",
        "https://api.githubcopilot.com/mcpx",
        "https://evil.example/a@mcp.sentry.dev/mcp",
        "https://evil.example\\@mcp.sentry.dev/mcp",
        "node ./node_modules/@evil/mcp/cli.js",
        "node ./server.js",
        "./mcp-server-time",
        "tools/mcp-server-time",
        "/home/me/work/app/bin/mcp-server-time",
        "/usr/../tmp/bin/mcp-server-time",
        "./npx -y @modelcontextprotocol/server-memory",
        "./docker run ghcr.io/github/github-mcp-server",
        "npx totally-evil mcp-remote https://mcp.linear.app/sse",
        "npx -p @modelcontextprotocol/server-memory node ./evil.js",
        "npx -p @modelcontextprotocol/server-memory -c ./evil",
        "npx --registry=https://evil.example @modelcontextprotocol/server-memory",
        "uvx --from mcp-server-time ./evil",
        "uvx --index-url https://evil.example mcp-server-time",
        "docker run --entrypoint sh mcp/time -c evil",
        "bash -c './evil; uvx mcp-server-time'",
        "bash -c './evil && uvx mcp-server-time'",
        "bash -c 'uvx mcp-server-time & ./evil'",
        "bash -c 'uvx mcp-server-time `./evil`'",
    ] {
        assert_eq!(server_of(line), None, "{line}");
    }
}

#[test]
fn a_package_of_another_registry_is_not_the_known_one() {
    let with = |name: &str| {
        let words = ["uvx", "mcp-server-time"].map(str::to_owned).to_vec();
        let variable = (name.to_owned(), "https://evil.example".to_owned());
        let launch = Launch::process(words, vec![variable]);
        Catalog::shipped().server_for(&launch).is_some()
    };
    assert!(!with("UV_INDEX_URL") && !with("npm_config_registry"));
    assert!(with("TZ"));
}

#[test]
fn a_name_alone_says_what_one_would_be_and_proves_nothing() {
    let catalog = Catalog::shipped();
    for (name, id) in [
        ("supabase", "supabase"),
        ("mcp-server-notion", "notion"),
        ("Slack_MCP", "slack"),
    ] {
        assert_eq!(
            catalog.server_called(name).map(|s| s.id()),
            Some(id),
            "{name}"
        );
    }
    assert!(catalog.server_called("velociraptor").is_none());
    let foreign = process("npx -y @evil/server-postgres");
    assert!(catalog.server_for(&foreign).is_none());
    assert_eq!(
        catalog.server_resembling(&foreign).map(|s| s.id()),
        Some("postgres")
    );
}

#[test]
fn an_unlisted_tool_of_a_known_server_is_unknown() {
    let entry = Catalog::shipped().server("time").unwrap();
    assert!(entry.tool("get_current_time", &Launch::default()).is_some());
    assert!(
        entry
            .tool("get_current_time2", &Launch::default())
            .is_none()
    );
    assert_eq!(Effects::UNKNOWN.operations, OperationSet::ALL);
    assert_eq!(Effects::UNKNOWN.brings, BOTH);
    assert_eq!(
        Effects::UNKNOWN.sinks,
        Sinks {
            exfil: true,
            effect: true
        }
    );
}

#[test]
fn sql_that_reads_is_no_effect_and_any_other_is() {
    for (server, tool, argument) in [
        ("sqlite", "query", "sql"),
        ("postgres", "execute_sql", "sql"),
        ("mysql", "mysql_query", "sql"),
        ("supabase", "execute_sql", "query"),
        ("cloudflare", "d1_database_query", "sql"),
    ] {
        let with = |value: Value| {
            effects(server, tool, &json!({ argument: value }))
                .sinks
                .effect
        };
        assert!(!with(json!("select * from users")), "{server}");
        assert!(with(json!("delete from users")), "{server}");
        assert!(with(json!(["select 1"])), "{server}");
        assert!(effects(server, tool, &json!({})).sinks.effect, "{server}");
        assert!(
            effects(server, tool, &json!("select 1")).sinks.effect,
            "{server}"
        );
    }
}

#[test]
fn a_read_beside_a_second_statement_in_another_argument_is_an_effect() {
    let both = json!({ "sql": "select 1", "query": "drop table users" });
    assert!(effects("sqlite", "query", &both).sinks.effect);
    let one = json!({ "sql": "select 1" });
    assert!(!effects("sqlite", "query", &one).sinks.effect);
    assert_eq!(
        effects("sqlite", "query", &one).operations,
        OperationSet::of(Operation::ReadFiles)
    );
}

#[test]
fn a_fetch_is_an_effect_unless_it_gets() {
    let with = |arguments: Value| effects("fetch", "fetch", &arguments).sinks;
    for arguments in [
        json!({}),
        json!({ "url": "x" }),
        json!({ "method": "get" }),
        json!({ "method": "HEAD" }),
    ] {
        assert_eq!(
            with(arguments),
            Sinks {
                exfil: true,
                effect: false
            }
        );
    }
    for arguments in [
        json!({ "method": "POST" }),
        json!({ "method": null }),
        json!({ "method": " GET" }),
    ] {
        assert!(with(arguments).effect);
    }
}

#[test]
fn a_launch_can_take_tools_away_and_add_them() {
    let catalog = Catalog::shipped();
    let github = |line: &str| {
        let launch = process(line);
        let entry = catalog.server_for(&launch).unwrap();
        entry
            .groups(&launch)
            .any(|group| group.effects().sinks.exfil)
    };
    assert!(github("docker run ghcr.io/github/github-mcp-server"));
    assert!(!github(
        "docker run -e GITHUB_READ_ONLY=1 ghcr.io/github/github-mcp-server"
    ));
    assert!(!github("github-mcp-server stdio --read-only"));
    assert!(github("github-mcp-server stdio --read-only=false"));
    let playwright = |line: &str| {
        let launch = process(line);
        let entry = catalog.server_for(&launch).unwrap();
        entry
            .tool("browser_snapshot", &launch)
            .unwrap()
            .effects()
            .brings
    };
    assert_eq!(playwright("npx @playwright/mcp"), Exposure::UNTRUSTED);
    assert_eq!(playwright("npx @playwright/mcp --extension"), BOTH);
}

#[test]
fn a_field_that_only_the_server_writes_carries_less_than_its_result() {
    let entry = Catalog::shipped().server("github").unwrap();
    let launch = Launch::default();
    let issue = entry.tool("get_issue", &launch).unwrap();
    assert_eq!(issue.field_labels("number"), Exposure::PRIVATE);
    assert_eq!(issue.field_labels("body"), BOTH);
    assert_eq!(issue.effects().brings, BOTH);
}

#[test]
fn parties_and_roots_are_told_apart() {
    let of = |id: &str, tool: &str| effects(id, tool, &json!({}));
    assert_eq!(of("context7", "get-library-docs").written_by, Party::Vendor);
    assert_eq!(
        of("brave-search", "brave_web_search").read_by,
        Party::Vendor
    );
    assert_eq!(of("notion", "notion-fetch").written_by, Party::Tenant);
    assert_eq!(of("slack", "slack_post_message").read_by, Party::Anyone);
    let roots = |id: &str| Catalog::shipped().server(id).unwrap().roots();
    assert_eq!(roots("filesystem"), Roots::Arguments);
    assert_eq!(roots("desktop-commander"), Roots::Unlimited);
    assert_eq!(roots("serena"), Roots::Workspace);
    assert_eq!(roots("slack"), Roots::None);
}

fn rendered(error: &dyn miette::Diagnostic) -> String {
    let mut out = String::new();
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    handler.render_report(&mut out, error).unwrap();
    out
}

#[test]
fn bad_catalogs_are_refused_with_place_and_help() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus/catalog/bad");
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20);
    for path in files {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let error = Catalog::parse(&Source::new(format!("{stem}.toml"), text))
            .map(drop)
            .expect_err(&stem);
        assert!(!error.help().is_empty(), "{stem} has no help");
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
            insta::assert_snapshot!(format!("catalog-bad-{stem}"), rendered(&error));
        });
    }
}

#[test]
fn a_catalog_over_one_mebibyte_is_refused() {
    let long = format!("version = 1\n# {}", "x".repeat(1 << 20));
    assert!(Catalog::parse(&Source::new("c.toml", long)).is_err());
    assert!(Catalog::parse(&Source::new("c.toml", "version = 1")).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_arguments_widen_a_tool(name in "sql|query|method|url", value in "[ -~]{0,40}|select [a-z]{1,5}|GET") {
        let arguments = json!({ name: value });
        for server in Catalog::shipped().servers() {
            for tool in server.all_groups().iter().flat_map(|group| group.names()) {
                let launch = Launch::default();
                let Some(tool) = server.tool(tool, &launch) else { continue };
                let (call, most) = (tool.effects_of(&arguments), tool.effects());
                assert_eq!(call.join(most), most);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Catalog::parse(&Source::new("c.toml", text));
    }
}
