//! How a server is started or reached, and which package, image, program or address that is.

/// How a configuration starts or reaches a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    argv: Vec<String>,
    environment: Vec<(String, String)>,
    url: Option<String>,
}

/// What a launch runs or reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A package of the npm registry, by name.
    Npm(String),
    /// A package of the Python index, by normalised name.
    Pypi(String),
    /// A container image without tag and digest.
    Image(String),
    /// A source repository, as its web address.
    Repository(String),
    /// An address: host, port if any, and path, without scheme.
    Address(String),
    /// A program: the base name of one that is installed, the whole path of any other, which no name of a program equals.
    Program(String),
}

impl Launch {
    /// A process of this machine.
    #[must_use]
    pub fn process(argv: Vec<String>, environment: Vec<(String, String)>) -> Self {
        Self {
            argv,
            environment,
            url: None,
        }
    }

    /// A server at an address.
    #[must_use]
    pub fn address(url: impl Into<String>) -> Self {
        Self {
            url: Some(url.into()),
            ..Self::default()
        }
    }

    /// Its arguments, the program first; empty for an address.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// Whether the launch has this word: an argument (`--flag`, `--flag=value` but for `false` and `0`), a variable
    /// (`NAME` that is not empty, or `NAME=value`), a parameter or a segment of the URL.
    #[must_use]
    pub fn has_word(&self, word: &str) -> bool {
        let in_arguments = self.argv.iter().any(|arg| is_set(arg, word));
        let in_environment = self.environment.iter().any(|(name, value)| {
            (name == word && is_on(value)) || format!("{name}={value}").eq_ignore_ascii_case(word)
        });
        in_arguments || in_environment || self.url().is_some_and(|url| url_has(&url, word))
    }

    /// The address it reaches, a bridge such as `mcp-remote URL` included.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(url.clone());
        }
        let (Identity::Npm(name) | Identity::Pypi(name) | Identity::Program(name)) =
            self.started()?
        else {
            return None;
        };
        let is_bridge = |arg: &String| npm_name(base_name(arg)) == name;
        let at = BRIDGES
            .contains(&name.as_str())
            .then(|| self.argv.iter().position(is_bridge))?;
        let is_url = |arg: &&String| arg.starts_with("https://") || arg.starts_with("http://");
        self.argv[at?..].iter().find(is_url).cloned()
    }

    /// What it runs or reaches; `None` where the words do not say.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        if let Some(url) = self.url() {
            return Some(Identity::Address(bare_address(&url)));
        }
        self.started()
    }

    /// What the words start; `None` also where the environment names another registry.
    fn started(&self) -> Option<Identity> {
        let is_other = |(name, _): &(String, String)| {
            REGISTRY_VARIABLES.contains(&name.to_ascii_lowercase().as_str())
        };
        if self.environment.iter().any(is_other) {
            return None;
        }
        let words: Vec<&str> = self.argv.iter().map(String::as_str).collect();
        identify(&words, 4)
    }
}

/// Programs that lead to the address they are given.
const BRIDGES: &[&str] = &[
    "mcp-remote",
    "supergateway",
    "mcp-proxy",
    "mcp-remote-client",
];

/// Variables that say from where packages come, in lower case: a name in another registry is another package.
const REGISTRY_VARIABLES: &[&str] = &[
    "npm_config_registry",
    "uv_index",
    "uv_index_url",
    "uv_extra_index_url",
    "uv_default_index",
    "uv_find_links",
    "pip_index_url",
    "pip_extra_index_url",
];

/// Options that say the same.
const REGISTRY_OPTIONS: &[&str] = &[
    "--registry",
    "--index",
    "--index-url",
    "--default-index",
    "--extra-index-url",
    "--find-links",
];

/// Host, port and path in lower case. What stands before the host is no part of it, what follows the first slash never is the host.
fn bare_address(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = bare.find(['?', '#']).unwrap_or(bare.len());
    let bare = bare[..end].replace('\\', "/");
    let (authority, path) = bare.split_at(bare.find('/').unwrap_or(bare.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{host}{path}")
        .trim_end_matches('/')
        .to_ascii_lowercase()
}

fn is_set(arg: &str, word: &str) -> bool {
    let value = arg.strip_prefix(word);
    value.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('=').is_some_and(is_on))
}

fn is_on(value: &str) -> bool {
    !matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "0" | "false" | "no" | "off"
    )
}

fn url_has(url: &str, word: &str) -> bool {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    query
        .split(['&', '#'])
        .any(|part| part == word || is_set(part, word))
        || path.split('/').any(|part| part == word)
}

/// `depth` bounds how many wrappers (`env`, `cmd /c`, `sh -c`) are looked through.
fn identify(words: &[&str], depth: u8) -> Option<Identity> {
    let (first, rest) = words.split_first()?;
    if !is_installed(first) {
        return Some(Identity::Program((*first).to_owned()));
    }
    let program = base_name(first);
    match (program, rest.first().copied()) {
        ("env" | "sudo" | "time" | "exec", _) if depth > 0 => {
            let at = rest
                .iter()
                .position(|w| !w.contains('=') && !w.starts_with('-'))?;
            identify(&rest[at..], depth - 1)
        }
        ("cmd", Some("/c" | "/C" | "/k")) if depth > 0 => identify(&rest[1..], depth - 1),
        ("sh" | "bash" | "zsh", Some("-c" | "-lc" | "-ic" | "-ec")) if depth > 0 => {
            let words = shell_words::split(rest.get(1)?).ok()?;
            identify(&last_command(&words)?, depth - 1)
        }
        ("op" | "doppler" | "infisical" | "dotenv" | "dotenvx" | "aws-vault", _) if depth > 0 => {
            let at = rest.iter().position(|w| *w == "--")?;
            identify(&rest[at + 1..], depth - 1)
        }
        _ => runner(program, rest).or_else(|| Some(Identity::Program(program.to_owned()))),
    }
}

/// Whether a program is named as one that is installed: by a bare name, or by the path of a directory where installers put programs.
/// Any other path is a file that whoever wrote the repository may have put there.
fn is_installed(word: &str) -> bool {
    const OWN: &[&str] = &[
        ".local",
        ".cargo",
        ".bun",
        ".deno",
        ".volta",
        ".nvm",
        ".asdf",
        ".pyenv",
        ".npm-global",
        "go",
        "Program Files",
        "nodejs",
    ];
    let path = word.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').collect();
    let Some((_, above)) = parts.split_last().filter(|(_, above)| !above.is_empty()) else {
        return true;
    };
    let is_absolute = match above[0] {
        "" | "~" | "$HOME" | "${HOME}" => true,
        drive => drive.len() == 2 && drive.ends_with(':'),
    };
    let of_system = [
        "/usr/",
        "/opt/",
        "/bin/",
        "/sbin/",
        "/nix/",
        "/snap/",
        "/home/linuxbrew/",
    ];
    let is_program = above
        .last()
        .is_some_and(|last| matches!(*last, "bin" | "sbin" | "nodejs"));
    let is_known = of_system.iter().any(|start| path.starts_with(start))
        || above.iter().any(|part| OWN.contains(part));
    is_absolute && is_program && is_known && !parts.contains(&"..")
}

/// The last command of a script, where what stands before it only prepares the shell; `None` where more is run than that.
fn last_command(words: &[String]) -> Option<Vec<&str>> {
    let is_separator = |word: &String| matches!(word.as_str(), "&&" | ";" | "||" | "|");
    let is_more = |word: &String| {
        !is_separator(word)
            && (word.contains([';', '&', '|', '`', '\n'])
                || word.contains("$(")
                || word.contains("<("))
    };
    if words.iter().any(is_more) {
        return None;
    }
    let mut commands: Vec<&[String]> = words.split(is_separator).collect();
    let last = commands.pop()?;
    let prepares = |command: &&[String]| {
        let first = command.first().map(String::as_str);
        matches!(
            first,
            Some("cd" | "export" | "set" | "unset" | "umask" | "ulimit")
        )
    };
    commands
        .iter()
        .all(prepares)
        .then(|| last.iter().map(String::as_str).collect())
}

/// Whether words name another registry than the public one.
fn names_registry(words: &[&str]) -> bool {
    words.iter().any(|word| {
        let name = word.split('=').next().unwrap_or(word);
        REGISTRY_OPTIONS.contains(&name)
    })
}

/// Whether a program that a package is said to bring is one it may bring: neither a path nor something every machine has.
fn may_bring(program: Option<&str>) -> bool {
    program.is_none_or(|name| {
        !name.contains(['/', '\\'])
            && !super::lookup::STARTERS.contains(&name)
            && !name.starts_with("python")
    })
}

/// The package that a package runner, an interpreter or a container runtime is told to run.
fn runner(program: &str, rest: &[&str]) -> Option<Identity> {
    let second = rest.first().copied().unwrap_or_default();
    let after = rest.get(1..).unwrap_or_default();
    match (program, second) {
        ("npx" | "pnpx" | "bunx", _) => npm_package(rest),
        ("npm", "exec" | "x") | ("pnpm" | "yarn", "dlx" | "exec") | ("bun", "x") => {
            npm_package(after)
        }
        ("uvx", _) => pypi_package(rest),
        ("uv", "tool") | ("pipx", "run") => {
            pypi_package(after.strip_prefix(&["run"]).unwrap_or(after))
        }
        ("uv", "run") => uv_run(after),
        ("docker" | "podman" | "nerdctl", "run") => image(after),
        ("docker", "mcp") => Some(Identity::Image("docker/mcp-gateway".to_owned())),
        ("node" | "bun" | "deno" | "tsx", _) => rest.iter().find_map(|word| in_node_modules(word)),
        _ if program.starts_with("python") => python_module(rest),
        _ => in_node_modules(program),
    }
}

fn npm_package(words: &[&str]) -> Option<Identity> {
    let stated = words.iter().enumerate().find_map(|(at, word)| {
        let joined = word
            .strip_prefix("--package=")
            .or_else(|| word.strip_prefix("-p="));
        joined
            .or_else(|| matches!(*word, "-p" | "--package").then(|| words.get(at + 1).copied())?)
    });
    let first = positional(words, &["-p", "--package", "-c", "--call", "--registry"]);
    let is_called = words.iter().any(|word| matches!(*word, "-c" | "--call"));
    if names_registry(words) || is_called || stated.is_some() && !may_bring(first) {
        return None;
    }
    let package = npm_name(stated.or(first)?);
    if package == "@smithery/cli" {
        let at = words.iter().position(|word| *word == "run")?;
        let inner = positional(
            &words[at + 1..],
            &["--client", "--config", "--key", "--profile"],
        )?;
        return Some(Identity::Npm(npm_name(inner).to_owned()));
    }
    Some(git_repository(package).unwrap_or_else(|| Identity::Npm(package.to_owned())))
}

fn pypi_package(words: &[&str]) -> Option<Identity> {
    let from = words.iter().enumerate().find_map(|(at, word)| {
        let joined = word.strip_prefix("--from=");
        joined.or_else(|| (*word == "--from").then(|| words.get(at + 1).copied())?)
    });
    let values = [
        "--from",
        "--with",
        "-p",
        "--python",
        "--index",
        "--index-url",
        "--extra-index-url",
        "--with-editable",
        "--spec",
    ];
    let first = positional(words, &values);
    if names_registry(words) || from.is_some() && !may_bring(first) {
        return None;
    }
    let package = from.or(first)?;
    Some(git_repository(package).unwrap_or_else(|| Identity::Pypi(pypi_name(package))))
}

/// `uv run --with PACKAGE …`, `uv run MODULE`: a named package, or the program it runs.
fn uv_run(words: &[&str]) -> Option<Identity> {
    let values = [
        "--with",
        "--directory",
        "--project",
        "--python",
        "-p",
        "--extra",
        "--env-file",
    ];
    let program = positional(words, &values)?;
    (!program.ends_with(".py") && !program.contains('/'))
        .then(|| Identity::Pypi(pypi_name(program)))
}

fn image(words: &[&str]) -> Option<Identity> {
    let values = [
        "-e",
        "--env",
        "-v",
        "--volume",
        "--mount",
        "--network",
        "--net",
        "--name",
        "-p",
        "--publish",
        "-w",
        "--workdir",
        "--env-file",
        "-u",
        "--user",
        "--entrypoint",
        "--add-host",
        "--platform",
        "-l",
        "--label",
        "--memory",
        "-m",
        "--cpus",
        "--cap-add",
        "--cap-drop",
        "--security-opt",
        "--pull",
        "-h",
        "--hostname",
        "--tmpfs",
        "--gpus",
        "--device",
    ];
    let image = positional(words, &values)?;
    let is_entered = |word: &&str| word.split('=').next() == Some("--entrypoint");
    if words
        .iter()
        .take_while(|word| **word != image)
        .any(is_entered)
    {
        return None;
    }
    let image = image.split('@').next()?;
    let tag = image.rfind(':').filter(|at| !image[*at..].contains('/'));
    let bare = &image[..tag.unwrap_or(image.len())];
    Some(Identity::Image(
        bare.strip_prefix("docker.io/").unwrap_or(bare).to_owned(),
    ))
}

fn python_module(words: &[&str]) -> Option<Identity> {
    let at = words.iter().position(|word| *word == "-m")?;
    let module = words.get(at + 1)?;
    Some(Identity::Pypi(pypi_name(module.split('.').next()?)))
}

/// The first word that is neither an option nor the value of one.
fn positional<'a>(words: &[&'a str], with_value: &[&str]) -> Option<&'a str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if with_value.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// `…/node_modules/@scope/name/…`.
fn in_node_modules(word: &str) -> Option<Identity> {
    let (_, inside) = word.rsplit_once("node_modules/")?;
    let depth = if inside.starts_with('@') { 2 } else { 1 };
    let name: Vec<&str> = inside.split('/').take(depth).collect();
    (inside.split('/').count() > depth && name[0] != ".bin").then(|| Identity::Npm(name.join("/")))
}

/// `git+https://host/owner/name.git@revision`, `github:owner/name`.
fn git_repository(word: &str) -> Option<Identity> {
    let rest = word.rsplit_once(" @ ").map_or(word, |(_, rest)| rest);
    let address = match (
        rest.strip_prefix("git+https://"),
        rest.strip_prefix("github:"),
    ) {
        (Some(address), _) => address.to_owned(),
        (None, Some(name)) => format!("github.com/{name}"),
        (None, None) => return None,
    };
    let end = address.find(['@', '#', '?']).unwrap_or(address.len());
    let bare = address[..end]
        .trim_end_matches('/')
        .trim_end_matches(".git");
    Some(Identity::Repository(
        format!("https://{bare}").to_ascii_lowercase(),
    ))
}

/// The name of an npm package without its version.
pub(crate) fn npm_name(word: &str) -> &str {
    let from = usize::from(word.starts_with('@'));
    word[from..].find('@').map_or(word, |at| &word[..at + from])
}

/// The normalised name of a Python package without extras and version.
pub(crate) fn pypi_name(word: &str) -> String {
    let end = word
        .find(['=', '@', '[', '<', '>', '~', '!', ';', ' '])
        .unwrap_or(word.len());
    word[..end].to_ascii_lowercase().replace('_', "-")
}

/// The last part of a path, less what Windows adds to programs.
fn base_name(word: &str) -> &str {
    // A package with a scope is no path.
    if word.starts_with('@') {
        return word;
    }
    let base = word.rsplit(['/', '\\']).next().unwrap_or(word);
    [".exe", ".cmd", ".bat", ".ps1"]
        .iter()
        .find_map(|end| base.strip_suffix(end))
        .unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::{Identity, Launch};

    fn identity(line: &str) -> Option<Identity> {
        Launch::process(shell_words::split(line).unwrap(), Vec::new()).identity()
    }

    fn npm(name: &str) -> Option<Identity> {
        Some(Identity::Npm(name.to_owned()))
    }

    fn pypi(name: &str) -> Option<Identity> {
        Some(Identity::Pypi(name.to_owned()))
    }

    #[test]
    fn packages_are_seen_through_their_runners() {
        for line in [
            "npx -y @a/b@1.2.3 --flag",
            "npx --yes --package=@a/b run-it",
            "npx -p @a/b@latest b",
            "cmd /c npx -y @a/b",
            "env TOKEN=x npx @a/b",
            "bash -lc 'cd /x && npx -y @a/b'",
            "op run --env-file=.env -- bunx @a/b",
            "pnpm dlx @a/b@latest",
            "npm exec -- @a/b",
            "node ./node_modules/@a/b/cli.js --port 1",
            "/opt/bin/npx.cmd @a/b",
            "npx -y @smithery/cli@latest run @a/b --key k",
        ] {
            assert_eq!(identity(line), npm("@a/b"), "{line}");
        }
        for line in [
            "uvx a-b",
            "uvx a_b@latest --x",
            "uvx --python 3.12 a-b",
            "uvx --from a-b==1.0 serve",
            "uv tool run A-B",
            "pipx run a-b[x]",
            "/usr/bin/python3.12 -m a_b.server",
            "uv run --directory /srv a-b",
        ] {
            assert_eq!(identity(line), pypi("a-b"), "{line}");
        }
    }

    #[test]
    fn images_repositories_and_programs_are_named() {
        let image = identity("docker run -i --rm -e TOKEN --network host ghcr.io/x/y:latest --z");
        assert_eq!(image, Some(Identity::Image("ghcr.io/x/y".to_owned())));
        let port = identity("podman run localhost:5000/x/y@sha256:00");
        assert_eq!(port, Some(Identity::Image("localhost:5000/x/y".to_owned())));
        let repository =
            identity("uvx --from git+https://github.com/Oraios/serena.git@main serena");
        assert_eq!(
            repository,
            Some(Identity::Repository(
                "https://github.com/oraios/serena".to_owned()
            ))
        );
        assert_eq!(
            identity("/usr/bin/thing serve"),
            Some(Identity::Program("thing".to_owned()))
        );
        assert_eq!(identity("npx"), Some(Identity::Program("npx".to_owned())));
        assert_eq!(identity(""), None);
    }

    #[test]
    fn addresses_are_seen_through_bridges() {
        let address = Some(Identity::Address("mcp.example.com/sse".to_owned()));
        assert_eq!(
            identity("npx -y mcp-remote@latest https://MCP.example.com/sse?k=v"),
            address
        );
        assert_eq!(
            Launch::address("https://user:pw@mcp.example.com/sse/").identity(),
            address
        );
    }

    #[test]
    fn words_of_a_launch_are_arguments_variables_and_parameters() {
        let environment = vec![("READ_ONLY".to_owned(), "true".to_owned())];
        let launch = Launch::process(
            vec![
                "x".to_owned(),
                "--read-only=false".to_owned(),
                "A=1".to_owned(),
            ],
            environment,
        );
        assert!(
            launch.has_word("READ_ONLY")
                && launch.has_word("READ_ONLY=TRUE")
                && launch.has_word("A")
        );
        assert!(!launch.has_word("--read-only") && !launch.has_word("READ_ONLY=1"));
        let url = Launch::address("https://h/mcp/readonly?read_only=true&x=1");
        assert!(
            url.has_word("read_only=true") && url.has_word("readonly") && !url.has_word("h/mcp")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_words_make_it_panic(words in proptest::collection::vec("[-@a-z:/.=+ ]{0,12}|npx|uvx|docker|run|--from|-p|mcp-remote|sh|-c", 0..8)) {
            let launch = Launch::process(words, Vec::new());
            let _ = (launch.identity(), launch.has_word("--x"), launch.url());
        }
    }
}
