//! What no single client reads: shared files, workflows, containers, packages, policies.

use super::shape::{
    COMPOSE, DEVCONTAINER, DOCKERFILE, ENVIRONMENT, Names, PACKAGE, PIPELINE, POLICY, SETTINGS,
    TEXT, WORKFLOW,
};
use crate::client::Client;

pub(super) const NAMES: &[Names] = &[
    Names {
        client: Client::Shared,
        ends: &[
            (".mcp.json", SETTINGS),
            ("mcp.json", SETTINGS),
            ("mcp-servers.json", SETTINGS),
            ("mcp_servers.json", SETTINGS),
            ("mcp_config.json", SETTINGS),
            ("mcp-config.json", SETTINGS),
            ("AGENTS.md", TEXT),
            ("AGENT.md", TEXT),
            ("SKILL.md", TEXT),
            (".envrc", ENVIRONMENT),
        ],
        beneath: &[(".agents/skills/", ".md", TEXT)],
    },
    Names {
        client: Client::Workflow,
        ends: &[
            (".gitlab-ci.yml", PIPELINE),
            (".gitlab-ci.yaml", PIPELINE),
            ("action.yml", WORKFLOW),
            ("action.yaml", WORKFLOW),
        ],
        beneath: &[
            (".github/workflows/", ".yml", WORKFLOW),
            (".github/workflows/", ".yaml", WORKFLOW),
            (".gitlab/ci/", ".yml", PIPELINE),
            (".gitlab/ci/", ".yaml", PIPELINE),
        ],
    },
    Names {
        client: Client::Container,
        ends: &[
            ("devcontainer.json", DEVCONTAINER),
            (".devcontainer.json", DEVCONTAINER),
            ("Dockerfile", DOCKERFILE),
            ("Containerfile", DOCKERFILE),
            ("compose.yml", COMPOSE),
            ("compose.yaml", COMPOSE),
            ("docker-compose.yml", COMPOSE),
            ("docker-compose.yaml", COMPOSE),
        ],
        beneath: &[(".devcontainer/", "devcontainer.json", DEVCONTAINER)],
    },
    Names {
        client: Client::Package,
        ends: &[("package.json", PACKAGE)],
        beneath: &[],
    },
    Names {
        client: Client::Nucleus,
        ends: &[
            ("permissions.toml", POLICY),
            ("nucleus/policy.toml", POLICY),
        ],
        beneath: &[],
    },
];
