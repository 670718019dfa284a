//! A pull request at a local forge, in the shapes of GitHub and GitLab; the token is in one header and nowhere else.

use nucleus::ports::{Forge as _, PullRequest};
use nucleus_egress::RestForge;
use nucleus_egress::credentials::Credentials;
use nucleus_spec::{Credential, Scheme, SecretSource};
use portcullis::Operation;
use portcullis::host::{HostPattern, HostRule, UrlPathPattern};
use portcullis::request::Subject;
use serde_json::{Value, json};

use crate::fixture::{Session, answer, server};

const TOKEN: &str = "tok_0123456789abcdef";

fn pull(url: &str) -> PullRequest {
    PullRequest {
        url: url.to_owned(),
        base: "main".to_owned(),
        head: "topic/fix".to_owned(),
        title: "Fix it".to_owned(),
        text: "All of it.".to_owned(),
    }
}

fn open(api: &str, pull: &PullRequest) -> std::io::Result<String> {
    let session = Session::new();
    let subject = Subject::PullRequest {
        url: pull.url.clone(),
        base: pull.base.clone(),
        head: pull.head.clone(),
        text: format!("{}\n\n{}", pull.title, pull.text),
    };
    let permit = session.permit(Operation::CreatePr, subject);
    RestForge::new(api, TOKEN.to_owned())?.open_pull_request(permit, pull)
}

#[test]
fn a_pull_request_is_opened_as_github_wants_it() {
    let body = json!({ "number": 7, "html_url": "https://github.com/owner/name/pull/7" });
    let (address, seen) = server(answer("201 Created", &[], &body.to_string()));
    let opened = open(
        &format!("http://{address}"),
        &pull("https://github.com/owner/name.git"),
    );
    assert_eq!(opened.unwrap(), "https://github.com/owner/name/pull/7");
    let seen = seen.recv().unwrap();
    assert_eq!(seen.line, "POST /repos/owner/name/pulls HTTP/1.1");
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let sent: Value = serde_json::from_slice(&seen.body).unwrap();
    let expected =
        json!({ "title": "Fix it", "body": "All of it.", "head": "topic/fix", "base": "main" });
    assert_eq!(sent, expected);
}

#[test]
fn a_merge_request_is_opened_as_gitlab_wants_it() {
    let body =
        json!({ "iid": 7, "web_url": "https://gitlab.example/group/sub/name/-/merge_requests/7" });
    let (address, seen) = server(answer("201 Created", &[], &body.to_string()));
    let opened = open(
        &format!("http://{address}/api/v4"),
        &pull("https://gitlab.example/group/sub/name.git"),
    );
    assert_eq!(
        opened.unwrap(),
        "https://gitlab.example/group/sub/name/-/merge_requests/7"
    );
    let seen = seen.recv().unwrap();
    assert_eq!(
        seen.line,
        "POST /api/v4/projects/group%2Fsub%2Fname/merge_requests HTTP/1.1"
    );
    let sent: Value = serde_json::from_slice(&seen.body).unwrap();
    let expected = json!({
        "title": "Fix it", "description": "All of it.", "source_branch": "topic/fix", "target_branch": "main",
    });
    assert_eq!(sent, expected);
}

/// A forge whose credential is what the policy binds to the route of the call.
fn bound(api: &str, paths: &[&str]) -> std::io::Result<RestForge> {
    let host = api.trim_start_matches("http://").split('/').next().unwrap();
    let rule = HostRule::new(HostPattern::parse(host).unwrap())
        .with_methods(["POST"])
        .unwrap()
        .with_paths(
            paths
                .iter()
                .map(|path| UrlPathPattern::parse(path).unwrap()),
        )
        .unwrap();
    let binding = Credential {
        name: "FORGE".to_owned(),
        source: SecretSource::Variable("FORGE".to_owned()),
        routes: vec![rule],
        header: "private-token".to_owned(),
        scheme: Scheme::Bare,
        user: None,
    };
    let value = zeroize::Zeroizing::new(TOKEN.to_owned());
    RestForge::bound(api, Credentials::new([(binding, value)])?, Some("FORGE"))
}

#[test]
fn a_bound_credential_opens_pull_requests_on_its_routes_alone() {
    let body = json!({ "iid": 7, "web_url": format!("https://gitlab.example/{TOKEN}/7") });
    let (address, seen) = server(answer("201 Created", &[], &body.to_string()));
    let api = format!("http://{address}/api/v4");
    let pull = pull("https://gitlab.example/group/name.git");
    let ask = |forge: &RestForge| {
        let session = Session::new();
        let subject = Subject::PullRequest {
            url: pull.url.clone(),
            base: pull.base.clone(),
            head: pull.head.clone(),
            text: format!("{}\n\n{}", pull.title, pull.text),
        };
        forge.open_pull_request(session.permit(Operation::CreatePr, subject), &pull)
    };
    let other = bound(&api, &["/api/v4/projects/other/**"]).unwrap();
    assert!(ask(&other).is_err() && seen.try_recv().is_err());
    let forge = bound(&api, &["/api/v4/projects/group/name/*"]).unwrap();
    let opened = ask(&forge).unwrap();
    assert!(!opened.contains(TOKEN), "{opened}");
    let seen = seen.recv().unwrap();
    assert_eq!(seen.header("private-token"), Some(TOKEN));
    assert_eq!(seen.header("authorization"), None);
    assert!(!format!("{forge:?}").contains(TOKEN));
}

#[test]
fn a_refusal_names_the_status_and_never_the_token() {
    let echo = format!("{{\"message\":\"bad credentials {TOKEN}\"}}");
    let (address, _) = server(answer("401 Unauthorized", &[], &echo));
    let api = format!("http://{address}");
    let error = open(&api, &pull("https://github.com/owner/name")).unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
    let forge = RestForge::new(&api, TOKEN.to_owned()).unwrap();
    assert!(!format!("{forge:?}").contains(TOKEN));
}

#[test]
fn a_redirect_does_not_carry_the_token_on() {
    let (trap, trapped) = server(answer("201 Created", &[], "{}"));
    let target = format!("http://{trap}/repos/owner/name/pulls");
    let (address, _) = server(answer(
        "307 Temporary Redirect",
        &[("location", &target)],
        "",
    ));
    let error = open(
        &format!("http://{address}"),
        &pull("https://github.com/owner/name"),
    )
    .unwrap_err();
    assert!(error.to_string().contains("307"), "{error}");
    assert!(trapped.try_recv().is_err());
}

#[test]
fn an_address_that_names_no_repository_is_refused() {
    let (address, seen) = server(answer("201 Created", &[], "{}"));
    for url in [
        "https://github.com/owner",
        "https://github.com/a/%2e%2e/b",
        "https://github.com/.a/b",
        "no url",
    ] {
        open(&format!("http://{address}"), &pull(url)).unwrap_err();
    }
    assert!(seen.try_recv().is_err());
}

#[test]
fn only_https_or_this_machine_gets_a_token() {
    RestForge::new("http://forge.example", TOKEN.to_owned()).unwrap_err();
    RestForge::new("https://user:pass@forge.example", TOKEN.to_owned()).unwrap_err();
    RestForge::new("https://forge.example", TOKEN.to_owned()).unwrap();
    RestForge::new("http://127.0.0.1:1", TOKEN.to_owned()).unwrap();
    for token in ["", "two words", "line\nbreak"] {
        RestForge::new("https://forge.example", token.to_owned()).unwrap_err();
    }
}
