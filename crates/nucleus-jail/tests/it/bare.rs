//! The form without namespaces: what it holds, and that nobody gets it by accident.

use std::net::TcpListener;

use nucleus_jail::{Access, Error, Exit, Form, JailSpec, Layer, View};

use crate::fixture::{launcher, run, spec};

fn bare(argv: &[&str]) -> JailSpec {
    let views = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"];
    let views = views
        .iter()
        .filter(|path| std::path::Path::new(path).exists());
    let views = views.map(|path| View::Bind {
        host: path.into(),
        inside: path.into(),
        access: Access::ReadOnly,
    });
    JailSpec {
        form: Form::WithoutNamespaces,
        waived: Layer::NAMESPACED.into_iter().collect(),
        views: views.collect(),
        cwd: "/usr".into(),
        ..spec(argv)
    }
}

#[test]
fn it_needs_every_missing_layer_waived_by_name() {
    for layer in Layer::NAMESPACED
        .into_iter()
        .filter(|layer| *layer != Layer::WorkspaceOverlay)
    {
        let mut spec = bare(&["true"]);
        spec.waived.remove(&layer);
        let error = launcher().spawn(spec).unwrap_err();
        assert!(
            matches!(&error, Error::LayerMissing { layer: named, .. } if *named == layer),
            "{error}"
        );
    }
    let jail = launcher().spawn(bare(&["true"])).unwrap();
    assert!(!jail.enforced().holds(Layer::UserNamespace) && jail.enforced().holds(Layer::Landlock));
    assert_eq!(jail.wait().unwrap(), Exit::Code(0));
}

#[test]
fn what_needs_namespaces_is_refused_and_not_left_out() {
    let tmpfs = View::Tmpfs {
        inside: "/home".into(),
        bytes: 1,
        inodes: 1,
    };
    let elsewhere = View::Bind {
        host: "/usr".into(),
        inside: "/other".into(),
        access: Access::ReadOnly,
    };
    for view in [tmpfs, elsewhere] {
        let mut spec = bare(&["true"]);
        spec.views.push(view);
        assert!(matches!(launcher().spawn(spec), Err(Error::InvalidSpec(_))));
    }
    // Landlock would open its number at every host.
    let mut spec = bare(&["true"]);
    spec.ports = vec![0];
    assert!(matches!(launcher().spawn(spec), Err(Error::InvalidSpec(_))));
}

#[test]
fn files_signals_and_sockets_beyond_it_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(dir.path()).unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(
        &mut std::fs::metadata(&path).unwrap().permissions(),
        0o755,
    );
    let (open, closed) = (path.join("open"), path.join("closed"));
    std::fs::create_dir(&open).unwrap();
    std::fs::write(&closed, "canary").unwrap();
    for place in [&path, &closed] {
        std::fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = format!(
        r#"
import ctypes, errno, os, resource, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0: raise OSError(ctypes.get_errno(), name)
def t(name, f):
    try: f(); print(name, 'ok')
    except OSError as e: print(name, errno.errorcode[e.errno])
t('read', lambda: open('{closed}').read())
t('write', lambda: open('{closed}', 'w'))
t('kill', lambda: os.kill({pid}, 0))
t('environ', lambda: open('/proc/{pid}/environ').read())
t('dial', lambda: socket.create_connection(('127.0.0.1', {port})))
t('tcp', lambda: socket.socket(socket.AF_INET6))
t('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
t('unix', lambda: socket.socket(socket.AF_UNIX))
t('chmod', lambda: os.chmod('{closed}', 0o777))
t('times', lambda: os.utime('{closed}', (1, 1)))
t('attribute', lambda: os.setxattr('{closed}', 'user.x', b'x'))
t('watch', lambda: call('inotify_add_watch', libc.inotify_init(), b'/usr', 2))
t('shared memory', lambda: call('shmget', 0, 4096, 0o1600))
t('semaphore', lambda: call('semget', 0, 1, 0o1600))
t('queue', lambda: call('msgget', 0, 0o1600))
t('priority', lambda: os.setpriority(os.PRIO_PROCESS, {pid}, 19))
t('bounds', lambda: resource.prlimit({pid}, resource.RLIMIT_NOFILE))
t('inside', lambda: open('{open}/new', 'w').write('x'))
t('mode', lambda: os.fchmod(os.open('{open}/new', os.O_RDWR), 0o777))
t('own priority', lambda: os.setpriority(os.PRIO_PROCESS, 0, 19))
t('own times', lambda: os.utime(os.open('{open}/new', os.O_RDWR), (1, 1)))
t('own bounds', lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)))
"#,
        closed = closed.display(),
        open = open.display(),
        pid = std::process::id(),
        port = outside.local_addr().unwrap().port()
    );
    let mut spec = bare(&["/usr/bin/python3", "-c", &script]);
    spec.views.push(View::Bind {
        host: open.clone(),
        inside: open.clone(),
        access: Access::ReadWrite,
    });
    let ran = run(spec);
    assert_eq!(
        ran.out,
        "read EACCES\nwrite EACCES\nkill EPERM\nenviron EACCES\ndial EPERM\ntcp EPERM\nudp EPERM\nunix EPERM\n\
         chmod EPERM\ntimes EPERM\nattribute EPERM\nwatch EPERM\nshared memory EPERM\nsemaphore EPERM\nqueue EPERM\npriority EPERM\nbounds EPERM\n\
         inside ok\nmode EPERM\nown priority ok\nown times ok\nown bounds ok\n",
        "{}",
        ran.err
    );
    assert!(open.join("new").exists());
}

/// A user of a namespace of one id is somebody outside: an ordinary user, or root, who runs no jail.
#[test]
fn a_user_that_is_root_outside_and_has_no_other_id_gets_none() {
    for map in ["--map-root-user", "--map-user=1000"] {
        told_behind(map);
    }
}

fn told_behind(map: &str) {
    let output = std::process::Command::new("unshare")
        .args(["--user", map])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "bare::told_as_a_user_of_a_namespace",
            "--nocapture",
        ])
        .env("NUCLEUS_BARE_TOLD", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let is_refused = said.contains("no other id can be had");
    assert_eq!(is_refused, rustix::process::geteuid().is_root(), "{said}");
    assert!(is_refused || said.contains("ended Code(7)"), "{said}");
}

#[test]
fn told_as_a_user_of_a_namespace() {
    if std::env::var_os("NUCLEUS_BARE_TOLD").is_none() {
        return; // the test above runs it behind `unshare`
    }
    match launcher().spawn(bare(&["/bin/sh", "-c", "exit 7"])) {
        Ok(jail) => println!("ended {:?}", jail.wait().unwrap()),
        Err(error) => println!("{error}"),
    }
}

#[test]
fn its_processes_are_ended_by_descent() {
    let word = format!("nucleus-bare-{}", std::process::id());
    let alive = || {
        let lines = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines
            .filter(|line| String::from_utf8_lossy(line).contains(&format!("{word}-sleep")))
            .count()
    };
    let script = format!(
        "for i in 1 2 3; do (setsid bash -c 'exec -a {word}-sleep sleep 1000' &); done; sleep 0.3; exit 5"
    );
    let ran = run(bare(&["/bin/bash", "-c", &script]));
    assert_eq!(ran.exit, Exit::Code(5), "{}", ran.err);
    assert_eq!(alive(), 0);
    let jail = launcher()
        .spawn(bare(&[
            "/bin/bash",
            "-c",
            &format!("(setsid bash -c 'exec -a {word}-sleep sleep 1000' &); sleep 1000"),
        ]))
        .unwrap();
    jail.freeze().unwrap();
    jail.thaw().unwrap();
    jail.kill().unwrap();
    assert_eq!(
        jail.wait_timeout(crate::fixture::PATIENCE).unwrap(),
        Some(Exit::Killed)
    );
    assert_eq!(alive(), 0);
}
