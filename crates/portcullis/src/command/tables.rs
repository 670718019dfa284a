//! Holds what is known of programs: which only start others, which take code, which are listed by default.

use super::CommandPattern;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Options of a program, in the manner of `getopt`: after a letter or name, `:` takes a value, `?` an attached
/// value only, `!` takes code, `@` makes the first operand code, `>` names what runs and ends the options.
#[derive(Clone, Copy)]
pub(super) struct Options {
    pub(super) short: &'static str,
    pub(super) long: &'static str,
}

/// Starts the program named after its options and after `operands` words of its own.
pub(super) struct Wrapper {
    names: &'static str,
    pub(super) options: Options,
    pub(super) operands: usize,
}

/// Runs a script file, or code given by an option or on standard input.
pub(super) struct Interpreter {
    names: &'static str,
    pub(super) options: Options,
}

/// Runs another program as a part of its own work, and has to be listed itself.
pub(super) struct Launcher {
    names: &'static str,
    /// The subcommands that do; none where the program always does.
    pub(super) subcommands: &'static str,
    pub(super) options: Options,
    pub(super) operands: usize,
}

/// Options by which a program that is no interpreter runs code.
struct CodeOptions {
    names: &'static str,
    short: &'static str,
    long: &'static str,
}

const fn opts(short: &'static str, long: &'static str) -> Options {
    Options { short, long }
}

const fn wrapper(names: &'static str, operands: usize, short: &'static str, long: &'static str) -> Wrapper {
    Wrapper { names, operands, options: opts(short, long) }
}

const fn interpreter(names: &'static str, short: &'static str, long: &'static str) -> Interpreter {
    Interpreter { names, options: opts(short, long) }
}

const fn launcher(names: &'static str, subcommands: &'static str, operands: usize, options: Options) -> Launcher {
    Launcher { names, subcommands, options, operands }
}

const fn code(names: &'static str, short: &'static str, long: &'static str) -> CodeOptions {
    CodeOptions { names, short, long }
}

fn has_name(names: &str, name: &str) -> bool {
    names.split(' ').any(|own| own == name)
}

/// A base name without version and `.exe`: `python3.11` is `python`, `ld-linux-x86-64.so.2` is `ld-linux`.
pub(super) fn family(base: &str) -> &str {
    if base.starts_with("ld-linux") || base.starts_with("ld-musl") || base.starts_with("ld.so") {
        return "ld-linux";
    }
    let stem = base.strip_suffix(".exe").unwrap_or(base);
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_'));
    // FAIL-CLOSED: a name that is all version keeps it.
    if bare.is_empty() { stem } else { bare }
}

/// Whether only root writes the directory on an ordinary system; a bare name is looked up in `PATH`.
pub(super) fn is_system_directory(directory: &str) -> bool {
    matches!(
        directory,
        "" | "/bin/"
            | "/sbin/"
            | "/usr/bin/"
            | "/usr/sbin/"
            | "/usr/local/bin/"
            | "/usr/local/sbin/"
            | "/opt/homebrew/bin/"
    )
}

/// All that is known of one name.
#[derive(Default)]
pub(super) struct Known {
    pub(super) wrapper: Option<&'static Wrapper>,
    pub(super) interpreter: Option<&'static Interpreter>,
    pub(super) is_shell: bool,
    pub(super) starts_unseen: bool,
    launchers: Vec<&'static Launcher>,
    code: Option<&'static CodeOptions>,
}

static UNKNOWN: LazyLock<Known> = LazyLock::new(Known::default);
static BY_NAME: LazyLock<HashMap<&'static str, Known>> = LazyLock::new(|| {
    let mut map: HashMap<&'static str, Known> = HashMap::new();
    let mut each = |names: &'static str, set: &dyn Fn(&mut Known)| {
        names.split_whitespace().for_each(|name| set(map.entry(name).or_default()));
    };
    WRAPPERS.iter().for_each(|entry| each(entry.names, &|known| known.wrapper = Some(entry)));
    INTERPRETERS.iter().for_each(|entry| each(entry.names, &|known| known.interpreter = Some(entry)));
    LAUNCHERS.iter().for_each(|entry| each(entry.names, &|known| known.launchers.push(entry)));
    CODE_OPTIONS.iter().for_each(|entry| each(entry.names, &|known| known.code = Some(entry)));
    each(SHELLS, &|known| known.is_shell = true);
    each(STARTS_UNSEEN, &|known| known.starts_unseen = true);
    map
});

/// What is known of a base name, or else of its family.
pub(super) fn known(base: &str) -> &'static Known {
    BY_NAME.get(base).or_else(|| BY_NAME.get(family(base))).unwrap_or(&UNKNOWN)
}

impl Known {
    pub(super) fn launcher(&self, args: &[String]) -> Option<&'static Launcher> {
        let first = args.first();
        let fits = |entry: &&&Launcher| {
            entry.subcommands.is_empty() || first.is_some_and(|arg| has_name(entry.subcommands, arg))
        };
        self.launchers.iter().find(fits).copied()
    }

    /// The first argument by which a program that is no interpreter runs code.
    pub(super) fn code_option(&self, args: &[String]) -> Option<usize> {
        let entry = self.code?;
        let before = args.iter().take_while(|arg| *arg != "--");
        let old_style = has_name(entry.names, "tar");
        before.enumerate().position(|(at, arg)| {
            let name = arg.split('=').next().unwrap_or(arg);
            let is_long = entry.long.split(' ').any(|own| {
                // `getopt` accepts any beginning of a long option.
                own == name || (name.len() > 3 && name.starts_with("--") && own.starts_with(name))
            });
            let letters = match arg.strip_prefix('-') {
                Some(letters) if !letters.starts_with('-') => letters,
                None if old_style && at == 0 => arg,
                _ => "",
            };
            is_long || letters.contains(|c| entry.short.contains(c))
        })
    }
}

/// The arguments without those options before the subcommand that change nothing a rule speaks of.
pub(super) fn without_harmless_globals<'a>(base: &str, args: &'a [String]) -> &'a [String] {
    let (flags, valued) = match base {
        "git" => ("--no-pager -P --no-optional-locks --literal-pathspecs", "-C"),
        "cargo" => ("-q --quiet -v --verbose -vv --locked --offline --frozen", "--color"),
        "npm" | "pnpm" | "yarn" => ("-s --silent --no-color", "--prefix --dir --cwd"),
        "go" | "make" => ("-s -k -B --silent --no-print-directory", "-C -j"),
        _ => ("", ""),
    };
    let mut rest = args;
    loop {
        rest = match rest {
            [flag, tail @ ..] if !flag.is_empty() && has_name(flags, flag) => tail,
            [flag, _, tail @ ..] if !flag.is_empty() && has_name(valued, flag) => tail,
            _ => return rest,
        };
    }
}

/// What setting a variable does to a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Assignment {
    /// Changes messages, colours and the like.
    Harmless,
    /// May change what the command does: never listed.
    Unknown,
    /// Is known to name programs or code.
    Code,
}

pub(super) fn assignment(name: &str) -> Assignment {
    if has_name(HARMLESS_VARIABLES, name) || name.starts_with("LC_") {
        return Assignment::Harmless;
    }
    let is_code = has_name(CODE_VARIABLES, name)
        || ["LD_", "DYLD_", "GIT_", "BASH_FUNC_"].iter().any(|head| name.starts_with(head))
        || ["_COMMAND", "_WRAPPER", "_RUNNER", "_LINKER", "PAGER", "EDITOR", "_OPTIONS", "_ASKPASS"]
            .iter()
            .any(|tail| name.ends_with(tail));
    if is_code { Assignment::Code } else { Assignment::Unknown }
}

const HARMLESS_VARIABLES: &str = "CI NO_COLOR FORCE_COLOR CLICOLOR CLICOLOR_FORCE TERM COLUMNS LINES LANG LANGUAGE TZ \
    DEBUG VERBOSE NODE_ENV RUST_LOG RUST_BACKTRACE RUST_TEST_THREADS CARGO_TERM_COLOR CARGO_INCREMENTAL \
    PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONHASHSEED DEBIAN_FRONTEND";
const CODE_VARIABLES: &str = "PATH SHELL ENV BASH_ENV ZDOTDIR PROMPT_COMMAND PS4 IFS CDPATH PERL5OPT PERL5LIB PERL5DB \
    RUBYOPT RUBYLIB PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHONINSPECT PYTHONBREAKPOINT NODE_PATH LUA_INIT LUA_PATH \
    LUA_CPATH AWKPATH BROWSER VISUAL LESSOPEN LESSCLOSE MANOPT RUSTC RUSTDOC CC CXX MAKEFLAGS MAKEFILES GCONV_PATH \
    CLASSPATH RUSTFLAGS PHPRC PHP_INI_SCAN_DIR R_PROFILE JAVA_HOME HOME XDG_CONFIG_HOME TAR_OPTIONS RSYNC_RSH";
const SHELLS: &str = "sh bash dash ash zsh ksh mksh lksh rbash rzsh yash posh busybox-sh fish csh tcsh";

#[rustfmt::skip]
static WRAPPERS: &[Wrapper] = &[
    wrapper("env genv", 0, "iu:C:S!v0a:", "ignore-environment unset: chdir: split-string! argv0: null debug block-signal? default-signal? ignore-signal? list-signal-handling"),
    wrapper("nice gnice", 0, "n:0123456789", "adjustment:"),
    wrapper("timeout gtimeout", 1, "k:s:vfp", "kill-after: signal: verbose foreground preserve-status"),
    wrapper("stdbuf gstdbuf", 0, "i:o:e:", "input: output: error:"),
    wrapper("nohup gnohup fakeroot dbus-run-session unbuffer caffeinate torsocks torify catchsegv exec-once eatmydata linux32 linux64 i386 x86_64 not", 0, "", ""),
    wrapper("setsid", 0, "cfw", "ctty fork wait"),
    wrapper("ionice", 0, "c:n:p:P:u:t", "class: classdata: pid: pgid: uid: ignore"),
    wrapper("chrt", 1, "abdefimoprRT:P:D:v", "all-tasks batch deadline fifo idle other rr max pid reset-on-fork verbose sched-runtime: sched-period: sched-deadline:"),
    wrapper("taskset", 1, "apc", "all-tasks pid cpu-list"),
    wrapper("time gtime", 0, "f:o:apqvV", "format: output: append verbose portability quiet"),
    wrapper("command builtin", 0, "pvV", ""),
    wrapper("exec", 0, "cla:", ""),
    wrapper("sudo", 0, "ABbEeHiKklnPSsvVC:D:g:h:p:R:r:t:T:U:u:", "askpass background bell preserve-env? set-home login non-interactive preserve-groups stdin shell edit list validate reset-timestamp remove-timestamp close-from: chdir: group: host: prompt: chroot: role: type: command-timeout: other-user: user:"),
    wrapper("doas", 0, "C:u:nsLa:", ""),
    wrapper("pkexec", 0, "", "user: disable-internal-agent keep-cwd"),
    wrapper("su runuser", 1, "c!C!flmpPg:G:s:u:w:T", "command! session-command! fast login preserve-environment pty group: supp-group: shell: user: whitelist-environment: no-pty"),
    wrapper("xargs gxargs", 0, "0a:d:E:e?I:i?J:L:l?n:oP:prR:S:s:tx", "null arg-file: delimiter: eof? replace? max-lines? max-args: max-procs: interactive no-run-if-empty max-chars: verbose exit open-tty process-slot-var: show-limits"),
    wrapper("strace", 0, "a:b:e:E:I:o:O:p:P:s:S:u:U:X:cCdDfFhikknqrtTvVwxyYzZ", "follow-forks output: trace: signal: status: summary summary-only quiet? attach: env: user: string-limit: relative-timestamps? absolute-timestamps? decode-fds? seccomp-bpf"),
    wrapper("ltrace", 0, "a:A:e:D:F:l:n:o:p:s:u:w:x:X:bcCfhiLrStTV", "output: library: where: indent: config:"),
    wrapper("unshare", 0, "imnpuUCTfrcS:G:R:w:l:", "ipc? mount? net? pid? uts? user? cgroup? time? fork map-root-user map-current-user map-auto map-user: map-group: map-users: map-groups: kill-child? keep-caps mount-proc? propagation: setgroups: setuid: setgid: root: wd: monotonic: boottime:"),
    wrapper("nsenter", 0, "at:m?u?i?n?p?U?C?T?r?w?W:eFZS:G:", "all target: mount? uts? ipc? net? pid? user? cgroup? time? root? wd? wdns: env preserve-credentials no-fork follow-context setuid: setgid:"),
    wrapper("chroot", 1, "", "groups: userspec: skip-chdir"),
    wrapper("flock", 1, "c!FensuxowE:", "command! no-fork exclusive shared unlock nonblock nb timeout: wait: conflict-exit-code: close verbose"),
    wrapper("script", 1, "c!aefqI:O:B:T:t?m:o:E:V", "command! append echo: return flush force quiet log-in: log-out: log-io: log-timing: timing? logging-format: output-limit:"),
    wrapper("busybox toybox", 0, "", ""),
    wrapper("ld-linux", 0, "", "library-path: argv0: inhibit-cache inhibit-rpath: audit: preload:"),
    wrapper("xvfb-run", 0, "ae:f:n:p:s:w:l", "auto-servernum error-file: auth-file: server-num: xauth-protocol: server-args: wait: listen-tcp"),
    wrapper("proxychains rlwrap", 0, "qf:c", ""),
    wrapper("setarch", 1, "BFILRSTXZ3v", "32bit addr-no-randomize fdpic-funcptrs mmap-page-zero addr-compat-layout read-implies-exec short-inode whole-seconds sticky-timeouts 3gb verbose uname-2.6"),
    wrapper("setuidgid gosu su-exec softlimit", 1, "", ""),
    wrapper("tini dumb-init", 0, "gsvwcp:e:r:", "single-child verbose rewrite:"),
    wrapper("prlimit", 0, "p:c?d?e?f?i?l?m?n?q?r?s?t?u?v?x?y?", "pid: core? data? nice? fsize? sigpending? memlock? rss? nofile? msgqueue? rtprio? stack? cpu? nproc? as? locks? rttime?"),
    wrapper("cross-env", 0, "", ""),
    wrapper("setpriv", 0, "d", "no-new-privs ambient-caps: inh-caps: bounding-set: clear-groups keep-groups init-groups groups: ruid: euid: rgid: egid: reuid: regid: securebits: selinux-label: apparmor-profile: pdeathsig: reset-env nnp"),
];

#[rustfmt::skip]
static INTERPRETERS: &[Interpreter] = &[
    interpreter(SHELLS, "abc@efhiklmnprsS?tuvxBCDEHPTVo:O:N", "norc noprofile login posix restricted verbose noediting version help debugger dump-strings rcfile: init-file: command! init-command!"),
    interpreter("python pypy micropython jython", "c!m>W:X:bBdEhiIOPqsSuvVxt?", "check-hash-based-pycs: version help"),
    interpreter("perl", "e!E!M!m!npi?l?0?aC?cd?D?F?I:sStTuUvVwWx?", ""),
    interpreter("ruby jruby", "e!r:I:npal?i?F?sS w W?vx?cC:E:h K?0?ydUT?", "version yjit jit? enable: disable: encoding: external-encoding: internal-encoding: verbose copyright"),
    interpreter("node nodejs", "e!p!r:C:hivc", "eval! print! import! loader! experimental-loader! require: env-file: env-file-if-exists: conditions: input-type: test watch check inspect? inspect-brk? no-warnings trace-warnings enable-source-maps test-reporter: test-name-pattern: max-old-space-size? experimental-vm-modules experimental-strip-types unhandled-rejections: stack-trace-limit? version help"),
    interpreter("php", "r!R!B!E!d!f>F>c:nz:qslimS:t:aewvhH", "run! process-code! process-begin! process-end! define! file> process-file> version info"),
    interpreter("lua luajit texlua", "e!l:ivEWj?O?b", ""),
    interpreter("tclsh wish", "", "encoding:"),
    interpreter("expect", "c!f>bdinvN", ""),
    interpreter("Rscript R littler", "e!g:f>qdv", "vanilla verbose default-packages: no-environ no-site-file no-init-file no-restore no-save slave no-echo quiet version file>"),
    interpreter("julia", "e!E!L:p:t:qihvJ:O?g?", "eval! print! project? threads: load: sysimage: startup-file: color: quiet version"),
    interpreter("guile", "c!s>l:L:e:qx:", ""),
    interpreter("osascript", "e!l:s:i", ""),
    interpreter("octave", "fqWHp:", "eval! persist silent quiet norc no-gui"),
    interpreter("elixir", "e!r:S>pr:", "eval! rpc-eval! no-halt version"),
    interpreter("groovy scala", "e!cp:", ""),
    interpreter("ghci irb ipython iex jshell gnuplot dc bc", "", ""),
    interpreter("awk gawk mawk nawk original-awk", "F:v:f>E>e!i!l!bcCdghIkLMnNoOpPrsStV", "file> exec> source! include! load! assign: field-separator: posix traditional csv re-interval sandbox lint? characters-as-bytes non-decimal-data version"),
];

#[rustfmt::skip]
static LAUNCHERS: &[Launcher] = &[
    launcher("npx bunx pnpx", "", 0, opts("yqp:w:c!", "yes no no-install quiet package: workspace: call! ignore-existing bun prefer-offline")),
    launcher("uvx", "", 0, opts("qvp:w:", "from: with: with-editable: python: quiet verbose isolated refresh no-cache offline index: default-index:")),
    launcher("pipx", "run", 0, opts("qv", "spec: python: no-cache verbose pip-args: with:")),
    launcher("npm pnpm", "exec x dlx", 0, opts("yqp:w:c!", "yes no package: workspace: call! silent recursive parallel shell-mode!")),
    launcher("yarn", "exec dlx run", 0, opts("qp:", "package: quiet silent")),
    launcher("uv", "run", 0, opts("qvm>p:", "with: with-editable: with-requirements: python: package: extra: group: project: directory: env-file: quiet verbose frozen locked isolated no-sync no-project all-extras all-groups no-dev dev offline module>")),
    launcher("poetry pipenv rye hatch pdm bundle direnv", "run exec", 0, opts("qv", "quiet verbose")),
    launcher("mise rtx asdf", "exec x", 1, opts("q", "quiet")),
    launcher("rustup", "run", 1, opts("", "install")),
    launcher("hyperfine entr watchexec nodemon", "", 0, opts("", "")),
];

#[rustfmt::skip]
static CODE_OPTIONS: &[CodeOptions] = &[
    code("tar bsdtar gtar", "IF", "--checkpoint-action --to-command --use-compress-program --info-script --new-volume-script --rsh-command --rmt-command"),
    code("rg", "", "--pre --hostname-bin"),
    code("fd fdfind", "xX", "--exec --exec-batch"),
    code("ssh scp sftp autossh", "oFSD", ""),
    code("rsync", "e", "--rsh --rsync-path"),
    code("man", "PH", "--pager --html --browser --preprocessor"),
    code("vim vi nvim view vimdiff ex gvim rvim rview", "cSsu", "--cmd --startuptime +"),
    code("emacs", "f", "--eval --execute --funcall --load -eval -l"),
    code("less more most", "", "--lesskey-src --lesskey-content"),
    code("make gmake", "E", "--eval"),
    code("sort gsort", "", "--compress-program"),
    code("split", "", "--filter"),
    code("zip", "T", "--unzip-command"),
    code("cargo", "", "--config"),
    code("go", "", "-exec --exec -toolexec --toolexec -vettool --vettool -overlay --overlay"),
    code("rustc", "C", "--codegen"),
    code("gcc g++ cc c++ clang", "B", "-wrapper -fplugin --wrapper"),
    code("npm pnpm yarn", "", "--script-shell --node-options --git --shell"),
    code("pytest", "", "--debugger --pdbcls"),
    code("pip uv", "", "--editor --config-settings"),
    code("tcpdump", "z", "--postrotate-command"),
    code("sqlite", "", "-cmd --cmd -init"),
    code("psql", "c", "--command"),
    code("mysql mariadb", "e", "--execute --pager"),
    code("gdb lldb", "xo", "-ex --ex -iex -eval-command --eval-command --init-eval-command --batch --command --one-line"),
    code("crontab at batch", "", "-"),
    code("wget", "", "--use-askpass --execute"),
    code("curl", "K", "--config"),
    code("openssl", "", "-engine -provider -provider-path"),
    code("gpg", "", "--exec-path --photo-viewer --pinentry-program"),
    code("dpkg apt apt-get", "o", "--option --pre-invoke --post-invoke"),
    code("capsh", "", "-- --shell"),
    code("deno bun", "ep", "--eval --print"),
    code("pwsh powershell", "ceCE", "-"),
    code("dotnet msbuild", "", "-p --property -logger"),
    code("mvn", "", "-Dexec.executable -Dexec.args"),
    code("journalctl systemctl", "", "--pager"),
    code("ctest", "S", "--launch"),
    code("bazel", "", "--run_under --workspace_status_command --bazelrc"),
];

/// Programs that start others in ways this module does not follow.
const STARTS_UNSEEN: &str = "parallel sem systemd-run bwrap firejail proot at batch crontab screen tmux byobu zellij capsh gdb lldb \
         daemonize start-stop-daemon run-parts run-mailcap xdg-open ed ex vipw watchman inotifywait socat ncat \
         expect distcc ccache sccache perf valgrind rr uftrace cpulimit numactl nq chpst s6-setuidgid cgexec sg \
         newgrp capexec lxc-attach nix-shell guix debugfs gcore pwsh powershell eval source .";

/// Build, test and local git, and reading of files: what the default scope lists.
#[must_use]
pub fn default_listed_commands() -> Vec<CommandPattern> {
    let listed = DEFAULT_LISTED.lines().map(str::split_whitespace);
    listed
        .filter_map(|mut words| words.next().map(|program| CommandPattern::exact(program, &words.collect::<Vec<_>>())))
        .collect()
}

static DEFAULT_LISTED: &str = "\
cargo build\ncargo check\ncargo clippy\ncargo doc\ncargo fmt\ncargo metadata\ncargo nextest run\ncargo test\ncargo tree
npm test\nnpm ci\nnpm run build\nnpm run lint\nnpm run test\nnpm run typecheck
pnpm test\npnpm build\npnpm lint\npnpm run build\npnpm run lint\npnpm run test
yarn test\nyarn build\nyarn lint
tsc\neslint\nprettier\njest\nvitest
pytest\npython -m pytest\npython -m unittest\npython3 -m pytest\npython3 -m unittest\nruff\nmypy\nblack\npyright\ntox
uv run pytest\npoetry run pytest
go build\ngo test\ngo vet\ngo fmt\ngo list\ngofmt
make\nctest\nninja\nmvn compile\nmvn test\nmvn verify\ngradle build\ngradle test\ngradle check
./gradlew build\n./gradlew test\n./gradlew check\n./mvnw test\n./mvnw verify
rustc --version\nrustfmt\ndotnet build\ndotnet test\nbundle exec rspec\nrspec\nmix test\nswift build\nswift test
git add\ngit branch\ngit blame\ngit commit\ngit diff\ngit log\ngit ls-files\ngit merge-base\ngit rev-parse
git restore\ngit rm\ngit mv\ngit show\ngit stash\ngit status\ngit switch\ngit checkout
cat\nhead\ntail\nls\nwc\ngrep\nrg\nfind\ndiff\nfile\nstat\npwd\necho\nsed -n\nsort\nuniq\ncut\ntr\nbasename\ndirname
mkdir\ntouch\ntrue\nfalse\ntest\nwhich\ndate\ntree\njq
";
