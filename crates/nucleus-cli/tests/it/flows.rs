//! Package managers and git in a session: installing and cloning works with their group alone and asks nobody, publishing does not.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::fixture::{Ended, Scene, Step, agent, command, skip};
use crate::mirror::{Mirror, own_address};
use crate::own_net::OwnNet;

/// Runs programs with the proxy's variables, or with nothing that names a proxy.
const RUN: &str = "
import subprocess, tempfile, urllib.request
BY_PROXY = True
def run(*argv, cwd=None, **extra):
    home = tempfile.mkdtemp()
    by_proxy = BY_PROXY and not (LITERAL and argv[0] == 'npm')
    env = {n: v for n, v in os.environ.items() if by_proxy or not n.lower().endswith('_proxy')}
    env.update(npm_config_fetch_retries='0', npm_config_cache=home + '/npm', PIP_CACHE_DIR=home + '/pip', GIT_TERMINAL_PROMPT='0', PATH=TOOLCHAIN + os.environ['PATH'], **extra)
    done = subprocess.run(argv, cwd=cwd or home, env=env, capture_output=True, text=True, timeout=110)
    return '%d %s' % (done.returncode, (done.stdout + done.stderr)[-1500:])
def crate(dependency):
    place = tempfile.mkdtemp()
    put(place + '/Cargo.toml', '[package]\\nname = \"own\"\\nversion = \"0.1.0\"\\nedition = \"2021\"\\ndescription = \"own\"\\nlicense = \"MIT\"\\n[dependencies]\\n' + dependency)
    put(place + '/src/lib.rs', '')
    return place
def package():
    place = tempfile.mkdtemp()
    put(place + '/package.json', '{\"name\": \"own\", \"version\": \"0.1.0\"}')
    return place
";

/// Takes the mirror's package.
const CARGO: &str = "run('cargo', 'fetch', cwd=crate('tiny-mirrored = \"0.1\"'))";
const PIP: &str =
    "run('python3', '-m', 'pip', 'install', '--target', tempfile.mkdtemp(), 'tiny-mirrored')";
const NPM: &str = "run('npm', 'install', 'tiny-mirrored', cwd=package())";
/// What the mirror sees first of a clone.
const CLONE: &str = "GET /git/repo.git/info/refs?service=git-upload-pack";

/// How the source of packages is named.
#[derive(Clone, Copy)]
enum Place {
    /// Named by an address.
    Address,
    /// Named by a name.
    Name,
}

/// What a session is given to try, and what the machine has to try it with.
struct Tools {
    /// The directory of the toolchain; none for a user without one.
    toolchain: Option<PathBuf>,
    has_npm: bool,
    has_pip: bool,
}

fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Tools {
    /// Says of what is missing that it is skipped.
    fn find(test: &str) -> Self {
        let toolchain = || {
            let said = Command::new("rustc")
                .args(["--print", "sysroot"])
                .output()
                .ok()?;
            let path = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
            path.join("bin/cargo").is_file().then_some(path)
        };
        let found = Self {
            toolchain: toolchain(),
            has_npm: works("/usr/bin/npm", &["--version"]),
            has_pip: works("/usr/bin/python3", &["-m", "pip", "--version"]),
        };
        let missing = [
            (found.toolchain.is_none(), "cargo", "a Rust toolchain"),
            (!found.has_npm, "npm", "npm"),
            (!found.has_pip, "pip", "python3-pip"),
        ];
        for (_, tool, what) in missing.iter().filter(|(is_missing, ..)| *is_missing) {
            skip(&format!("flows::{test} by {tool}"), what);
        }
        found
    }

    /// The names that the code of a step sees, as Python.
    ///
    /// By a proxy, npm holds the certificate of a literal address to the name `localhost`: there it goes the other way alone.
    fn words(&self, at: Place) -> String {
        let bin = self
            .toolchain
            .as_ref()
            .map(|path| format!("{}/bin:", path.display()));
        let is_literal = match at {
            Place::Address => "True",
            Place::Name => "False",
        };
        format!(
            "{RUN}TOOLCHAIN = {:?}\nLITERAL = {is_literal}\n",
            bin.unwrap_or_default()
        )
    }

    fn views(&self) -> String {
        let quoted = self.toolchain.iter().map(|path| format!("{path:?}"));
        format!(
            "[jail]\nviews = [{}]\n",
            quoted.collect::<Vec<_>>().join(", ")
        )
    }

    /// The tries of those tools that are there, as arguments of `each`.
    fn tries(&self, cargo: &str, pip: &str, npm: &str) -> String {
        let all = [
            (self.toolchain.is_some(), "cargo", cargo),
            (self.has_pip, "pip", pip),
            (self.has_npm, "npm", npm),
        ];
        let there = all.iter().filter(|(is_there, ..)| *is_there);
        there
            .map(|(_, name, body)| format!("{name}=lambda: {body}, "))
            .collect()
    }
}

/// Every try ended with exit code 0.
fn assert_worked(ended: &Ended, steps: usize) {
    assert_eq!(
        ended.told.len(),
        steps,
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
    for told in &ended.told {
        let tries = told
            .got()
            .as_object()
            .unwrap_or_else(|| panic!("{}", told.0));
        for (name, outcome) in tries {
            let said = outcome["got"].as_str().unwrap_or_default();
            assert!(
                said.starts_with("'0 ") || said.starts_with("\"0 "),
                "{name}: {outcome}"
            );
        }
    }
}

/// No request needed a person, and none was refused.
fn assert_unasked(ended: &Ended) {
    assert_eq!(ended.refusals(), Vec::<String>::new(), "{}", ended.stdout);
}

/// Each tool took its package by both ways, and so many clones were made.
fn assert_fetched(tools: &Tools, mirror: &Mirror, clones: usize) {
    let hits = mirror.hits();
    for (is_there, path) in [
        (
            tools.toolchain.is_some(),
            "GET /cargo/dl/tiny-mirrored/0.1.0/download",
        ),
        (
            tools.has_pip,
            "GET /files/tiny_mirrored-0.1.0-py3-none-any.whl",
        ),
        (
            tools.has_npm,
            "GET /npm/tiny-mirrored/-/tiny-mirrored-0.1.0.tgz",
        ),
        (true, CLONE),
    ] {
        let wanted = if path == CLONE { clones } else { 2 };
        let count = hits.iter().filter(|hit| *hit == path).count();
        assert!(
            !is_there || count >= wanted,
            "{path} was asked for {count} times: {hits:?}"
        );
    }
}

fn by_both_ways(code: &str) -> [Step; 2] {
    [
        command(code),
        command(&code.replace("BY_PROXY = True", "BY_PROXY = False")),
    ]
}

/// Installs from a mirror and clones from a forge, by the proxy's variables and knowing of no proxy.
#[test]
fn installs_and_clones_work_from_a_mirror_and_ask_nobody() {
    let test = "installs_and_clones_work_from_a_mirror_and_ask_nobody";
    let Some(address) = own_address() else {
        return skip(&format!("flows::{test}"), "a network address");
    };
    let (scene, tools) = (Scene::new(), Tools::find(test));
    let mirror = Mirror::start(&scene, address);
    // The shape of the shipped group of forges, for this one.
    let host = &mirror.other;
    let policy = format!(
        "version = 1\nextends = \"local_dev\"\n{}[network]\ngroups = [\"registries\"]\nhosts = [\n\
         {{ host = \"{host}\", methods = [\"GET\", \"HEAD\"], paths = [\"/git/**\"], sink = false }},\n\
         {{ host = \"{host}\", methods = [\"POST\"], paths = [\"/git/*/git-upload-pack\"], sink = false }},\n]\n",
        tools.views()
    );
    let tries = tools.tries(CARGO, PIP, NPM);
    let code = format!(
        "{}got = each({tries}git=lambda: run('git', 'clone', 'https://{host}/git/repo.git', 'cloned'))\n",
        tools.words(Place::Address)
    );
    let ended = scene.session().policy(&policy).run(&by_both_ways(&code));
    assert_worked(&ended, 2);
    ended.assert_sound();
    assert_unasked(&ended);
    assert_fetched(&tools, &mirror, 2);
}

/// The names of the mirror and of the forges in a network of its own.
const NAMES: [&str; 3] = ["mirror.test", "github.com", "gitlab.com"];

/// Installs by name and clones from the shipped group's own forges, in a default coding profile as it is shipped.
#[test]
fn installs_and_clones_by_name_work_in_a_shipped_profile_and_ask_nobody() {
    let test = "installs_and_clones_by_name_work_in_a_shipped_profile_and_ask_nobody";
    let scene = Scene::new();
    let Some(net) = OwnNet::start(&format!("flows::{test}"), &scene, &NAMES) else {
        return;
    };
    let tools = Tools::find(test);
    let mirror = Mirror::start_in(&net, &scene, &NAMES);
    let policy = format!("version = 1\nextends = \"local_dev\"\n{}", tools.views());
    let tries = tools.tries(CARGO, PIP, NPM);
    let code = format!(
        "{}got = each({tries}github=lambda: run('git', 'clone', 'https://github.com/git/repo.git', 'cloned'), \
         gitlab=lambda: run('git', 'clone', 'https://gitlab.com/git/repo.git', 'cloned'))\n",
        tools.words(Place::Name)
    );
    let session = scene.session().policy(&policy);
    let session = session.behind(net.prefix(&scene.workspace()));
    let ended = session.run(&by_both_ways(&code));
    assert_worked(&ended, 2);
    ended.assert_sound();
    assert_unasked(&ended);
    assert_fetched(&tools, &mirror, 4);
}

/// The forges of the group are read from: a push, by git itself, reaches none.
#[test]
fn a_forge_of_the_group_is_cloned_from_and_not_pushed_to() {
    let test = "a_forge_of_the_group_is_cloned_from_and_not_pushed_to";
    let scene = Scene::new();
    let Some(net) = OwnNet::start(&format!("flows::{test}"), &scene, &NAMES) else {
        return;
    };
    let tools = Tools::find(test);
    let mirror = Mirror::start_in(&net, &scene, &NAMES);
    let policy = format!(
        "version = 1\n[capabilities]\nread_files = \"always\"\nweb_fetch = \"low_risk\"\ngit_push = \"low_risk\"\n{}[network]\ngroups = [\"registries\", \"forges\"]\n",
        tools.views()
    );
    let code = format!(
        "{}
def pushed(host):
    url, place = 'https://%s/git/repo.git' % host, tempfile.mkdtemp() + '/cloned'
    cloned = run('git', 'clone', url, place)
    push = run('git', 'push', url, 'HEAD:refs/heads/other', cwd=place)
    return [cloned.split()[0], push]
got = [pushed('github.com'), pushed('gitlab.com')]
",
        tools.words(Place::Name)
    );
    let session = scene.session().policy(&policy);
    let session = session.behind(net.prefix(&scene.workspace()));
    let by_proxy = agent(&code);
    let plainly = agent(&code.replace("BY_PROXY = True", "BY_PROXY = False"));
    let ended = session.run(&[by_proxy, plainly]);
    ended.assert_sound();
    for told in &ended.told {
        let pushes = told
            .got()
            .as_array()
            .unwrap_or_else(|| panic!("{}", told.0));
        for push in pushes {
            let said = push[1].as_str().unwrap();
            assert!(push[0] == "0" && said.contains("403"), "{push}");
        }
    }
    assert_eq!(ended.told.len(), 2, "{}", ended.stdout);
    let hits = mirror.hits();
    let count = |part: &str| hits.iter().filter(|hit| hit.contains(part)).count();
    assert_eq!(count("receive-pack"), 0, "{hits:?}");
    assert_eq!(count(CLONE), 4, "{hits:?}");
}

/// Publishing, as each tool does it.
fn publish(tools: &Tools, host: &str) -> String {
    let tries = tools.tries(
        "run('cargo', 'publish', '--registry', 'own', '--no-verify', '--allow-dirty', '--token', 'abc', cwd=crate(''), CARGO_REGISTRIES_OWN_INDEX=INDEX)",
        "upload()",
        "run('npm', 'publish', cwd=published(), npm_config_registry=REGISTRY)",
    );
    format!(
        "{}
INDEX, REGISTRY = 'sparse+https://{host}/cargo/', 'https://{host}/npm/'
def upload():
    body = b'--x\\r\\nContent-Disposition: form-data; name=\":action\"\\r\\n\\r\\nfile_upload\\r\\n--x--\\r\\n'
    sent = urllib.request.Request('https://{host}/legacy/', body, {{'Content-Type': 'multipart/form-data; boundary=x'}})
    try:
        return '0 %d' % urllib.request.urlopen(sent, timeout=100).status
    except urllib.error.HTTPError as error:
        return '%d %s' % (error.code, error.read().decode())
def published():
    place = package()
    put(place + '/.npmrc', '//{host}/npm/:_authToken=abc\\n')
    return place
got = each({tries})
",
        tools.words(Place::Address)
    )
}

/// C15: the registry that is read from is not written to.
#[test]
fn a_registry_that_is_read_from_is_not_published_to() {
    let test = "a_registry_that_is_read_from_is_not_published_to";
    let Some(address) = own_address() else {
        return skip(&format!("flows::{test}"), "a network address");
    };
    let (scene, tools) = (Scene::new(), Tools::find(test));
    let mirror = Mirror::start(&scene, address);
    let policy = format!("version = 1\nextends = \"local_dev\"\n{}", tools.views());
    let code = publish(&tools, &mirror.host);
    let ended = scene.session().policy(&policy).run(&[agent(&code)]);
    ended.assert_sound();
    let tries = ended.told[0]
        .got()
        .as_object()
        .unwrap_or_else(|| panic!("{}", ended.stdout));
    for (name, outcome) in tries {
        let said = outcome["got"].as_str().unwrap_or_default();
        assert!(
            !said.starts_with("'0 ") && said.contains("403"),
            "{name}: {outcome}"
        );
    }
    assert_eq!(mirror.published(), Vec::<String>::new());
    assert!(
        ended.refusals().len() >= tries.len(),
        "{:?}",
        ended.refusals()
    );
}

/// The allow twin: a rule of the user's own that names the routes lets the same programs publish.
#[test]
fn a_rule_of_its_own_lets_publish() {
    let test = "a_rule_of_its_own_lets_publish";
    let Some(address) = own_address() else {
        return skip(&format!("flows::{test}"), "a network address");
    };
    let (scene, tools) = (Scene::new(), Tools::find(test));
    let mirror = Mirror::start(&scene, address);
    let host = &mirror.other;
    let policy = format!(
        "version = 1\n[capabilities]\nread_files = \"always\"\nweb_fetch = \"low_risk\"\n{}[network]\ngroups = [\"registries\"]\n\
         hosts = [{{ host = \"{host}\", paths = [\"/**\"], trust = true }}]\n",
        tools.views()
    );
    let code = publish(&tools, host);
    let ended = scene.session().policy(&policy).run(&[agent(&code)]);
    assert_worked(&ended, 1);
    ended.assert_sound();
    let expected = tools.tries("", "", "").matches("lambda").count();
    assert_eq!(
        mirror.published().len(),
        expected,
        "{:?}",
        mirror.published()
    );
}

/// The machine's own sources, where they answer: the profile as it is shipped, by both ways.
#[test]
fn the_machines_own_registries_are_read_from() {
    let test = "the_machines_own_registries_are_read_from";
    let (scene, mut tools) = (Scene::new(), Tools::find(test));
    let pip = |place: &str| format!("python3 -m pip download --quiet --no-deps --dest {place} six");
    let answers = |script: String| {
        let limited = format!("cd \"$(mktemp -d)\" && timeout 60 {script}");
        scene.host(&["/bin/sh", "-c", &limited]).status.success()
    };
    let unreached = |tool: &str| skip(&format!("flows::{test} by {tool}"), "the internet");
    if tools.has_npm && !answers("npm view isarray version".to_owned()) {
        tools.has_npm = false;
        unreached("npm");
    }
    if tools.has_pip && !answers(pip(".")) {
        tools.has_pip = false;
        unreached("pip");
    }
    if let Some(path) = tools.toolchain.take() {
        let fetch = format!(
            "sh -c 'mkdir src && touch src/lib.rs && printf \"[package]\\nname = \\\"own\\\"\\nversion = \\\"0.1.0\\\"\\n[dependencies]\\nitoa = \\\"1\\\"\\n\" > Cargo.toml && CARGO_HOME=$PWD/home {}/bin/cargo fetch'",
            path.display()
        );
        if answers(fetch) {
            tools.toolchain = Some(path);
        } else {
            unreached("cargo");
        }
    }
    let tries = tools.tries(
        "run('cargo', 'fetch', cwd=crate('itoa = \"1\"'))",
        "run('python3', '-m', 'pip', 'download', '--no-deps', '--dest', tempfile.mkdtemp(), 'six')",
        "run('npm', 'install', 'isarray', cwd=package())",
    );
    if tries.is_empty() {
        return;
    }
    let policy = format!("version = 1\nextends = \"local_dev\"\n{}", tools.views());
    let code = format!("{}got = each({tries})\n", tools.words(Place::Name));
    let ended = scene.session().policy(&policy).run(&by_both_ways(&code));
    assert_worked(&ended, 2);
    ended.assert_sound();
    assert_unasked(&ended);
}
