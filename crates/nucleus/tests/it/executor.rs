//! Commands: jailed, bounded, paid for, and landed change by change.

use std::sync::Arc;
use std::time::Duration;

use nucleus::executor::{
    CommandExit, CommandRequest, MAX_RUNNING, OutputCaps, Prices, Stop, Stream,
};
use nucleus::{AtomicBudget, Error, Executor, Exposure};
use nucleus_audit::Kind;
use portcullis::Amount;
use portcullis::command::Argv;
use portcullis::path::RelPath;
use proptest::prelude::*;

use super::session::{OPEN, Session};

fn command(words: &[&str]) -> CommandRequest {
    CommandRequest::new(Argv::new(words.iter().copied()).unwrap())
}

fn sh(script: &str) -> CommandRequest {
    command(&["sh", "-c", script])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_command_says_and_changes_what_it_did() {
    let session = Session::open();
    session.write("a", "old\n");
    session.write("gone", "x");
    let output = session.sh("cat a; echo err >&2; echo new > a; mkdir d; echo x > d/b; rm gone");
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("old\n".into(), "err\n".into())
    );
    assert_eq!(session.on_disk("a").as_deref(), Some("new\n"));
    assert_eq!(session.on_disk("d/b").as_deref(), Some("x\n"));
    assert_eq!(session.on_disk("gone"), None);
    let landed: Vec<_> = output
        .landed
        .iter()
        .map(|c| (c.verb, c.path.as_str()))
        .collect();
    assert_eq!(
        landed,
        [
            ("delete", "gone"),
            ("modify", "a"),
            ("mkdir", "d"),
            ("create", "d/b")
        ]
    );
    assert!(output.staged.is_empty() && output.refused.is_empty());
    assert_eq!(session.monitor().summary().landed, 4);
    assert_eq!(
        session
            .kinds()
            .iter()
            .filter(|kind| **kind == Kind::Land)
            .count(),
        4
    );
    assert_eq!(session.monitor().exposure(), Exposure::PRIVATE);
    session.end();
}

#[test]
fn exit_codes_signals_and_missing_programs_are_told_apart() {
    let session = Session::open();
    assert_eq!(session.run("exit 3").exit, CommandExit::Code(3));
    assert_eq!(session.run("kill -KILL $$").exit, CommandExit::Signal(9));
    assert!(session.run("true").exit.is_success());
    let missing = session.executor().run("no-such-program-here");
    assert!(
        matches!(missing, Err(Error::Jail(nucleus_jail::Error::Exec { .. }))),
        "{missing:?}"
    );
    assert!(matches!(
        session.executor().run("echo 'x"),
        Err(Error::Malformed(_))
    ));
}

#[test]
fn activation_paths_stay_staged_and_are_named() {
    let session = Session::open();
    let output = session.sh("echo x > AGENTS.md; mkdir .vscode; echo x > .vscode/tasks.json; echo y > ok; echo all: > Makefile");
    let landed: Vec<_> = output
        .landed
        .iter()
        .map(|c| (c.path.as_str(), c.is_build_input))
        .collect();
    assert_eq!(landed, [("Makefile", true), ("ok", false)]);
    let staged: Vec<_> = output.staged.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(staged, [".vscode", ".vscode/tasks.json", "AGENTS.md"]);
    assert_eq!(
        (
            session.on_disk("AGENTS.md"),
            session.on_disk("ok").as_deref()
        ),
        (None, Some("y\n"))
    );
    assert_eq!(
        text(&session.sh("cat AGENTS.md").stdout),
        "x\n",
        "later commands see it"
    );
    assert_eq!(session.sandbox.view().staged().unwrap().len(), 3);
    assert_eq!(session.monitor().summary().staged, 3);
    assert!(session.kinds().contains(&Kind::Stage));
}

#[test]
fn a_link_to_an_innocent_directory_does_not_become_activation() {
    let session = Session::open();
    let output = session.sh("mkdir made sub; echo x > made/config.toml; ln -s made .cargo; ln -s ../made sub/.github; ln -s made latest");
    let landed: Vec<_> = output.landed.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(landed, ["latest", "made", "made/config.toml", "sub"]);
    let staged: Vec<_> = output.staged.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(staged, [".cargo", "sub/.github"]);
}

#[test]
fn a_command_without_the_right_to_write_changes_nothing() {
    let text = OPEN.replace("write_files = \"always\"", "write_files = \"never\"");
    let session = Session::under(&text);
    session.write("a", "1");
    let output = session.sh("echo 2 > a; echo new > b");
    assert_eq!(
        session.on_disk("a").as_deref(),
        Some("2\n"),
        "an edit was granted"
    );
    assert_eq!(session.on_disk("b"), None);
    assert_eq!(
        output
            .refused
            .iter()
            .map(|c| c.path.as_str())
            .collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn blocked_files_do_not_exist_for_a_command() {
    let session = Session::open();
    session.write(".env", "CANARY");
    session.write("certs/server.pem", "CANARY");
    session.write("open.txt", "fine");
    let output =
        session.run("cat .env certs/server.pem; ls -a . certs; grep -r ANAR . ; cat open.txt");
    let all = text(&output.stdout)
        + &text(&output.stderr)
            .replace(".env:", "")
            .replace("'.env'", "");
    assert!(!all.contains("CANARY") && all.contains("fine"), "{all}");
    assert!(!text(&output.stdout).contains("server.pem"), "{all}");
    assert!(!session.log_text().contains("CANARY"));
}

#[test]
fn a_command_gets_its_input_directory_and_variables_and_no_others() {
    let session = Session::open();
    session.write("sub/x", "here");
    let mut request = sh("cat; cat x; echo $MINE; env | cut -d= -f1 | sort | tr '\\n' ' '");
    request.stdin = b"input ".to_vec();
    request.cwd = RelPath::parse("sub").unwrap();
    request.environment = vec![("MINE".to_owned(), "value".to_owned())];
    let output = session.executor().run_command(&request).unwrap();
    insta::assert_snapshot!(text(&output.stdout).replace(" _ ", " "), @r"
    input herevalue
    HOME LANG LOGNAME MINE PATH PWD SHELL TERM TMPDIR USER 
    ");
    request.environment = vec![("A=B".to_owned(), "x".to_owned())];
    assert!(matches!(
        session.executor().run_command(&request),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn a_command_over_its_time_limit_is_killed_with_its_children() {
    let session = Session::open();
    let mut request = sh("sleep 1000 & sleep 1000 & echo up; wait");
    request.limit = Duration::from_millis(700);
    let output = session.executor().run_command(&request).unwrap();
    assert_eq!(output.exit, CommandExit::TimedOut);
    assert_eq!(text(&output.stdout), "up\n");
    assert!(output.cost.micro_usd >= Prices::default().cost(request.limit, 0).micro_usd);
}

#[test]
fn output_is_cut_at_its_caps_and_a_flood_is_killed() {
    let session = Session::open();
    let mut request = sh("seq 1 100000");
    request.caps = OutputCaps {
        bytes: 1000,
        ..OutputCaps::default()
    };
    let output = session.executor().run_command(&request).unwrap();
    assert_eq!((output.stdout.len(), output.is_cut), (1000, true));
    assert_eq!(output.said_bytes, 588_895);
    request.caps = OutputCaps {
        lines: 3,
        ..OutputCaps::default()
    };
    let output = session.executor().run_command(&request).unwrap();
    assert_eq!(text(&output.stdout), "1\n2\n3\n");
    assert!(output.is_cut);
    let mut flood = command(&["yes"]);
    flood.caps = OutputCaps {
        kill_bytes: 1 << 20,
        ..OutputCaps::default()
    };
    assert_eq!(
        session.executor().run_command(&flood).unwrap().exit,
        CommandExit::OutputLimit
    );
    let small = session.executor().run_command(&sh("seq 1 10")).unwrap();
    assert!(!small.is_cut);
}

#[test]
fn output_streams_while_the_command_runs_and_it_can_be_stopped() {
    let session = Session::open();
    let stop = Stop::new();
    let mut seen = Vec::new();
    let killer = stop.clone();
    let output = session
        .executor()
        .run_streaming(
            &sh("echo first; sleep 1000"),
            &stop,
            &mut |stream, bytes| {
                seen.push((stream, text(bytes)));
                killer.stop();
            },
        )
        .unwrap();
    assert_eq!(seen, [(Stream::Stdout, "first\n".to_owned())]);
    assert_eq!(output.exit, CommandExit::Stopped);
}

#[test]
fn the_end_of_the_session_kills_its_commands_and_nothing_lands() {
    let session = Session::open();
    let monitor = session.monitor().clone();
    let output = session.executor().run_streaming(
        &sh("echo x > a; echo up; sleep 1000"),
        &Stop::new(),
        &mut |_, _| {
            monitor.end("enough").unwrap();
        },
    );
    let ended = match output {
        Ok(output) => output.exit == CommandExit::SessionStopped && output.landed.is_empty(),
        Err(error) => matches!(error, Error::Monitor(_) | Error::StateBlocked { .. }),
    };
    assert!(ended);
    assert_eq!(session.on_disk("a"), None);
}

/// Starts as many commands as may run at a time; they end when `stop` says so.
fn fill<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    executor: &'scope Executor,
    stop: &'scope Stop,
) {
    let (up, started) = std::sync::mpsc::channel();
    for _ in 0..MAX_RUNNING {
        let up = up.clone();
        scope.spawn(move || {
            let said = &mut |_: Stream, _: &[u8]| up.send(()).unwrap();
            executor
                .run_streaming(&sh("echo up; sleep 1000"), stop, said)
                .unwrap();
        });
    }
    for _ in 0..MAX_RUNNING {
        started.recv_timeout(Duration::from_secs(300)).unwrap();
    }
}

#[test]
fn commands_above_the_bound_wait_for_their_turn() {
    let session = Session::open();
    let (executor, stop, given_up) = (session.executor(), Stop::new(), Stop::new());
    std::thread::scope(|scope| {
        fill(scope, &executor, &stop);
        let permits = || {
            let kinds = session.kinds();
            kinds.iter().filter(|kind| **kind == Kind::Permit).count()
        };
        assert_eq!(permits(), MAX_RUNNING);
        let cancelled =
            scope.spawn(|| executor.run_streaming(&sh("true"), &given_up, &mut |_, _| {}));
        let waiting = scope.spawn(|| executor.run("echo its turn"));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished() && !cancelled.is_finished());
        assert_eq!(permits(), MAX_RUNNING, "what waits is not judged yet");
        given_up.stop();
        let error = cancelled.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("cancelled"), "{error}");
        stop.stop();
        let output = waiting.join().unwrap().unwrap();
        assert_eq!(text(&output.stdout), "its turn\n");
    });
    session.end();
}

#[test]
fn a_command_that_waits_when_the_session_is_locked_down_is_refused() {
    let session = Session::open();
    let (executor, stop) = (session.executor(), Stop::new());
    std::thread::scope(|scope| {
        fill(scope, &executor, &stop);
        let waiting = scope.spawn(|| executor.run("true"));
        std::thread::sleep(Duration::from_millis(100));
        session.monitor().lockdown("look").unwrap();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::StateBlocked { .. }), "{error}");
        session.monitor().lift("fine").unwrap();
        stop.stop();
    });
    session.end();
}

#[test]
fn a_lockdown_freezes_commands_until_it_is_lifted() {
    let session = Session::open();
    let monitor = session.monitor().clone();
    let mut is_locked = false;
    // Three seconds of its own, in which what it says first arrives, and then the longest time in which it did nothing.
    let script = "last=$(date +%s%N); echo up; max=0; i=0; while [ $i -lt 150 ]; do i=$((i+1)); sleep 0.02; \
        now=$(date +%s%N); gap=$(((now-last)/1000000)); last=$now; if [ $gap -gt $max ]; then max=$gap; fi; done; echo $max";
    let output = session
        .executor()
        .run_streaming(&sh(script), &Stop::new(), &mut |_, bytes| {
            if text(bytes).contains("up") && !is_locked {
                is_locked = true;
                monitor.lockdown("look").unwrap();
                let later = monitor.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(1500));
                    later.lift("fine").unwrap();
                });
            }
        })
        .unwrap();
    assert!(output.exit.is_success(), "{output:?}");
    let said = text(&output.stdout);
    let longest: u64 = said.lines().last().unwrap().parse().unwrap();
    assert!(
        longest >= 1400,
        "it went on while locked down: {longest} ms"
    );
}

#[test]
fn a_recognised_push_is_judged_as_one() {
    let session = Session::open();
    for line in [
        "git push",
        "git -C . push origin main",
        "env git push",
        "sh -c 'git push'",
    ] {
        let error = session.executor().run(line).unwrap_err();
        let refused = error.refused().unwrap_or_else(|| panic!("{line}: {error}"));
        assert_eq!(refused.operation(), "git_push", "{line}");
    }
    assert!(
        session
            .executor()
            .run("git --version")
            .unwrap()
            .exit
            .is_success()
    );
}

#[test]
fn a_budget_of_zero_always_refuses_and_records_it() {
    let session = Session::open();
    let nothing = AtomicBudget::new(Amount::ZERO);
    let executor = Executor::new(&session.policy, &session.sandbox, &nothing);
    let error = executor.run("echo x").unwrap_err();
    assert!(
        matches!(
            error,
            Error::BudgetExceeded {
                operation: "run_bash",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(session.kinds().last(), Some(&Kind::Refusal));
    let zero = OPEN.replace("max_cost_usd = 5.0", "max_cost_usd = 0.0");
    let poor = Session::under(&zero);
    assert!(matches!(
        poor.executor().run("echo x"),
        Err(Error::BudgetExceeded { .. })
    ));
    assert!(session.executor().run("echo x").is_ok());
}

#[test]
fn a_command_pays_for_its_time_and_output_and_gets_the_rest_back() {
    let session = Session::open();
    let own = session.budget();
    let executor = Executor::new(&session.policy, &session.sandbox, &own);
    let before = session.monitor().budget().remaining();
    let output = executor.run("echo x").unwrap();
    let prices = Prices::default();
    let least = prices.base_micro_usd + prices.second_micro_usd + prices.kib_micro_usd;
    assert!(
        output.cost.micro_usd >= least
            && output.cost.micro_usd < least + 60 * prices.second_micro_usd
    );
    for budget in [session.monitor().budget(), &own] {
        assert_eq!(
            budget.remaining().micro_usd,
            before.micro_usd - output.cost.micro_usd
        );
    }
}

#[test]
fn a_policy_below_the_session_narrows_it_when_a_command_runs() {
    let session = Session::open();
    let narrow =
        super::session::policy(&OPEN.replace("run_bash = \"always\"", "run_bash = \"never\""));
    let executor = Executor::new(&narrow, &session.sandbox, session.monitor().budget());
    assert!(matches!(
        executor.run("echo x"),
        Err(Error::PolicyDenied {
            operation: "run_bash",
            ..
        })
    ));
    assert_eq!(session.monitor().summary().tightened, 1);
    assert!(
        matches!(
            session.executor().run("echo x"),
            Err(Error::PolicyDenied { .. })
        ),
        "for good"
    );
}

#[test]
fn executors_on_threads_never_spend_more_than_there_is() {
    let session = Session::open();
    let prices = Prices::default();
    let mut request = sh("true");
    request.limit = Duration::from_secs(2);
    request.caps = OutputCaps {
        bytes: 1024,
        ..OutputCaps::default()
    };
    let one = prices.cost(request.limit, 1024);
    let budget = AtomicBudget::new(Amount::of_micro_usd(one.micro_usd * 3));
    let executor = Arc::new(Executor::new(&session.policy, &session.sandbox, &budget));
    let (mut ran, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| executor.run_command(&request)))
            .collect();
        for thread in all {
            match thread.join().unwrap() {
                Ok(output) => ran += output.cost.micro_usd,
                Err(Error::BudgetExceeded { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    });
    assert!(ran <= one.micro_usd * 3, "{ran} spent, {refused} refused");
    assert_eq!(budget.remaining().micro_usd, one.micro_usd * 3 - ran);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// A budget that does not cover a command's reservation never lets it run, whatever the command.
    #[test]
    fn an_insufficient_budget_never_runs_a_command(words in prop::collection::vec("[a-z /.-]{1,8}", 1..5), part in 0u64..100) {
        let session = Session::open();
        let line = words.join(" ");
        let full = Prices::default().cost(CommandRequest::DEFAULT_LIMIT, OutputCaps::default().bytes);
        let budget = AtomicBudget::new(Amount::of_micro_usd(full.micro_usd * part / 100));
        let executor = Executor::new(&session.policy, &session.sandbox, &budget);
        match executor.run(&line) {
            Err(Error::BudgetExceeded { .. } | Error::Invalid(_) | Error::ApprovalRequired { .. } | Error::PolicyDenied { .. }) => {}
            other => prop_assert!(false, "{} gave {:?}", line, other),
        }
    }
}
