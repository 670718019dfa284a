//! Envelopes part by part: narrowing any one of them narrows the whole, and the meet takes it.

use portcullis::command::CommandPattern;
use portcullis::glob::PathPattern;
use portcullis::host::{HostPattern, HostRule};
use portcullis::{
    Amount, Capabilities, Conjunction, Envelope, EnvelopeParts, GitPattern, Level, Operation, OperationSet, Section,
    TextPattern, Union,
};

/// Narrows a part.
type Change = fn(&mut EnvelopeParts);

fn path() -> PathPattern {
    PathPattern::parse("a").unwrap()
}

fn host() -> HostRule {
    HostRule::new(HostPattern::parse("a.test").unwrap())
}

fn name() -> TextPattern {
    TextPattern::new("a")
}

fn git() -> GitPattern {
    GitPattern::Remote { url: name(), reference: name() }
}

fn listing<P: PartialEq + Clone>(pattern: P) -> Section<P> {
    Section { listed: Conjunction::of([pattern]), blocked: Union::default() }
}

fn blocking<P: PartialEq + Clone>(pattern: P) -> Section<P> {
    Section { listed: Conjunction::everything(), blocked: Union::of([pattern]) }
}

/// Everything at `low_risk`, where what is listed matters, with nothing narrowed.
fn wide() -> EnvelopeParts {
    EnvelopeParts {
        capabilities: Operation::ALL.into_iter().map(|op| (op, Level::LowRisk)).collect(),
        maximum: Amount { micro_usd: 9, input_tokens: 9, output_tokens: 9 },
        window_ms: 9,
        ..EnvelopeParts::everything()
    }
}

/// The same with one part narrowed, for every part.
fn narrowed() -> Vec<EnvelopeParts> {
    let changes: Vec<Change> = vec![
        |own| own.capabilities = own.capabilities.with(Operation::GitPush, Level::Never),
        |own| own.approvals = OperationSet::of(Operation::GitPush),
        |own| own.strict = true,
        |own| own.capability_trifecta = true,
        |own| own.paths = listing(path()),
        |own| own.paths = blocking(path()),
        |own| own.commands = listing(CommandPattern::exact("a", &[])),
        |own| own.commands = blocking(CommandPattern::exact("a", &[])),
        |own| own.hosts = listing(host()),
        |own| own.hosts = blocking(host()),
        |own| own.git = listing(git()),
        |own| own.git = blocking(git()),
        |own| own.tools = listing(name()),
        |own| own.tools = blocking(name()),
        |own| own.declarations.public_paths = Conjunction::of([path()]),
        |own| own.declarations.trusted_hosts = Conjunction::of([host()]),
        |own| own.declarations.quiet_hosts = Conjunction::of([host()]),
        |own| own.declarations.models = Conjunction::of([name()]),
        |own| own.declarations.forges = Conjunction::of([name()]),
        |own| own.declarations.environment = Conjunction::of([name()]),
        |own| own.declarations.host_views = Conjunction::of([name()]),
        |own| own.declarations.credentials = Conjunction::of([name()]),
        |own| own.declarations.unix_sockets = false,
        |own| own.declarations.trusted_workspace = false,
        |own| own.maximum.micro_usd = 8,
        |own| own.maximum.input_tokens = 8,
        |own| own.maximum.output_tokens = 8,
        |own| own.window_ms = 8,
    ];
    let of = |change: Change| {
        let mut parts = wide();
        change(&mut parts);
        parts
    };
    changes.into_iter().map(of).collect()
}

#[test]
fn a_part_that_is_narrowed_narrows_the_envelope() {
    let whole = Envelope::new(wide());
    for parts in narrowed() {
        let narrow = Envelope::new(parts.clone());
        assert!(narrow.leq(&whole) && !whole.leq(&narrow), "{parts:?}");
        assert_ne!(narrow.digest(), whole.digest(), "{parts:?}");
        assert_eq!((whole.meet(&narrow), narrow.meet(&whole)), (narrow.clone(), narrow.clone()), "{parts:?}");
        assert_eq!(whole.attenuate(&narrow), Ok(narrow.clone()));
        assert_eq!(narrow.attenuate(&whole), Ok(narrow));
    }
}

#[test]
fn the_meet_of_two_parts_lies_below_both() {
    let all: Vec<Envelope> = narrowed().into_iter().map(Envelope::new).collect();
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            let both = one.meet(other);
            assert!(both.leq(one) && both.leq(other), "{one:?}\n{other:?}");
            assert!(!one.leq(&both) || one.leq(other), "{one:?}\n{other:?}");
        }
    }
}

#[test]
fn an_envelope_shows_the_parts_it_was_made_of() {
    let mut parts = wide();
    parts.capabilities =
        Capabilities::NONE.with(Operation::RunBash, Level::Always).with(Operation::WebFetch, Level::LowRisk);
    parts.approvals = OperationSet::of(Operation::RunBash);
    let made = Envelope::new(parts.clone());
    assert_eq!(made.level(Operation::RunBash), Level::Always);
    assert_eq!(made.level(Operation::WebFetch), Level::LowRisk);
    assert_eq!(made.level(Operation::GitPush), Level::Never);
    assert_eq!((made.posture().capabilities(), made.posture().asks()), (parts.capabilities, parts.approvals));
    assert_eq!((made.maximum(), made.window_ms()), (parts.maximum, parts.window_ms));
    assert_eq!(*made.declarations(), parts.declarations);
}

/// What is listed matters to the operations of that kind of subject, at `low_risk`.
#[test]
fn a_section_speaks_of_its_own_operations() {
    let sections: [(Change, OperationSet); 5] = [
        (|own| own.paths = listing(path()), OperationSet::PATHS),
        (|own| own.commands = listing(CommandPattern::exact("a", &[])), OperationSet::of(Operation::RunBash)),
        (|own| own.hosts = listing(host()), [Operation::WebSearch, Operation::WebFetch].into_iter().collect()),
        (
            |own| own.git = listing(git()),
            [Operation::GitCommit, Operation::GitPush, Operation::CreatePr].into_iter().collect(),
        ),
        (|own| own.tools = listing(name()), OperationSet::ALL),
    ];
    for (change, speaks_of) in sections {
        let mut parts = wide();
        parts.capabilities =
            parts.capabilities.with(Operation::ReadFiles, Level::Always).with(Operation::WebFetch, Level::Always);
        parts.capabilities =
            parts.capabilities.with(Operation::RunBash, Level::LowRisk).with(Operation::GitPush, Level::Never);
        change(&mut parts);
        let always = parts.capabilities.unconditional();
        let made = Envelope::new(parts);
        let seen = [
            counted(made.paths().listed()),
            counted(made.commands().listed()),
            counted(made.hosts().listed()),
            counted(made.git().listed()),
            counted(made.tools().listed()),
        ];
        assert_eq!(seen.concat(), [(speaks_of.difference(always), 1)]);
    }
}

fn counted<P: PartialEq>(clauses: &[(OperationSet, Union<P>)]) -> Vec<(OperationSet, usize)> {
    clauses.iter().map(|(speaks_of, clause)| (*speaks_of, clause.patterns().len())).collect()
}
