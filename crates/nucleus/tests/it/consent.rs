//! What a person says yes to on the host: only what was shown, on record first, once.

use nucleus::monitor::{Consent, Doubt, Terms};
use nucleus::workspace::StagedChange;
use nucleus::{Error, Refused};
use nucleus_audit::{Detail, Kind};
use portcullis::path::RelPath;
use portcullis::request::{Request, Subject};
use portcullis::{Operation, Reason, Reasons};

use super::session::{OPEN, Session};

const OBLIGED: Reasons = Reasons::of(Reason::Obliged);

/// Writes ask.
fn asking() -> Session {
    Session::under(&format!(
        "{OPEN}\n[obligations]\napprovals = [\"write_files\"]\n"
    ))
}

fn write(session: &Session, path: &str) -> Request {
    let subject = Subject::Path(RelPath::parse(path).unwrap());
    session
        .monitor()
        .request(Operation::WriteFiles, subject)
        .build()
}

fn consent(shown: Reasons, nonce: u8) -> Consent {
    Consent {
        shown,
        approver: "uid:1234".to_owned(),
        nonce: [nonce; 16],
        expires_boot_ms: u64::MAX,
    }
}

fn admit(session: &Session, beside: Reasons, consent: &Consent) -> Result<(), Refused> {
    let request = write(session, "a");
    let admitted =
        session
            .monitor()
            .admit_consented(&request, &Terms::default(), beside, consent)?;
    admitted.ticket.done().unwrap();
    Ok(())
}

/// The reasons of each approval on record.
fn approvals(session: &Session) -> Vec<Reasons> {
    let of = |record: nucleus_audit::Record| match record.body.detail {
        Some(Detail::Approval { shown, .. }) => Some(shown),
        _ => None,
    };
    session.records().into_iter().filter_map(of).collect()
}

#[test]
fn a_yes_discharges_what_was_shown_and_nothing_else() {
    let session = asking();
    let blind = admit(&session, Reasons::NONE, &consent(Reasons::NONE, 1)).unwrap_err();
    assert_eq!(blind.doubt(), Some(Doubt::NotShown));
    let beside = Reasons::of(Reason::ActivationPath);
    let half = admit(&session, beside, &consent(OBLIGED, 2)).unwrap_err();
    assert_eq!(half.doubt(), Some(Doubt::NotShown));
    assert_eq!(
        approvals(&session).len(),
        0,
        "what is refused spends no approval"
    );
    // The twins.
    admit(&session, Reasons::NONE, &consent(OBLIGED, 3)).unwrap();
    admit(&session, beside, &consent(OBLIGED.union(beside), 4)).unwrap();
    session.end();
}

#[test]
fn a_yes_is_used_once_and_not_after_it_expired() {
    let session = asking();
    admit(&session, Reasons::NONE, &consent(OBLIGED, 1)).unwrap();
    let again = admit(&session, Reasons::NONE, &consent(OBLIGED, 1)).unwrap_err();
    assert_eq!(again.doubt(), Some(Doubt::ApprovalSpent));
    let late = Consent {
        expires_boot_ms: 1,
        ..consent(OBLIGED, 2)
    };
    let late = admit(&session, Reasons::NONE, &late).unwrap_err();
    assert_eq!(late.doubt(), Some(Doubt::ApprovalSpent));
    assert_eq!(approvals(&session).len(), 1);
    session.end();
}

#[test]
fn a_yes_that_the_law_alone_would_not_need_is_on_record_before_the_permit() {
    let session = Session::open();
    let beside = Reasons::of(Reason::ActivationPath);
    admit(&session, beside, &consent(beside, 1)).unwrap();
    assert_eq!(
        session.kinds(),
        [Kind::Start, Kind::Approval, Kind::Permit, Kind::Outcome]
    );
    assert_eq!(approvals(&session), [beside]);
    session.end();
}

#[test]
fn no_yes_makes_a_denial_a_permit() {
    let session =
        Session::under(&OPEN.replace("write_files = \"always\"", "write_files = \"never\""));
    let every = Reasons::DENYING.union(Reasons::ASKING);
    let denied = admit(&session, Reasons::NONE, &consent(every, 1)).unwrap_err();
    assert!(denied.reasons().contains(Reason::LevelNever));
    assert_eq!(approvals(&session).len(), 0);
    session.end();
}

/// What the agent staged, and a session of the user's own that shares its workspace and state.
fn staged(agent: &Session, path: &str) -> (Session, StagedChange) {
    let user = Session::beside(&agent.dir, OPEN, |_| {}).unwrap();
    let all = agent.sandbox.view().staged().unwrap();
    let found = all
        .into_iter()
        .find(|staged| staged.change.path.to_string() == path);
    (user, found.unwrap())
}

#[test]
fn what_its_surroundings_held_back_is_applied_with_an_approval_of_its_own() {
    let agent = Session::open();
    agent.sandbox.make_dir("docs").unwrap();
    let written = agent.sandbox.write("docs/HEAD", b"ref: refs/heads/main\n");
    assert!(!written.unwrap().is_landed());
    let (user, staged) = staged(&agent, "docs/HEAD");
    let review = user.sandbox.review(&staged).unwrap();
    assert!(review.reasons().contains(Reason::ActivationPath));
    let landed = user.sandbox.apply(&review, "uid:1234").unwrap();
    assert_eq!(landed.staged, None);
    assert!(agent.on_disk("docs/HEAD").is_some());
    assert_eq!(agent.sandbox.view().staged().unwrap(), []);
    assert_eq!(
        user.kinds(),
        [Kind::Start, Kind::Approval, Kind::Permit, Kind::Outcome]
    );
    assert_eq!(approvals(&user), [Reasons::of(Reason::ActivationPath)]);
    assert!(user.log_text().contains("uid:1234"));
    user.end();
}

#[test]
fn what_another_session_staged_meanwhile_is_not_what_was_shown() {
    let agent = Session::open();
    agent.sandbox.write(".envrc", b"shown").unwrap_err();
    let (user, staged) = staged(&agent, ".envrc");
    let review = user.sandbox.review(&staged).unwrap();
    agent.sandbox.write(".envrc", b"export EVIL=1").unwrap_err();
    let error = user.sandbox.apply(&review, "uid:1234").unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    assert_eq!(agent.on_disk(".envrc"), None);
    assert_eq!(approvals(&user).len(), 0);
    // The twin: what is shown again.
    let staged = agent.sandbox.view().staged().unwrap().remove(0);
    let review = user.sandbox.review(&staged).unwrap();
    user.sandbox.apply(&review, "uid:1234").unwrap();
    assert_eq!(agent.on_disk(".envrc").as_deref(), Some("export EVIL=1"));
    user.end();
}

#[test]
fn what_the_host_saved_since_the_change_was_shown_is_not_overwritten() {
    let agent = Session::open();
    agent.write(".envrc", "old");
    agent.sandbox.write(".envrc", b"by the agent").unwrap_err();
    let (user, staged) = staged(&agent, ".envrc");
    let review = user.sandbox.review(&staged).unwrap();
    agent.write(".envrc", "saved by the user meanwhile");
    let landed = user.sandbox.apply(&review, "uid:1234").unwrap();
    assert!(landed.staged.is_some());
    assert_eq!(
        agent.on_disk(".envrc").as_deref(),
        Some("saved by the user meanwhile")
    );
    // The twin: shown again, with what it would replace.
    let staged = agent.sandbox.view().staged().unwrap().remove(0);
    let review = user.sandbox.review(&staged).unwrap();
    user.sandbox.apply(&review, "uid:1234").unwrap();
    assert_eq!(agent.on_disk(".envrc").as_deref(), Some("by the agent"));
    user.end();
}
