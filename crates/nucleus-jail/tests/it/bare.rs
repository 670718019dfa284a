//! The form without namespaces: what it holds, and that nobody gets it by accident.

use std::io::{Read, Write};
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
import errno, os, socket
def t(name, f):
    try: f(); print(name, 'ok')
    except OSError as e: print(name, errno.errorcode[e.errno])
t('read', lambda: open('{closed}').read())
t('write', lambda: open('{closed}', 'w'))
t('kill', lambda: os.kill({pid}, 0))
t('environ', lambda: open('/proc/{pid}/environ').read())
t('dial', lambda: socket.create_connection(('127.0.0.1', {port})))
t('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
t('unix', lambda: socket.socket(socket.AF_UNIX))
t('inside', lambda: open('{open}/new', 'w').write('x'))
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
        "read EACCES\nwrite EACCES\nkill EPERM\nenviron EACCES\ndial EACCES\nudp EPERM\nunix EPERM\ninside ok\n",
        "{}",
        ran.err
    );
    assert!(open.join("new").exists());
}

#[test]
fn its_own_port_reaches_the_host() {
    let script = "
import socket, os, sys
s = socket.create_connection(('127.0.0.1', int(os.environ['PORT']))); s.sendall(b'hi'); sys.exit(s.recv(1)[0])";
    // A port nobody uses now; taken by the jail a moment later.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut spec = bare(&["/usr/bin/python3", "-c", script]);
    spec.ports = vec![port];
    spec.env.push(("PORT".into(), port.to_string().into()));
    let mut jail = launcher().spawn(spec).unwrap();
    let (_, listener) = jail.take_listeners().pop().unwrap();
    let (mut client, _) = listener.accept().unwrap();
    let mut said = [0; 2];
    client.read_exact(&mut said).unwrap();
    client.write_all(&[9]).unwrap();
    assert_eq!((said, jail.wait().unwrap()), (*b"hi", Exit::Code(9)));
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
