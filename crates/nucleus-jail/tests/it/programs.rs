//! Ordinary programs run unchanged.

use nucleus_jail::{Access, JailSpec, Limits, View};

use crate::fixture::{is_root, output, over, python, sh, skip, spec};

/// Whether the program is here; else the test is skipped.
fn has(test: &str, path: &str) -> bool {
    let found = std::path::Path::new(path).exists();
    if !found {
        skip(test, path);
    }
    found
}

#[test]
fn python_with_threads_processes_and_async() {
    let script = r#"
import asyncio, multiprocessing, ssl, sqlite3, subprocess, tempfile, threading
t = threading.Thread(target=lambda: None); t.start(); t.join()
async def main():
    p = await asyncio.create_subprocess_exec('/bin/echo', 'child', stdout=asyncio.subprocess.PIPE)
    return (await p.communicate())[0].decode().strip()
print(asyncio.run(main()), subprocess.run(['true']).returncode)
def work(q): q.put(41 + 1)
q = multiprocessing.Queue(); p = multiprocessing.Process(target=work, args=(q,)); p.start(); print(q.get()); p.join()
with tempfile.NamedTemporaryFile() as f: print(sqlite3.connect(f.name).execute('select 7').fetchone()[0])
print(ssl.create_default_context().cert_store_stats()['x509_ca'] > 0)
"#;
    let all = output(python(script));
    assert!(all.starts_with("child 0\n42\n7\n"), "{all}");
}

#[test]
fn bash_with_job_control_and_substitution() {
    let script = "coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x; diff <(echo a) <(echo a) && echo same; (sleep 0.01 & wait) && echo waited; echo ${BASH_VERSION%%.*} | grep -q '[0-9]' && ulimit -c";
    assert_eq!(
        output(spec(&["/bin/bash", "-c", script])),
        "hi\nsame\nwaited\n0\n"
    );
}

#[test]
fn git_commits_in_a_workspace() {
    if !has("programs::git_commits_in_a_workspace", "/usr/bin/git")
        && !has("programs::git_commits_in_a_workspace", "/usr/local/bin/git")
    {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "content\n").unwrap();
    let script = "git init -q . && git config user.email a@b && git config user.name a && git add -A && git commit -qm one && git mv file other && git commit -qam two && git status --short && git log --format=%s && git gc -q && git fsck 2>/dev/null; cat other";
    assert_eq!(output(over(dir.path(), sh(script))), "two\none\ncontent\n");
    assert!(
        dir.path().join("file").exists() && !dir.path().join(".git").exists(),
        "the real tree is unchanged"
    );
}

#[test]
fn a_compiler_builds_and_its_program_runs() {
    if !has(
        "programs::a_compiler_builds_and_its_program_runs",
        "/usr/bin/gcc",
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("a.c"),
        "#include <stdio.h>\nint main(void) { puts(\"built\"); return 0; }\n",
    )
    .unwrap();
    assert_eq!(
        output(over(
            dir.path(),
            sh("gcc -O1 -o a a.c && ./a && printf 'x:\\n\\t./a\\n' > Makefile && make -s x")
        )),
        "built\nbuilt\n"
    );
}

#[test]
fn node_with_workers_and_watchers() {
    if !has("programs::node_with_workers_and_watchers", "/usr/bin/node") {
        return;
    }
    let script = r#"
const { Worker } = require('worker_threads'); const fs = require('fs'); const http = require('http'); const cp = require('child_process'); const os = require('os');
const w = fs.watch('/tmp', () => { w.close(); console.log('watched'); next(); });
setTimeout(() => fs.writeFileSync('/tmp/x', ''), 20);
function next() {
  const s = http.createServer((_, r) => r.end('served')).listen(0, '127.0.0.1', () => http.get({ port: s.address().port }, r => r.on('data', d => {
    console.log(String(d)); s.close();
    new Worker("require('worker_threads').parentPort.postMessage(6*7)", { eval: true }).on('message', m => { console.log(m, cp.execSync('echo child').toString().trim(), Object.keys(os.networkInterfaces()).length); process.exit(0); });
  })));
}
"#;
    assert_eq!(
        output(spec(&["/usr/bin/node", "-e", script])),
        "watched\nserved\n42 child 1\n"
    );
}

#[test]
fn cargo_builds_where_a_toolchain_can_be_shown() {
    let Some(toolchain) = toolchain() else {
        skip(
            "programs::cargo_builds_where_a_toolchain_can_be_shown",
            "a Rust toolchain that this user can read",
        );
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    std::fs::write(
        dir.path().join("Cargo.toml"),
        "[package]\nname = \"a\"\nedition = \"2021\"\n[workspace]\n",
    )
    .unwrap();
    std::fs::write(
        dir.path().join("src/main.rs"),
        "fn main() { println!(\"built\"); }\n#[test]\nfn t() {}\n",
    )
    .unwrap();
    let mut spec = over(
        dir.path(),
        sh("cargo run -q --offline && cargo test -q --offline 2>&1 | grep -c 'ok. 1 passed'"),
    );
    spec.views.push(View::Bind {
        host: toolchain.clone(),
        inside: toolchain.clone(),
        access: Access::ReadOnly,
    });
    let path = format!("{}/bin:/usr/bin:/bin", toolchain.display());
    spec.env = vec![
        ("PATH".into(), path.into()),
        ("HOME".into(), "/home".into()),
    ];
    let spec = JailSpec {
        limits: Limits {
            memory_bytes: 4 << 30,
            ..Limits::default()
        },
        ..spec
    };
    assert_eq!(output(spec), "built\n1\n");
}

/// The toolchain that runs this test, where this user may read it.
fn toolchain() -> Option<std::path::PathBuf> {
    let rustc = option_env!("RUSTC").map(std::path::PathBuf::from);
    let sysroot = std::process::Command::new(rustc.unwrap_or_else(|| "rustc".into()))
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let path = std::path::PathBuf::from(String::from_utf8(sysroot.stdout).ok()?.trim());
    (is_root() && path.join("bin/cargo").exists()).then_some(path)
}
