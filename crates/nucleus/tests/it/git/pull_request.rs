//! Pull requests: judged before the forge hears of them.

use std::io;
use std::sync::Mutex;

use nucleus::git::PullRequestRequest;
use nucleus::ports::{Forge, PullRequest};
use nucleus::{Error, Exposure};
use nucleus_audit::Recorded;
use portcullis::decide::Permit;

use super::repository::{policy, session, with_commit};

/// Notes what it is asked for.
#[derive(Debug, Default)]
struct Noted(Mutex<Vec<PullRequest>>);

impl Forge for Noted {
    fn open_pull_request(
        &self,
        _permit: Recorded<Permit>,
        pull_request: &PullRequest,
    ) -> io::Result<String> {
        self.0.lock().unwrap().push(pull_request.clone());
        Ok("https://forge.example/owner/name/pull/1".to_owned())
    }
}

const REMOTES: &str = "[{ url = \"https://forge.example/owner/name.git\", refs = [\"main\"] }]";

fn asked() -> PullRequestRequest {
    PullRequestRequest {
        url: None,
        base: "main".to_owned(),
        head: "topic/x".to_owned(),
        title: "Fix it".to_owned(),
        text: "All of it.".to_owned(),
    }
}

#[test]
fn a_pull_request_to_the_remote_of_the_policy_is_opened() {
    let dir = with_commit();
    let session = session(&dir, &policy(REMOTES));
    let forge = Noted::default();
    let opened = session.git().create_pr(Some(&forge), &asked()).unwrap();
    assert_eq!(opened, "https://forge.example/owner/name/pull/1");
    let noted = forge.0.lock().unwrap().clone();
    assert_eq!(noted.len(), 1);
    assert_eq!(
        (noted[0].url.as_str(), noted[0].base.as_str()),
        ("https://forge.example/owner/name.git", "main")
    );
    session.end();
}

#[test]
fn any_other_pull_request_is_refused_before_the_forge_hears_of_it() {
    let dir = with_commit();
    let session = session(&dir, &policy(REMOTES));
    let forge = Noted::default();
    let git = session.git();
    let elsewhere = PullRequestRequest {
        url: Some("https://forge.example/evil/name.git".to_owned()),
        ..asked()
    };
    let other_base = PullRequestRequest {
        base: "release".to_owned(),
        ..asked()
    };
    for asked in [elsewhere, other_base] {
        let error = git.create_pr(Some(&forge), &asked).unwrap_err();
        assert!(
            matches!(
                error,
                Error::ApprovalRequired {
                    operation: "create_pr",
                    ..
                }
            ),
            "{error}"
        );
    }
    for asked in [
        PullRequestRequest {
            head: "--x".to_owned(),
            ..asked()
        },
        PullRequestRequest {
            base: "main:evil".to_owned(),
            ..asked()
        },
        PullRequestRequest {
            title: "two\nlines".to_owned(),
            ..asked()
        },
        PullRequestRequest {
            title: " ".to_owned(),
            ..asked()
        },
    ] {
        assert!(matches!(
            git.create_pr(Some(&forge), &asked).unwrap_err(),
            Error::Malformed(_)
        ));
    }
    session
        .monitor()
        .expose(Exposure::UNTRUSTED, "fetched `example.com`")
        .unwrap();
    let error = git.create_pr(Some(&forge), &asked()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ApprovalRequired {
                operation: "create_pr",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(forge.0.lock().unwrap().len(), 0);
}
