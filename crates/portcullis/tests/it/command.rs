//! What a command rule lists and blocks, however the command is spelled.

use portcullis::command::{ArgPattern, Argv, CommandFacts, CommandLattice, CommandPattern, parse_command, recognise};
use portcullis::operation::{Operation, OperationSet};
use proptest::prelude::*;

fn pattern(text: &str) -> CommandPattern {
    let words: Vec<&str> = text.split(' ').collect();
    CommandPattern::exact(words[0], &words[1..])
}

fn facts(text: &str) -> CommandFacts {
    CommandFacts::of(&parse_command(text).unwrap())
}

fn lists(rule: &str, text: &str) -> bool {
    pattern(rule).matches(&facts(text))
}

fn blocks(rule: &str, text: &str) -> bool {
    pattern(rule).blocks(&facts(text))
}

#[test]
fn rules_name_a_program_and_its_first_arguments() {
    for (rule, text, expected) in [
        ("cargo test", "cargo test", true),
        ("cargo test", "cargo test --release", true),
        ("cargo test", "cargo", false),
        ("cargo test", "cargo build", false),
        ("cargo test", "cargo tests", false),
        ("cargo test", "cargo --quiet test", true),
        ("cargo test", "/usr/bin/cargo test", true),
        ("cargo test", "./cargo test", false),
        ("cargo test", "/tmp/cargo test", false),
        ("./gradlew test", "./gradlew test", true),
        ("./gradlew test", "/tmp/x/gradlew test", false),
        ("git status", "git --no-pager status -s", true),
        ("git status", "git -C sub status", true),
        ("cargo", "cargo2 test", false),
        ("git log", "git push log", false),
    ] {
        assert_eq!(lists(rule, text), expected, "{rule} | {text}");
    }
    let any = CommandPattern { program: "git".into(), args: vec![ArgPattern::Any, ArgPattern::Exact("x".into())] };
    assert!(any.matches(&facts("git show x")) && !any.matches(&facts("git x")) && !any.matches(&facts("git show y")));
    let rest = CommandPattern { program: "ls".into(), args: vec![ArgPattern::AnyRemaining] };
    assert!(rest.matches(&facts("ls")) && rest.matches(&facts("ls -l a b")));
}

#[test]
fn wrappers_are_seen_through() {
    for text in [
        "env cargo test",
        "env CI=1 cargo test",
        "nice cargo test",
        "nice -n 5 cargo test",
        "timeout 60 cargo test",
        "timeout -k 5 --signal=KILL 60 cargo test",
        "stdbuf -oL cargo test",
        "setsid -w cargo test",
        "nohup cargo test",
        "ionice -c 3 cargo test",
        "ionice -c3 cargo test",
        "time -p cargo test",
        "command cargo test",
        "xargs -n 1 cargo test",
        "taskset -c 0,1 cargo test",
        "chrt -i 0 cargo test",
        "busybox timeout 5 cargo test",
        "env -u FOO -- nice -5 timeout 1m cargo test -q",
        "sudo -u me cargo test",
        "strace -f -o out cargo test",
        "flock /tmp/lock cargo test",
        "exec cargo test",
        "/usr/bin/env cargo test",
        "doas cargo test",
    ] {
        assert!(lists("cargo test", text), "{text}");
        assert!(blocks("cargo test", text), "{text}");
        assert!(!lists("env", text) && !lists("timeout", text), "{text}: a wrapper is not what has to be listed");
    }
    for text in [
        "env LD_PRELOAD=./x.so cargo test",
        "env PATH=. cargo test",
        "env FOO=bar cargo test",
        "./env cargo test",
        "env RUSTC_WRAPPER=./x cargo test",
        "timeout --unknown 5 cargo test",
        "env -S 'cargo test'",
        "sudo -s cargo test",
        "FOO=1 cargo test",
        "su me cargo test",
        "xargs -I{} {} cargo test",
        "env cargo build",
        "xargs cargo",
    ] {
        assert!(!lists("cargo test", text), "{text}");
    }
}

/// Ways to start something else by a program that looks harmless, after GTFOBins, with a twin that does not.
const TRAMPOLINES: &[(&str, &str, &str)] = &[
    ("bash", "bash -c 'id'", "bash build.sh"),
    ("bash", "bash -lc id", "bash -l build.sh"),
    ("bash", "bash -o pipefail -c id", "bash -o pipefail x.sh"),
    ("bash", "bash -x -c id", "bash -x x.sh"),
    ("bash", "/bin/bash -c id", "/bin/bash x.sh"),
    ("bash", "bash", "bash --version"),
    ("bash", "bash -s", "bash x.sh -s"),
    ("bash", "bash /dev/stdin", "bash dev/x.sh"),
    ("bash", "bash --rcfile", "bash --norc x.sh"),
    ("sh", "sh -c id", "sh x.sh"),
    ("sh", "sh -ec id", "sh -e x.sh"),
    ("dash", "dash -c id", "dash x.sh"),
    ("zsh", "zsh -ic id", "zsh x.zsh"),
    ("fish", "fish -c id", "fish x.fish"),
    ("ksh", "ksh -c id", "ksh x.ksh"),
    ("pwsh", "pwsh -Command id", "pwsh x.ps1"),
    ("python3", "python3 -c 'import os'", "python3 x.py"),
    ("python3", "python3 -Ic 'import os'", "python3 -I x.py"),
    ("python3", "python3 -W ignore -c 1", "python3 -W ignore x.py"),
    ("python3.11", "python3.11 -c 1", "python3.11 x.py -c 1"),
    ("python3", "python3 -", "python3 -m pytest"),
    ("python3", "python3 -m timeit id", "python3 -m pytest -q"),
    ("perl", "perl -e 1", "perl x.pl"),
    ("perl", "perl -ne print", "perl -w x.pl"),
    ("perl", "perl -E 1", "perl -T x.pl"),
    ("perl", "perl '-MPOSIX;exec' x.pl", "perl -Ilib x.pl"),
    ("ruby", "ruby -e 1", "ruby x.rb"),
    ("node", "node -e 1", "node x.js"),
    ("node", "node --eval=1", "node --test x.js"),
    ("node", "node -pe 1", "node x.js -p 1"),
    ("node", "node --import data:text/javascript,1 x.js", "node --env-file .e x.js"),
    ("php", "php -r 1", "php x.php"),
    ("lua", "lua -e 1", "lua x.lua"),
    ("deno", "deno eval 1", "deno test"),
    ("tclsh", "tclsh", "tclsh x.tcl"),
    ("awk", "awk 'BEGIN{system(1)}'", "awk -f x.awk"),
    ("gawk", "gawk --source 1", "gawk --file=x.awk"),
    ("sed", "sed 1e", "sed -n 1,5p x"),
    ("sed", "sed s/a/id/e x", "sed s/a/b/g x"),
    ("sed", "sed -e 's/a/b/w out' x", "sed -e s/a/b/ x"),
    ("rg", "rg --pre ./x foo", "rg --pretty foo"),
    ("tar", "tar xf a --checkpoint-action=exec=id", "tar xf a --no-same-owner"),
    ("tar", "tar -cf a --to-com=id", "tar -cf a --totals"),
    ("tar", "tar -xIid -f a", "tar -xzf a"),
    ("git", "git -c core.pager=id log", "git log -c"),
    ("git", "git --config-env=core.pager=X log", "git --no-pager log"),
    ("git", "git --exec-path=. status", "git status"),
    ("git", "git fetch --upload-pack=id o", "git fetch o"),
    ("git", "git clone ext::sh x", "git clone https://e.example/x"),
    ("git", "git rebase -x id main", "git rebase main"),
    ("git", "git grep -Oid foo", "git grep foo"),
    ("git", "git bisect run id", "git bisect good"),
    ("git", "git submodule foreach id", "git submodule status"),
    ("ssh", "ssh -o ProxyCommand=id h", "ssh h"),
    ("ssh", "ssh -oProxyCommand=id h", "ssh -v h"),
    ("scp", "scp -S id a b", "scp a b"),
    ("rsync", "rsync -e id a b", "rsync -a a b"),
    ("man", "man -P id ls", "man ls"),
    ("man", "man --pager=id ls", "man -k ls"),
    ("vim", "vim -c :!id", "vim x"),
    ("make", "make SHELL=id", "make CC=clang"),
    ("make", "make --eval=x:", "make -j4 all"),
    ("make", "make 'CC=sh -c id'", "make V=1"),
    ("sort", "sort --compress-program=id x", "sort -u x"),
    ("split", "split --filter=id x", "split -b 1 x"),
    ("cargo", "cargo --config x.toml test", "cargo test -- --config"),
    ("go", "go test -exec id", "go test -run x"),
    ("npx", "npx -c id", "npx tsc"),
    ("npx", "npx bash -c id", "npx --yes eslint"),
    ("npm", "npm exec -c id", "npm test"),
    ("uv", "uv run python -c 1", "uv run pytest"),
    ("uvx", "uvx --from x python -c 1", "uvx ruff"),
    ("fd", "fd -x id", "fd foo"),
    ("su", "su -c id", "ls"),
    ("script", "script -qc id out", "ls"),
    ("script", "script out", "ls"),
    ("script", "script out -c id", "ls"),
    ("sed", "sed 5p x -e '1e id'", "sed -i.bak s/a/b/ x"),
    ("sudo", "sudo -i", "ls"),
    ("unshare", "unshare -r", "ls"),
    ("flock", "flock lock -c id", "ls"),
    ("watch", "watch -n 1 id", "ls"),
    ("find", "find . -exec sh -c id ';'", "find . -name x"),
    ("find", "find . -execdir {} ';'", "find . -newer x"),
    ("xargs", "xargs sh -c id", "ls"),
    ("xargs", "xargs sh", "ls"),
    ("xargs", "xargs -I X sh X", "ls"),
    ("env", "env -S 'sh -c id'", "ls"),
    ("env", "env sh -c id", "ls"),
    ("busybox", "busybox sh -c id", "ls"),
    ("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2 /bin/sh -c id", "ls"),
];

#[test]
fn inline_code_is_never_listed_by_a_rule_that_does_not_spell_it() {
    assert!(TRAMPOLINES.len() > 60);
    for (program, attack, twin) in TRAMPOLINES {
        let any = CommandPattern { program: (*program).to_owned(), args: vec![ArgPattern::AnyRemaining] };
        let words = shell_words::split(attack).unwrap();
        let attack_facts = CommandFacts::of(&Argv::new(words).unwrap());
        assert!(!any.matches(&attack_facts), "{attack}");
        assert!(!pattern(program).matches(&attack_facts), "{attack}");
        for inner in ["id", "sh", "bash", "python", "python3", "ls"] {
            assert!(!pattern(inner).matches(&attack_facts), "{attack} listed by {inner}");
        }
        assert!(attack_facts.has_inline_code(), "{attack}");
        let twin_rule = if *twin == "ls" { pattern("ls") } else { any };
        let twin_facts = CommandFacts::of(&Argv::new(shell_words::split(twin).unwrap()).unwrap());
        if *program != "awk" && *program != "pwsh" {
            assert!(twin_rule.matches(&twin_facts), "{twin}");
        }
    }
}

#[test]
fn a_rule_that_spells_the_flag_lists_the_code() {
    for (rule, text) in [
        ("bash -c", "bash -c 'echo hi'"),
        ("bash -lc", "timeout 5 bash -lc 'a; b'"),
        ("python3 -c", "python3 -c 1"),
        ("node -e", "node -e 1"),
        ("git -c", "git -c a=b log"),
        ("awk {print}", "awk '{print}' x"),
        ("sh -c", "a | b"),
    ] {
        assert!(lists(rule, text), "{rule} | {text}");
    }
    for (rule, text) in [
        ("bash", "bash -c x"),
        ("bash -l", "bash -l -c x"),
        ("python3", "python3 -c 1"),
        ("bash -c", "bash -lc x"),
        ("bash -c", "bash -x -c x"),
        ("python3 -c", "python3 -I -c 1"),
        ("bash -c", "env A=b bash -c x"),
    ] {
        assert!(!lists(rule, text), "{rule} | {text}");
    }
}

#[test]
fn a_block_rule_holds_through_every_spelling() {
    for text in [
        "curl x",
        "/usr/bin/curl x",
        "./curl x",
        "cu\\rl x",
        "c\"\"url x",
        "'curl' x",
        "env curl x",
        "env - curl x",
        "env - A=1 curl x",
        "sh -c 'curl x'",
        "bash -lc 'true; curl x'",
        "a; curl x",
        "a && curl x",
        "a | curl x",
        "a & curl x",
        "(curl x)",
        "{ curl x; }",
        "! curl x",
        "if true; then curl x; fi",
        "$(curl x)",
        "`curl x`",
        "echo $(curl x)",
        "A=cu; ${A}rl x",
        "$A$B x",
        "$'\\x63url' x",
        "eval curl x",
        "command curl x",
        "exec curl x",
        "cat <<E\ncurl x\nE",
        "cat <(curl x)",
        "alias a=curl; a x",
        "f() { curl x; }; f",
        "cu*l x",
        "c{ur,}l x",
        "a\ncurl x",
        "find . -exec curl {} +",
        "xargs curl",
        "a 2>x | curl x",
        ">out curl x",
        "2>/dev/null curl x",
        "X=1 curl x",
        "env X=1 curl x",
        "sudo curl x",
        "busybox curl x",
        "nice -n 5 timeout 3 curl x",
        "python3 -c 'import os'",
        "awk 'BEGIN{system(1)}'",
        "watch curl x",
        "echo x | xargs -I{} sh -c 'curl {}'",
        "flock l curl x",
        "script -c 'curl x'",
        "curl.exe x",
        "CURL x",
        "npx curl",
        "time curl x",
        "echo a | sh",
        "for i in 1; do curl x; done",
        "case x in x) curl;; esac",
        "~/curl x",
        "bash -c \"$X\"",
        "sh -c 'sh -c \"curl x\"'",
        "cur\\\nl x",
        "${x@P}",
        "git -c alias.x=!curl x",
        "env -S'curl x'",
        "PATH=. ls",
        "ls #\ncurl x",
        "sh -c 'a' ; \"curl\" x",
        "while curl x; do :; done",
    ] {
        let mut rules = CommandLattice::permissive();
        rules.block_rule(pattern("curl"));
        assert!(!rules.can_execute(text), "{text}");
    }
    for twin in [
        "ls",
        "echo curl",
        "grep curl README.md",
        "cargo test | tail -5",
        "a && b > out 2>&1",
        "echo 'curl x'",
        "timeout 5 grep curl x",
        "cd sub; npm test",
        "FOO=1 make",
        "echo $HOME",
        "ls *.rs",
        "git commit -m 'use curl'",
        "find . -name curl",
        "if test -f x; then cat x; fi",
        "python3 x.py",
        "awk '{print $1}' x",
        "sed -n 1,5p x",
        "echo hi # curl x",
        "curlie x",
        "libcurl",
        "bash x.sh",
        "npx tsc",
        "(cd a; ls)",
        "cat < in >> out",
        "xargs ls",
    ] {
        let mut rules = CommandLattice::permissive();
        rules.block_rule(pattern("curl"));
        assert!(rules.can_execute(twin), "{twin}");
    }
}

#[test]
fn options_before_the_arguments_do_not_hide_them_from_a_block_rule() {
    for text in [
        "git push",
        "git -C x push",
        "git --no-pager push origin main",
        "git --git-dir=x push",
        "git -c a=b push",
        "git --namespace n push",
        "git 2>/dev/null push",
        "git $X push",
        "git $SUB",
        "xargs git",
        "xargs git -C x",
    ] {
        assert!(blocks("git push", text), "{text}");
    }
    for twin in ["git commit -m push", "git log origin push", "git status", "git log $X", "xargs git log", "git pushy"]
    {
        assert!(!blocks("git push", twin), "{twin}");
    }
    assert!(blocks("python -m http.server", "python3.11 -u -m http.server"));
    assert!(!blocks("python2 x.py", "python3 x.py"));
}

#[test]
fn text_with_anything_for_a_shell_is_judged_as_shell() {
    for text in [
        "a|b", "a;b", "a>b", "a $B", "a `b`", "(a)", "a *", "a ?", "a [b]", "~/a", "a # b", "a\nb", "A=b c", "! a",
        "a {b,c}", "a \"$b\"",
    ] {
        assert_eq!(parse_command(text).unwrap().words(), ["sh", "-c", text], "{text:?}");
    }
    for (text, words) in [
        ("a b", vec!["a", "b"]),
        ("a 'b; c'", vec!["a", "b; c"]),
        ("a \"b|c\"", vec!["a", "b|c"]),
        ("a\\;b", vec!["a;b"]),
        ("git log HEAD~1 a#b x!", vec!["git", "log", "HEAD~1", "a#b", "x!"]),
        ("a ''", vec!["a", ""]),
        ("find . -exec ls {} +", vec!["find", ".", "-exec", "ls", "{}", "+"]),
        ("a --b=c", vec!["a", "--b=c"]),
    ] {
        assert_eq!(parse_command(text).unwrap().words(), words, "{text}");
    }
    for text in ["", "   ", "a 'b", "a \"b", "a\0b", "''"] {
        assert!(parse_command(text).is_err(), "{text:?}");
        assert!(!CommandLattice::permissive().can_execute(text), "{text:?}");
    }
}

#[test]
fn limits_fail_closed() {
    let long = CommandPattern { program: "ls".into(), args: vec![ArgPattern::Any; 64] };
    assert!(long.blocks(&facts("ls")) && !long.matches(&facts("ls")));
    let deep = "env ".repeat(50) + "cargo test";
    assert!(!lists("cargo test", &deep) && blocks("curl", &deep));
    assert!(Argv::new(vec!["a"; 40_000]).is_err());
    assert!(Argv::new(["a".repeat(3_000_000)]).is_err());
    assert!(!CommandLattice::nothing().can_execute("ls"));
}

#[test]
fn the_default_list_is_build_test_and_local_git() {
    let rules = CommandLattice::default();
    for text in [
        "cargo test",
        "cargo build --release",
        "npm test",
        "pytest -q",
        "python -m pytest",
        "go test ./...",
        "make",
        "git status",
        "git diff",
        "git commit -m 'fix (all)'",
        "git add .",
        "ls -la",
        "cat x",
        "grep -rn foo src",
        "head -5 x",
        "find . -name '*.rs'",
        "mvn test",
        "./gradlew test",
        "timeout 60 cargo test",
        "sed -n 1,9p x",
    ] {
        assert!(rules.can_execute(text), "{text}");
    }
    for text in [
        "git push",
        "gh pr create",
        "curl x",
        "npm publish",
        "cargo publish",
        "cargo run",
        "rm -rf x",
        "python -c 1",
        "bash -c ls",
        "sh x.sh",
        "ls | cat",
        "git -c a=b status",
        "find . -exec rm {} +",
        "sed -n 1e x",
        "docker run x",
        "npm install x",
        "make SHELL=x",
        "git fetch",
        "git clone x",
        "ssh h",
        "cargo install x",
        "./cargo test",
    ] {
        assert!(!rules.can_execute(text), "{text}");
    }
}

#[test]
fn the_first_rule_and_the_block_rule_each_change_an_outcome() {
    let mut rules = CommandLattice::nothing();
    assert!(!rules.can_execute("cargo test"));
    rules.allow_rule(pattern("cargo test"));
    assert!(rules.can_execute("cargo test"));
    rules.block_rule(pattern("cargo test --ignored"));
    assert!(rules.can_execute("cargo test") && !rules.can_execute("cargo test --ignored"));
}

#[test]
fn a_fixed_table_recognises_operations() {
    use Operation::{CreatePr, GitCommit, GitPush};
    let of = |text: &str| recognise(&parse_command(text).unwrap());
    for (text, expected) in [
        ("git push", GitPush),
        ("git -C x push origin", GitPush),
        ("git -c a=b --no-pager push", GitPush),
        ("git send-pack x", GitPush),
        ("git subtree push --prefix x", GitPush),
        ("sh -c 'git push'", GitPush),
        ("cd x && git push", GitPush),
        ("env git push", GitPush),
        ("timeout 5 git push", GitPush),
        ("git commit -m x", GitCommit),
        ("git -C x commit", GitCommit),
        ("gh pr create", CreatePr),
        ("gh -R a/b pr create", CreatePr),
        ("glab mr create", CreatePr),
        ("hub pull-request", CreatePr),
        ("/usr/bin/git push", GitPush),
    ] {
        assert_eq!(of(text), OperationSet::of(expected), "{text}");
    }
    for text in [
        "git status",
        "git log push",
        "echo git push",
        "gh pr view",
        "git stash push",
        "grep 'git push' x",
        "curl x",
        "gh issue create",
    ] {
        assert_eq!(of(text), OperationSet::EMPTY, "{text}");
    }
    assert_eq!(of("git commit -m x && git push"), OperationSet::of(GitCommit).with(GitPush));
}

/// One word in a spelling of which a shell makes the same word.
fn respelled(word: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(0_u8..5, word.len()).prop_map(move |styles| {
        word.chars()
            .zip(styles)
            .map(|(c, style)| match style {
                0 => format!("\\{c}"),
                1 => format!("'{c}'"),
                2 => format!("\"{c}\""),
                3 => format!("''{c}"),
                _ => c.to_string(),
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn no_quoting_or_spacing_escapes_a_block_rule(
        program in respelled("curl"), sub in respelled("put"), gap in "[ \t]{1,3}", lead in "[ \t]{0,2}",
        before in "(|a;|a&&|a\\||\\(|env |nice -n 3 |timeout 5 |true\n|X=1 |>o |sudo |! )", after in "( |\t|;b|&|\n|>o| #x)",
    ) {
        let text = format!("{lead}{before}{program}{gap}{sub}{after}");
        let closed = if before == "(" { format!("{text}\n)") } else { text };
        let mut rules = CommandLattice::permissive();
        rules.block_rule(pattern("curl put"));
        prop_assert!(!rules.can_execute(&closed), "{}", closed);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[a-c '\"\\\\$`|&;<>(){}\\n=*-]{0,40}") {
        let mut rules = CommandLattice::restrictive();
        rules.block_rule(pattern("curl"));
        let _ = rules.can_execute(&text);
    }

    #[test]
    fn more_rules_never_list_less_nor_block_less(text in "(env |nice |timeout 5 )?(cargo|git|bash|curl)( -c| test| x){0,3}") {
        let facts = facts(&text);
        for rule in ["cargo", "git", "bash", "curl"] {
            let narrow = pattern(&format!("{rule} test"));
            prop_assert!(!narrow.matches(&facts) || pattern(rule).matches(&facts));
            prop_assert!(!narrow.blocks(&facts) || pattern(rule).blocks(&facts));
        }
    }
}
