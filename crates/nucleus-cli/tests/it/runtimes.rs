//! Programs that read no file of PEM, or bring their own TLS and look-ups: Java and Go, by the proxy's variables and knowing of no proxy.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{Scene, command, skip};
use crate::mirror::{Mirror, own_address};

/// A request, its status and its body, by whatever the Java machine takes for its proxy and its trusted certificates.
const JAVA: &str = "
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;

public class Fetch {
    public static void main(String[] args) throws Exception {
        HttpURLConnection asked = (HttpURLConnection) new URL(args[0]).openConnection();
        int status = asked.getResponseCode();
        InputStream body = status < 400 ? asked.getInputStream() : asked.getErrorStream();
        System.out.println(status + \" \" + new String(body.readAllBytes()));
    }
}
";

/// Runs a program with and without what names the proxy, and with and without what names the session's certificate.
const RUN: &str = "
import subprocess, tempfile
def run(by_proxy, trusts, *argv, **extra):
    env = {n: v for n, v in os.environ.items() if by_proxy or not n.lower().endswith('_proxy')}
    if not trusts:
        env['SSL_CERT_FILE'] = '/dev/null'
    options = env.pop('JAVA_TOOL_OPTIONS').split()
    kept = [o for o in options if ('trustStore' in o and trusts) or ('proxy' in o and by_proxy)]
    assert len([o for o in options if 'trustStore' in o or 'proxy' in o]) == len(options), options
    env.update(HOME=tempfile.mkdtemp(), JAVA_TOOL_OPTIONS=' '.join(kept), **extra)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300)
    return '%d %s' % (done.returncode, done.stdout + done.stderr[-1500:])
def all_ways(fetch):
    return dict(
        proxy=lambda: fetch(True, True, LISTED), plain=lambda: fetch(False, True, LISTED),
        proxy_name=lambda: fetch(True, True, NAMED), plain_name=lambda: fetch(False, True, NAMED),
        proxy_shut=lambda: fetch(True, True, SHUT), plain_shut=lambda: fetch(False, True, SHUT),
        proxy_distrusts=lambda: fetch(True, False, LISTED), plain_distrusts=lambda: fetch(False, False, LISTED))
";

/// What one language's program says by each way, and how it says that it trusts nobody.
struct Language<'a> {
    test: &'a str,
    /// Defines `fetch(by_proxy, trusts, url)`.
    fetch: String,
    /// Further directories that its jail shows.
    views: Vec<PathBuf>,
    distrusts: &'a str,
}

impl Language<'_> {
    fn reaches_a_host_by_either_way(&self, scene: &Scene) {
        let Some(address) = own_address() else {
            return skip(&format!("runtimes::{}", self.test), "a network address");
        };
        let mirror = Mirror::start(scene, address);
        let host = &mirror.other;
        let rule = |host: &str| {
            format!(
                "{{ host = \"{host}\", methods = [\"GET\"], paths = [\"/simple/**\"], sink = false }}"
            )
        };
        let policy = format!(
            "[capabilities]\nread_files = \"always\"\nrun_bash = \"always\"\nweb_fetch = \"low_risk\"\n[jail]\nviews = {:?}\n[network]\ngroups = [\"registries\"]\nhosts = [{}, {}]\n",
            self.views,
            rule(host),
            rule("listed.test"),
        );
        let code = format!(
            "{RUN}{}\nLISTED, NAMED, SHUT = 'https://{host}/simple/tiny-mirrored/', 'https://listed.test/simple/', 'https://{host}/npm/tiny-mirrored'\ngot = each(**all_ways(fetch))\n",
            self.fetch
        );
        let ended = scene.session().policy(&policy).run(&[command(&code)]);
        ended.assert_sound();
        let got = ended.told[0].got();
        let said = |way: &str| got[way]["got"].as_str().unwrap_or_default().to_owned();
        for way in ["proxy", "plain"] {
            assert!(said(way).contains("tiny_mirrored-0.1.0"), "{way}: {got:#}");
            // The name is looked up in the jail, trusted by the session's certificate, permitted, and leads nowhere outside.
            let name = said(&format!("{way}_name"));
            assert!(name.contains("unreachable"), "{way}: {got:#}");
            let shut = said(&format!("{way}_shut"));
            assert!(
                shut.contains("reason") && !shut.contains("dist-tags"),
                "{way}: {got:#}"
            );
            let distrusts = said(&format!("{way}_distrusts"));
            assert!(distrusts.contains(self.distrusts), "{way}: {got:#}");
        }
        let asked = "GET /simple/tiny-mirrored/".to_owned();
        assert_eq!(
            mirror.hits(),
            [asked.clone(), asked],
            "what is not trusted is not asked"
        );
        self.is_named(scene, host);
    }

    /// `nucleus net log` knows where it went.
    fn is_named(&self, scene: &Scene, host: &str) {
        let shown = scene.nucleus(&["net", "log", "--json"]).output().unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        let entries: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let reached = |entry: &&Value| entry["target"] == host && entry["verdict"] == "permitted";
        assert_eq!(entries.iter().filter(reached).count(), 2, "{text}");
    }
}

/// The directory in which a Java machine as Debian packages it keeps its settings.
fn java_settings() -> Vec<PathBuf> {
    let is_settings = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("java-") && name.ends_with("-openjdk")
    };
    let entries = std::fs::read_dir("/etc").unwrap().flatten();
    entries
        .map(|entry| entry.path())
        .filter(is_settings)
        .collect()
}

#[test]
fn a_java_program_reaches_a_host_by_either_way_and_trusts_the_sessions_certificate_alone() {
    let test =
        "a_java_program_reaches_a_host_by_either_way_and_trusts_the_sessions_certificate_alone";
    let Ok(java) = Path::new("/usr/bin/java").canonicalize() else {
        return skip(&format!("runtimes::{test}"), "java");
    };
    let scene = Scene::new();
    scene.put("ws/Fetch.java", JAVA);
    let mut compiler = Command::new("/usr/bin/javac");
    compiler
        .arg("Fetch.java")
        .current_dir(scene.workspace())
        .stdin(Stdio::null());
    let Ok(compiled) = compiler.output() else {
        return skip(&format!("runtimes::{test}"), "javac");
    };
    assert!(compiled.status.success(), "{compiled:?}");
    let language = Language {
        test,
        fetch: format!(
            "def fetch(by_proxy, trusts, url): return run(by_proxy, trusts, '{}', '-Xmx64m', '-XX:+UseSerialGC', 'Fetch', url)",
            java.display()
        ),
        views: java_settings(),
        distrusts: "unable to find valid certification path",
    };
    language.reaches_a_host_by_either_way(&scene);
}

/// `hub` is a small program of Go's own TLS and resolver.
#[test]
fn a_go_program_reaches_a_host_by_either_way_and_trusts_the_sessions_certificate_alone() {
    let test =
        "a_go_program_reaches_a_host_by_either_way_and_trusts_the_sessions_certificate_alone";
    if !Path::new("/usr/bin/hub").exists() {
        return skip(&format!("runtimes::{test}"), "hub");
    }
    let language = Language {
        test,
        fetch: "def fetch(by_proxy, trusts, url): return run(by_proxy, trusts, '/usr/bin/hub', 'api', url, GITHUB_TOKEN='none', GITHUB_USER='nobody', GODEBUG='netdns=go', SSL_CERT_DIR='/nowhere')".to_owned(),
        views: Vec::new(),
        distrusts: "certificate signed by unknown authority",
    };
    language.reaches_a_host_by_either_way(&Scene::new());
}
