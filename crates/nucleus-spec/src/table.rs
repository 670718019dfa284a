//! Declares every section and key of `permissions.toml` once: parser, JSON Schema and reference read this table.

/// One section, `[name]`.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
    /// Why no key of it is accepted yet.
    pub(crate) reserved: Option<&'static str>,
}

/// One key with its meaning.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What its absence means, for readers.
    pub(crate) default: &'static str,
    pub(crate) doc: &'static str,
}

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Version,
    ProfileName,
    Level,
    Operations,
    Usd,
    Tokens,
    Hours,
    Paths(Whole),
    Commands(Whole),
    Hosts(Whole),
    HostPattern,
    Port,
    Methods,
    UrlPaths,
    Texts,
    Flag,
    Count,
    Limits,
    Groups,
    Bindings,
    SecretCommand,
    Names(Name, Whole),
    Remotes,
    RemoteUrl,
    References,
    Word(&'static [Word]),
    Text(Text),
    /// Known, and refused with this reason.
    Reserved(&'static str),
}

/// Whether the word `"everything"` may stand instead of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Allowed,
    Refused,
}

/// What the names of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Tool,
    Variable,
    Directory,
    Branch,
    Repository,
    Credential,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Provider,
    Account,
    ForgeUrl,
    Credential,
    Secret,
    HostVariable,
    SecretFile,
    KeyringEntry,
    Header,
    User,
    Sentence,
}

/// One value of a key that has few.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) value: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) reserved: Option<&'static str>,
}

const fn key(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        doc,
    }
}

const fn section(name: &'static str, doc: &'static str, keys: &'static [Key]) -> Section {
    Section {
        name,
        doc,
        keys,
        reserved: None,
    }
}

const fn word(value: &'static str, doc: &'static str) -> Word {
    Word {
        value,
        doc,
        reserved: None,
    }
}

const fn level(name: &'static str, doc: &'static str) -> Key {
    key(name, Kind::Level, "`\"never\"`", doc)
}

const fn reserved_key(name: &'static str, why: &'static str) -> Key {
    key(name, Kind::Reserved(why), "", why)
}

/// The section of this name.
pub(crate) fn section_named(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

/// The keys that stand above the first section.
#[rustfmt::skip]
pub(crate) static TOP: &[Key] = &[
    key("version", Kind::Version, "`1`", "The version of this format; `1` is the only one."),
    key("extends", Kind::ProfileName, "none",
        "A shipped profile whose values stand for every key that this file leaves out. A key that is stated \
         replaces the profile's; lists are not joined. Not allowed in a project file, which only tightens."),
];

#[rustfmt::skip]
pub(crate) static SECTIONS: &[Section] = &[
    section("profile", "Says what a policy is for. Decides nothing.", &[
        key("sentence", Kind::Text(Text::Sentence), "none", "Whom the policy is for, in one sentence."),
        key("never", Kind::Text(Text::Sentence), "none", "What a session under it can never do."),
    ]),
    section("capabilities",
        "The level of each operation. `never`: denied, also with an approval. `low_risk`: what is listed in the \
         operation's section is permitted, anything else needs an approval. `always`: permitted unless blocked.", &[
        level("read_files", "Read the content of a file. Subject: [paths]."),
        level("glob_search", "Find files by name. Subject: [paths]."),
        level("grep_search", "Find files by content. Subject: [paths]."),
        level("write_files", "Create, replace, rename or remove a file. Subject: [paths]."),
        level("edit_files", "Change part of a file. Subject: [paths]."),
        level("run_bash", "Run a command in a jail. Subject: [commands]."),
        level("web_search", "Send a query to a search backend. Subject: [network]."),
        level("web_fetch", "Fetch a URL, and every dial of a jailed program. Subject: [network]."),
        level("git_commit", "Commit. Subject: [git] `repositories` and `branches`."),
        level("git_push", "Push to a remote. Subject: [git] `remotes`."),
        level("create_pr", "Open a pull request. Subject: [git] `remotes`."),
        level("manage_pods", "Start child sessions, each at most as wide as this one."),
    ]),
    section("obligations", "What must be met for a permit to count.", &[
        key("approvals", Kind::Operations, "`[]`",
            "Operations that need a human's approval each time, whatever is listed."),
    ]),
    section("budget", "What a session may spend. Nothing above it is ever reserved.", &[
        key("max_cost_usd", Kind::Usd, "`5.0`",
            "US dollars, 0 to 1000000, at most six decimals; kept as whole micro-dollars. `0` permits nothing that costs."),
        key("max_input_tokens", Kind::Tokens, "`20000000`", "Tokens sent to a model, 0 to 1000000000000."),
        key("max_output_tokens", Kind::Tokens, "`2000000`", "Tokens a model returns, 0 to 1000000000000."),
    ]),
    section("time", "How long a session may act.", &[
        key("valid_hours", Kind::Hours, "`8`",
            "Hours from the start, above 0 up to 720, at most three decimals. Measured on the boot-time clock: \
             a restart, a suspend or a changed wall clock does not renew it."),
    ]),
    section("paths", "Files of the workspace. Patterns follow `.gitignore`: `*.md` at any depth, `src/**` from the root.", &[
        key("listed", Kind::Paths(Whole::Allowed), "`[\"**\"]`", "What `low_risk` permits without asking."),
        key("blocked", Kind::Paths(Whole::Refused), "`[]`",
            "What no level permits, compared without regard to case. Added to `credential_files`."),
        key("credential_files", Kind::Paths(Whole::Refused), "the shipped list",
            "Blocked too. State it only to replace the shipped list of places where credentials are kept; \
             `[]` leaves them all open."),
        key("public", Kind::Paths(Whole::Refused), "`[]`",
            "Files whose content is not private: reading them does not set `private_data`."),
    ]),
    section("commands",
        "Commands by their argv. They express intent; the jail and the network are the boundary. A pattern names a \
         program and its first arguments, as words (`\"cargo test\"`) or as an array (`[\"cargo\", \"test\"]`); `*` is any \
         one argument, `...` at the end any further ones.", &[
        key("listed", Kind::Commands(Whole::Allowed), "build, test and local git", "What `low_risk` permits without asking."),
        key("blocked", Kind::Commands(Whole::Refused), "`[]`",
            "What no level permits. Where anything is blocked, code that cannot be read (`sh -c \"$x\"`) is blocked too."),
    ]),
    section("network", "Hosts and routes: for fetches, for search backends and for every dial of a jailed program.", &[
        key("hosts", Kind::Hosts(Whole::Allowed), "`[]`",
            "What `low_risk` permits without asking: host patterns, or tables with the fields below. \
             `web_fetch` or `web_search` at `always` needs this key stated."),
        key("blocked", Kind::Hosts(Whole::Refused), "`[]`", "What no level permits; `trust` and `sink` have no place here."),
        key("groups", Kind::Groups, "`[]`",
            "Groups of hosts, added to `hosts`: reading from them is permitted and no data leaves by it, nothing of them is \
             trusted. `registries`: whatever this machine's package managers name as their sources, asked on the host \
             when the session starts. `forges`, `documentation`: shipped lists. None holds model providers: \
             the session's gateway alone calls them. Not allowed in a project file."),
        key("limits", Kind::Limits, "`[]`",
            "What hosts may be sent and may send in a session, whatever permits it: tables with the fields below."),
    ]),
    section("git", "Commits, pushes and pull requests.", &[
        key("repositories", Kind::Names(Name::Repository, Whole::Refused), "`[\".\"]`",
            "Repositories of the workspace where `low_risk` permits commits; `.` is the workspace itself."),
        key("branches", Kind::Names(Name::Branch, Whole::Refused), "`[\"*\"]`", "Branches where `low_risk` permits commits."),
        key("blocked_branches", Kind::Names(Name::Branch, Whole::Refused), "`[]`",
            "Branches that no level commits to, pushes to or opens a pull request against."),
        key("remotes", Kind::Remotes, "`[]`",
            "Where `low_risk` permits pushes and pull requests. `git_push` or `create_pr` at `always` needs this key stated."),
        key("forge", Kind::Text(Text::ForgeUrl), "none", "The API of the forge where pull requests are opened."),
        key("credential", Kind::Text(Text::Credential), "none",
            "The name of the host's credential for these remotes and this forge. It never enters a jail."),
    ]),
    section("model", "The one model provider. It sees what the session saw.", &[
        key("provider", Kind::Text(Text::Provider), "the one named when the session starts", "Its name."),
        key("account", Kind::Text(Text::Account), "any of the provider's", "The account; needs `provider`."),
    ]),
    section("tools", "Tools of other MCP servers, as `server/tool`. Without this section all of them are blocked.", &[
        key("listed", Kind::Names(Name::Tool, Whole::Allowed), "`[]`", "What `low_risk` permits without asking."),
        key("blocked", Kind::Names(Name::Tool, Whole::Refused), "`[\"*\"]` without this section, else `[]`", "What no level permits."),
    ]),
    section("flow", "How what was read limits what may leave.", &[
        key("mode", Kind::Word(&[
            word("default", "An exfil sink asks once private data and untrusted content were both touched; an effect sink asks once untrusted content was."),
            word("strict", "An exfil sink asks once either was touched."),
        ]), "`\"default\"`", "When a way out asks."),
        key("trifecta", Kind::Word(&[
            word("exposure", "What a session has touched decides."),
            word("capability", "What it could ever touch decides: every exfil operation asks from the start when all three legs are reachable."),
        ]), "`\"exposure\"`", "What counts as the trifecta."),
        key("workspace", Kind::Word(&[
            word("trusted", "The user's own content, but for what carries a label."),
            word("untrusted", "Somebody else's: every read brings in `untrusted_content`. For fresh clones."),
        ]), "`\"trusted\"`", "Whose content the workspace is."),
        key("landing", Kind::Word(&[
            word("direct", "Ordinary changes land at once; activation paths wait for the user."),
            Word { value: "review", doc: "Every change waits for the user.",
                   reserved: Some("review of every landing is not built yet: read `nucleus diff`, and leave `landing` out") },
        ]), "`\"direct\"`", "When changes reach the real tree."),
    ]),
    section("jail", "What commands see of the host.", &[
        key("unix_sockets", Kind::Word(&[
            word("none", "Programs cannot make Unix sockets; socket pairs work."),
            word("private", "Programs can make Unix sockets among themselves. No socket of the host is in view."),
        ]), "`\"none\"`", "Unix sockets in a jail."),
        key("environment", Kind::Names(Name::Variable, Whole::Refused), "`[]`",
            "Environment variables of the host that commands see; `LC_*` names several. Not for secrets: names that look like one are refused."),
        key("views", Kind::Names(Name::Directory, Whole::Refused), "`[]`",
            "Directories of the host that commands see, read-only, as absolute paths."),
    ]),
    section("credentials",
        "Secrets of the host that programs use without having them: a jail sees a placeholder, the proxy puts the value \
         in on the bound routes alone and takes it out of what comes back.", &[
        key("bindings", Kind::Bindings, "`[]`",
            "Tables with the fields below. Only the administrator's and the user's own policy, and a file outside the \
             workspace that the command line names, may state it."),
        key("use", Kind::Names(Name::Credential, Whole::Refused), "all that are bound",
            "Names of the bindings that a session uses. A project file may state it, to use fewer."),
    ]),
    section("registries", "What installs may take from the hosts of the group `registries`.", &[
        key("pinned", Kind::Flag, "`false`",
            "Whether an artifact must have a hash that a lockfile of the workspace holds when the session starts \
             (npm, Python, cargo). `true` in any policy that counts holds."),
    ]),
];

/// The fields of one entry of [network] `hosts` and `blocked`.
#[rustfmt::skip]
pub(crate) static HOST_FIELDS: &[Key] = &[
    key("host", Kind::HostPattern, "required", "`example.com`, `*.example.com`, an address; with `:port` or without."),
    key("port", Kind::Port, "80 and 443", "The port, 1 to 65535."),
    key("methods", Kind::Methods, "all", "HTTP methods in upper case."),
    key("paths", Kind::UrlPaths, "all", "URL paths; `*` within a segment, `**` for any number of segments."),
    key("trust", Kind::Flag, "`false`", "Whether what it sends is the user's own content."),
    key("sink", Kind::Flag, "`true`",
        "`false` declares that no data leaves by these routes; needs `methods` and `paths` and a host without wildcard."),
    key("inspect", Kind::Flag, "`true` with `methods` or `paths`, else `false`",
        "Whether each request is seen: TLS is opened by an authority of the session's own, which its jails alone trust. \
         `true` without `paths` means `/**`; `false` beside `methods` or `paths` is an error."),
    reserved_key("max_request_bytes", "bytes are counted by entries of [network] `limits`: state it there"),
    reserved_key("max_response_bytes", "bytes are counted by entries of [network] `limits`: state it there"),
];

/// The fields of one entry of [network] `limits`.
#[rustfmt::skip]
pub(crate) static LIMIT_FIELDS: &[Key] = &[
    key("host", Kind::HostPattern, "required", "`example.com`, `*.example.com`, an address; with `:port` or without."),
    key("max_requests", Kind::Count, "unlimited", "Requests and opaque connections, 0 to 1000000000000."),
    key("max_request_bytes", Kind::Count, "unlimited", "Bytes of bodies and tunnels that leave."),
    key("max_response_bytes", Kind::Count, "unlimited", "Bytes of bodies and tunnels that come."),
    key("max_url_bytes", Kind::Count, "unlimited", "Bytes of the path and query of one request."),
];

/// The fields of one entry of [credentials] `bindings`.
#[rustfmt::skip]
pub(crate) static BINDING_FIELDS: &[Key] = &[
    key("name", Kind::Text(Text::Secret), "required", "The name of the secret, and of the variable that holds its placeholder in jails."),
    key("env", Kind::Text(Text::HostVariable), "one of the four", "The variable of the host that holds it."),
    key("file", Kind::Text(Text::SecretFile), "one of the four", "The file of the host that holds it, absolute or below `~/`; never in the workspace."),
    key("keyring", Kind::Text(Text::KeyringEntry), "one of the four",
        "`service/user` of the system's keyring, asked by `secret-tool`, else by `keyctl`."),
    key("command", Kind::SecretCommand, "one of the four",
        "A program of the host and its arguments, such as `[\"op\", \"read\", \"op://vault/item/field\"]`, which prints it. No shell."),
    key("hosts", Kind::Texts, "required", "Hosts it is used at, with `:port` or without; no wildcard. They are inspected. By https, or at a named private address by http."),
    key("methods", Kind::Methods, "all", "HTTP methods in upper case."),
    key("paths", Kind::UrlPaths, "all", "URL paths; `*` within a segment, `**` for any number of segments."),
    key("header", Kind::Text(Text::Header), "`authorization`", "The header it is put in."),
    key("scheme", Kind::Word(&[
        word("bearer", "`Bearer SECRET`."),
        word("token", "`token SECRET`."),
        word("basic", "`Basic`, with the secret as the password."),
        word("bare", "The secret alone, as in `x-api-key` and `PRIVATE-TOKEN`."),
    ]), "`Bearer`, `token` or `Basic` as the program writes it; `bare` in another header", "How it stands in the header."),
    key("user", Kind::Text(Text::User), "any; `x-access-token` for pushes of Nucleus's own", "The user beside a `basic` secret."),
    reserved_key("query", "a secret in a URL ends up in logs and histories: use a header"),
];

/// The fields of one entry of [git] `remotes`.
#[rustfmt::skip]
pub(crate) static REMOTE_FIELDS: &[Key] = &[
    key("url", Kind::RemoteUrl, "required", "The URL, exactly: `https://…`, `ssh://…` or `file:///…`."),
    key("refs", Kind::References, "required",
        "References that may be pushed to or merged into; `main` means `refs/heads/main`, `*` any characters."),
];
