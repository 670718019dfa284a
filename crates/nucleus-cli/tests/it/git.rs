//! Git over the tools of a session: a commit, a push and a pull request arrive, and what the host would obey does not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use crate::fixture::{Scene, command, tool};

const TOKEN: &str = "tok_0123456789abcdef";
const PROJECT: &str = "https://forge.example/owner/name.git";

fn policy(remote: &str, forge: &str) -> String {
    format!(
        "version = 1\n[capabilities]\nread_files = \"always\"\nwrite_files = \"always\"\nedit_files = \"always\"\n\
         run_bash = \"always\"\ngit_commit = \"always\"\ngit_push = \"low_risk\"\ncreate_pr = \"low_risk\"\n\
         [git]\nremotes = [{{ url = \"{remote}\", refs = [\"main\"] }}, {{ url = \"{PROJECT}\", refs = [\"main\"] }}]\n\
         forge = \"{forge}\"\n[commands]\nlisted = \"everything\"\n[budget]\nmax_cost_usd = 5.0\n"
    )
}

/// A forge that opens every pull request, and what it was told: first line, authorization and body.
fn forge() -> (String, Receiver<[String; 3]>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let (mut first, mut authorization, mut length) = (String::new(), String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(':') else {
                    break;
                };
                match &*name.to_ascii_lowercase() {
                    "authorization" => authorization = value.trim().to_owned(),
                    "content-length" => length = value.trim().parse().unwrap(),
                    _ => {}
                }
            }
            let mut body = String::new();
            reader.take(length).read_to_string(&mut body).unwrap();
            let answer = r#"{"number":7,"html_url":"https://forge.example/owner/name/pull/7"}"#;
            write!(
                &stream,
                "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            )
            .unwrap();
            sender
                .send([first.trim_end().to_owned(), authorization, body])
                .unwrap();
        }
    });
    (url, seen)
}

/// An empty repository beside the workspace, and its URL.
fn remote(scene: &Scene) -> String {
    let path = scene.at("remote.git");
    let made = scene.host(&["git", "init", "-q", "--bare", path.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    format!("file://{}", path.display())
}

fn tip(scene: &Scene, repository: &str, branch: &str) -> String {
    let path = scene.at(repository);
    let said = scene.host(&[
        "git",
        "-C",
        path.to_str().unwrap(),
        "-c",
        "safe.directory=*",
        "rev-parse",
        branch,
    ]);
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_commit_a_push_and_a_pull_request_arrive() {
    let scene = Scene::new();
    let url = remote(&scene);
    let (forge, seen) = forge();
    let ended = scene
        .session()
        .policy(&policy(&url, &forge))
        .env("NUCLEUS_FORGE_TOKEN", TOKEN)
        .run(&[
            tool("write", json!({ "path": "a.txt", "content": "second\n" })),
            tool("git_commit", json!({ "message": "second", "paths": ["a.txt"] })),
            tool("git_push", json!({ "branch": "main", "url": url })),
            tool(
                "create_pr",
                json!({ "title": "Second", "body": "All of it.", "head": "main", "base": "main", "url": PROJECT }),
            ),
        ]);
    ended.assert_sound();
    for told in &ended.told {
        assert!(!told.is_error(), "{}", told.text());
    }
    let pushed = tip(&scene, "remote.git", "main");
    assert_eq!(pushed, tip(&scene, "ws", "main"));
    assert!(ended.told[3].text().contains("/owner/name/pull/7"));
    let [first, authorization, body] = seen.recv().unwrap();
    assert_eq!(first, "POST /repos/owner/name/pulls HTTP/1.1");
    assert_eq!(authorization, format!("Bearer {TOKEN}"));
    assert!(body.contains("Second"), "{body}");
    assert!(!ended.stderr.contains(TOKEN));
}

#[test]
fn a_workflow_is_neither_committed_by_a_command_nor_pushed() {
    let scene = Scene::new();
    let url = remote(&scene);
    let before = tip(&scene, "ws", "main");
    let made = "import subprocess as s\n\
        s.run('mkdir -p .github/workflows; echo \"on: push\" > .github/workflows/x.yml; git add .; \
        git -c user.name=a -c user.email=a@b commit -qm x', shell=True, check=True)\ngot = 'made'";
    let session = || scene.session().policy(&policy(&url, "http://127.0.0.1:9"));
    let ended = session().run(&[command(made)]);
    ended.assert_sound();
    assert_eq!(ended.told[0].got(), "made");
    assert_eq!(tip(&scene, "ws", "main"), before, "the branch waits");
    // The user commits one by hand; the agent may not push it for all that.
    scene.put("ws/.github/workflows/x.yml", "on: push\n");
    scene.git_ok(&["add", ".github"]);
    scene.git_ok(&["commit", "-q", "-m", "workflow"]);
    let push = || tool("git_push", json!({ "branch": "main", "url": url }));
    let ended = session().run(&[push()]);
    ended.assert_sound();
    assert_eq!(ended.told[0].layer(), "policy: activation_path");
    assert_eq!(tip(&scene, "remote.git", "main"), "main", "there is none");
    scene.git_ok(&["reset", "-q", "--hard", "HEAD~1"]);
    let ended = session().run(&[push()]);
    assert!(!ended.told[0].is_error(), "{}", ended.told[0].text());
    assert_eq!(tip(&scene, "remote.git", "main"), before, "the allow twin");
}

#[test]
fn a_blocked_file_that_git_tracks_is_named_at_the_start() {
    let scene = Scene::new();
    let first = scene.session().run(&[]);
    assert!(!first.stderr.contains("git tracks files"), "the twin");
    scene.git_ok(&["add", "--force", ".env"]);
    scene.git_ok(&["commit", "-q", "-m", "track"]);
    let ended = scene.session().run(&[tool("git_diff", json!({}))]);
    let warned = "warning: git tracks files that this policy blocks: `.env`";
    assert!(ended.stderr.contains(warned), "{}", ended.stderr);
    assert!(!ended.told[0].text().contains(scene.canary()));
    assert!(!ended.told[0].is_error(), "{}", ended.told[0].text());
}

/// **Not hidden**: what git's objects hold. It counts as private data like all that a command sees.
#[test]
fn what_a_command_reads_from_gits_objects_is_private_data() {
    let scene = Scene::new();
    scene.git_ok(&["add", "--force", ".env"]);
    scene.git_ok(&["commit", "-q", "-m", "track"]);
    let url = remote(&scene);
    let read = "import subprocess as s\ngot = s.run(['git', 'show', 'HEAD:.env'], capture_output=True).stdout.decode()";
    let push = || tool("git_push", json!({ "branch": "main", "url": url }));
    let session = || scene.session().policy(&policy(&url, "http://127.0.0.1:9"));
    let ended = session().run(&[command(read), push()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.told[0].got().to_string().contains(scene.canary()));
    assert!(
        ended.summary["exposure"]
            .to_string()
            .contains("private_data")
    );
    assert_eq!(ended.told[1].layer(), "policy: subject_blocked");
}
