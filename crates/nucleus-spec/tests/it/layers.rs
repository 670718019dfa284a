//! Administrator, user, command line and project: each only tightens.

use nucleus_spec::{Layers, Named, Source, SourceKind, resolve, with_model};
use portcullis::{Level, Operation, Outcome};

use crate::requests::{judge, on_path, run};

fn source(name: &str, text: &str) -> Option<Source> {
    Some(Source::new(name, text))
}

fn kinds(layers: &Layers) -> Vec<SourceKind> {
    resolve(layers)
        .unwrap()
        .sources
        .iter()
        .map(|used| used.kind)
        .collect()
}

#[test]
fn without_any_policy_restrictive_holds() {
    let resolved = resolve(&Layers::default()).unwrap();
    assert_eq!(resolved.sources[0].name, "profile restrictive");
    assert_eq!(resolved.envelope.level(Operation::RunBash), Level::Never);
    assert_eq!(resolved.envelope.level(Operation::ReadFiles), Level::Always);
}

#[test]
fn the_users_policy_stands_instead_of_the_default() {
    let user = source("user.toml", "[capabilities]\nrun_bash = \"low_risk\"");
    let layers = Layers {
        user,
        ..Layers::default()
    };
    assert_eq!(kinds(&layers), [SourceKind::User]);
    assert_eq!(
        resolve(&layers).unwrap().envelope.level(Operation::RunBash),
        Level::LowRisk
    );
}

#[test]
fn a_policy_that_only_bounds_and_grants_nothing_is_pointed_out() {
    let named = Some(Named::Profile("fix-issue".to_owned()));
    let warnings = |text: &str| {
        let layers = Layers {
            user: source("user.toml", text),
            named: named.clone(),
            ..Layers::default()
        };
        resolve(&layers).unwrap().warnings
    };
    let said = warnings("[registries]\npinned = true");
    assert!(
        said.len() == 1
            && said[0].contains("`user.toml`: every operation is `never`")
            && said[0].contains("`extends = \"full\"`"),
        "{said:?}"
    );
    assert!(warnings("extends = \"full\"\n[registries]\npinned = true").is_empty());
    assert!(warnings("[capabilities]\nread_files = \"always\"").is_empty());
}

#[test]
fn nothing_named_is_above_the_user_or_the_ceiling() {
    let named = || Some(Named::Profile("full".to_owned()));
    let user = source("user.toml", "extends = \"fix-issue\"");
    let ceiling = source(
        "/etc/nucleus/policy.toml",
        "extends = \"full\"\n[capabilities]\nrun_bash = \"low_risk\"",
    );
    let layers = Layers {
        ceiling,
        user,
        named: named(),
        project: None,
        is_named_inside: false,
        groups: None,
    };
    let resolved = resolve(&layers).unwrap();
    assert_eq!(
        kinds(&layers),
        [SourceKind::Ceiling, SourceKind::User, SourceKind::Profile]
    );
    assert_eq!(resolved.envelope.level(Operation::GitPush), Level::Never);
    assert_eq!(resolved.envelope.level(Operation::RunBash), Level::LowRisk);
    assert_eq!(resolved.envelope.maximum().micro_usd, 5_000_000);
    let alone = resolve(&Layers {
        named: named(),
        ..Layers::default()
    })
    .unwrap();
    assert_eq!(alone.envelope.level(Operation::GitPush), Level::Always);
}

#[test]
fn a_project_file_tightens_what_is_above_it() {
    let named = Some(Named::Profile("fix-issue".to_owned()));
    let project = source(
        "nucleus.toml",
        "[capabilities]\nrun_bash = \"low_risk\"\n[commands]\nlisted = [\"make check\"]",
    );
    let resolved = resolve(&Layers {
        named,
        project,
        ..Layers::default()
    })
    .unwrap();
    assert_eq!(
        judge(&resolved.envelope, &run(&["make", "check"])),
        Outcome::Permit
    );
    assert_eq!(
        judge(&resolved.envelope, &run(&["make", "all"])),
        Outcome::NeedsApproval
    );
    assert_eq!(
        judge(&resolved.envelope, &on_path(Operation::EditFiles, "a.rs")),
        Outcome::Permit
    );
}

#[test]
fn an_error_names_the_file_it_is_in() {
    let user = source("/home/me/.config/nucleus/policy.toml", "x = 1");
    let error = resolve(&Layers {
        user,
        ..Layers::default()
    })
    .map(drop)
    .unwrap_err();
    assert_eq!(error.source_name(), "/home/me/.config/nucleus/policy.toml");
    let unknown = Some(Named::Profile("fix-isue".to_owned()));
    let error = resolve(&Layers {
        named: unknown,
        ..Layers::default()
    })
    .map(drop)
    .unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.help()),
        ("unknown profile `fix-isue`", "did you mean `fix-issue`?")
    );
}

#[test]
fn sources_are_pinned_by_the_digest_of_their_text() {
    let digest = |text: &str| {
        let user = source("u.toml", text);
        resolve(&Layers {
            user,
            ..Layers::default()
        })
        .unwrap()
        .sources[0]
            .digest
    };
    assert_eq!(digest("version = 1"), digest("version = 1"));
    assert_ne!(digest("version = 1"), digest("version = 1 "));
}

#[test]
fn credentials_are_those_that_every_policy_allows() {
    let git = "[git]\ncredential = \"github\"";
    let user = || source("u.toml", git);
    let same = Some(Named::File(Source::new("n.toml", git)));
    let resolved = resolve(&Layers {
        user: user(),
        named: same,
        ..Layers::default()
    })
    .unwrap();
    assert_eq!(resolved.credentials, ["github"]);
    let other = Some(Named::File(Source::new("n.toml", "version = 1")));
    let resolved = resolve(&Layers {
        user: user(),
        named: other,
        ..Layers::default()
    })
    .unwrap();
    assert_eq!(resolved.credentials, [] as [String; 0]);
}

#[test]
fn a_session_has_one_model_provider() {
    let resolved = resolve(&Layers::default()).unwrap();
    let named = with_model(&resolved.envelope, "anthropic", None);
    let calls = |name: &str| {
        named
            .declarations()
            .models
            .holds(|model| model.matches(name))
    };
    assert_eq!(
        (calls("anthropic/team"), calls("anthropic"), calls("openai")),
        (true, true, false)
    );
    assert!(named.leq(&resolved.envelope));
}

#[test]
fn limits_of_every_layer_and_group_count() {
    let user = source(
        "user.toml",
        "[network]\ngroups = [\"documentation\"]\nlimits = [{ host = \"a.example\", max_requests = 5 }]",
    );
    let project = source(
        "permissions.toml",
        "[network]\nlimits = [{ host = \"a.example\", max_requests = 3 }]",
    );
    let resolved = resolve(&Layers {
        user,
        project,
        ..Layers::default()
    })
    .unwrap();
    let of = |host: &str| -> Vec<Option<u64>> {
        let limits = resolved.limits.iter();
        limits
            .filter(|limit| limit.pattern.to_string() == host)
            .map(|limit| limit.max_requests)
            .collect()
    };
    assert_eq!(of("a.example"), [Some(5), Some(3)]);
    assert_eq!(of("docs.rs").len(), 1);
}

#[test]
fn registries_are_those_that_the_caller_asked_for() {
    let user = || {
        source(
            "user.toml",
            "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\ngroups = [\"registries\"]",
        )
    };
    let mirror = nucleus_spec::Registry::new("mirror.example").unwrap();
    let groups = |registries| Some(nucleus_spec::Groups::with_registries(registries));
    let asked = |registries| {
        let resolved = resolve(&Layers {
            user: user(),
            groups: groups(registries),
            ..Layers::default()
        });
        let envelope = resolved.unwrap().envelope;
        let request = crate::requests::fetch("GET", "mirror.example", 443, "/a/b.tar.gz");
        let publish = crate::requests::fetch("PUT", "mirror.example", 443, "/a");
        let judge = |request| crate::requests::judge(&envelope, request).name();
        (judge(&request), judge(&publish))
    };
    assert_eq!(asked(vec![mirror]), ("permit", "needs_approval"));
    assert_eq!(asked(Vec::new()), ("needs_approval", "needs_approval"));
}

#[test]
fn a_project_file_cannot_name_groups() {
    let layers = Layers {
        user: source("user.toml", "extends = \"local_dev\""),
        project: source("permissions.toml", "[network]\ngroups = []"),
        ..Layers::default()
    };
    let error = resolve(&layers).map(drop).unwrap_err();
    assert!(error.to_string().contains("groups"), "{error}");
}

const BOUND: &str = "extends = \"full\"\n[credentials]\nbindings = [\
    { name = \"API_TOKEN\", env = \"API_TOKEN\", hosts = [\"api.example.com\"], methods = [\"GET\"], paths = [\"/v1/**\"] },\
    { name = \"OPS_KEY\", command = [\"op\", \"read\", \"x\"], hosts = [\"ops.example.com\"], header = \"X-Api-Key\" }]\n";

fn bound(layers: &Layers) -> Vec<String> {
    let resolved = resolve(layers).unwrap();
    let names = resolved.bindings.iter().map(|own| own.name.clone());
    names.collect()
}

#[test]
fn bound_secrets_are_kept_beside_the_envelope() {
    use nucleus_spec::{Scheme, SecretSource};
    let layers = Layers {
        user: source("user.toml", BOUND),
        ..Layers::default()
    };
    let resolved = resolve(&layers).unwrap();
    let [api, ops] = resolved.bindings.as_slice() else {
        panic!("{:?}", resolved.bindings)
    };
    assert_eq!(api.source, SecretSource::Variable("API_TOKEN".to_owned()));
    assert_eq!(
        (api.header.as_str(), api.scheme),
        ("authorization", Scheme::Any)
    );
    assert_eq!(
        (ops.header.as_str(), ops.scheme),
        ("x-api-key", Scheme::Bare)
    );
    assert_eq!(ops.source.to_string(), "the command `op`");
    let path = |text| portcullis::host::UrlPath::parse(text).unwrap();
    let host = |text| portcullis::host::Host::parse(text).unwrap();
    let covers = |at, port, method, to| api.covers(&host(at), port, method, &path(to));
    assert!(covers("api.example.com", 443, "GET", "/v1/a"));
    assert!(!covers("api.example.com", 443, "POST", "/v1/a"));
    assert!(!covers("api.example.com", 443, "GET", "/v2/a"));
    assert!(!covers("api.example.com", 8443, "GET", "/v1/a"));
    assert!(!covers("www.example.com", 443, "GET", "/v1/a"));
}

#[test]
fn a_policy_below_uses_fewer_secrets_and_binds_none_anew() {
    let user = || source("user.toml", BOUND);
    let with = |project: &str| Layers {
        user: user(),
        project: source("permissions.toml", project),
        ..Layers::default()
    };
    assert_eq!(
        bound(&with("[budget]\nmax_cost_usd = 1")),
        ["API_TOKEN", "OPS_KEY"]
    );
    let fewer = "[credentials]\nuse = [\"OPS_KEY\", \"UNKNOWN\"]";
    assert_eq!(bound(&with(fewer)), ["OPS_KEY"]);
    assert!(bound(&with("[credentials]\nuse = []")).is_empty());
    let other = "extends = \"full\"\n[credentials]\nbindings = [{ name = \"OPS_KEY\", file = \"/etc/shadow\", hosts = [\"evil.example\"] }]";
    let named = Layers {
        user: user(),
        named: Some(Named::File(Source::new("mine.toml", other))),
        ..Layers::default()
    };
    let resolved = resolve(&named).unwrap();
    let ops = resolved.bindings.iter().find(|own| own.name == "OPS_KEY");
    assert_eq!(ops.unwrap().source.to_string(), "the command `op`");
}

#[test]
fn a_file_in_the_workspace_says_no_source_of_secrets() {
    let named = |is_named_inside| Layers {
        named: Some(Named::File(Source::new("permissions.toml", BOUND))),
        is_named_inside,
        ..Layers::default()
    };
    let refused = resolve(&named(true)).expect_err("it may have come with the repository");
    assert!(
        refused.to_string().contains("in the workspace"),
        "{refused}"
    );
    assert_eq!(bound(&named(false)).len(), 2);
    let project = Layers {
        user: source("user.toml", "extends = \"full\""),
        project: source("permissions.toml", "[credentials]\nbindings = []"),
        ..Layers::default()
    };
    assert!(resolve(&project).is_err());
}

#[test]
fn pinned_holds_when_any_policy_says_so() {
    let with = |user: &str, project: &str| {
        let layers = Layers {
            user: source("user.toml", &format!("extends = \"full\"\n{user}")),
            project: source("permissions.toml", project),
            ..Layers::default()
        };
        resolve(&layers).unwrap().is_pinned
    };
    let (yes, no) = (
        "[registries]\npinned = true",
        "[registries]\npinned = false",
    );
    assert!(!with("", "") && !with(no, no));
    assert!(with(yes, "") && with("", yes) && with(yes, no) && with(no, yes));
}
