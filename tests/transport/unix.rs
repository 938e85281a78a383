//! Nobody else gets at a Unix socket of ours, and nothing of anybody else's is removed.

use crate::rig::{address, dial_to, fresh_directory, listen_at};
use fluxar::transport::{Address, ListenOptions, TransportError, listen};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

fn at(path: &Path) -> Address {
    address(&format!("unix://{}", path.display()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

async fn refusal(path: &Path) -> String {
    match listen(&at(path), &ListenOptions::default()).await {
        Err(error @ TransportError::Unsafe { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

/// [L0.unix.1]
#[tokio::test]
async fn the_directory_is_made_private_and_the_socket_too() {
    let (_outer, inner) = fresh_directory();
    let deep = inner.join("deeper");
    let _listener = listen_at(&at(&deep.join("a.sock")).to_string()).await;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&deep), 0o700);
    assert_eq!(mode(&deep.join("a.sock")), 0o600);
    assert_eq!(mode(&deep.join("a.sock.lock")), 0o600);
}

#[tokio::test]
async fn nothing_is_left_when_the_listener_is_dropped() {
    let (_outer, inner) = fresh_directory();
    drop(listen_at(&at(&inner.join("a.sock")).to_string()).await);
    assert_eq!(fs::read_dir(&inner).expect("the directory stays").count(), 0);
}

#[tokio::test]
async fn a_directory_that_others_may_enter_is_refused() {
    let (_outer, inner) = fresh_directory();
    fs::create_dir(&inner).expect("made");
    for open in [0o755, 0o710, 0o701] {
        fs::set_permissions(&inner, fs::Permissions::from_mode(open)).expect("set");
        let said = refusal(&inner.join("a.sock")).await;
        assert!(said.contains("chmod 700"), "{said}");
    }
    assert_eq!(fs::read_dir(&inner).expect("there").count(), 0, "nothing was bound before");
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_refused() {
    let (outer, inner) = fresh_directory();
    fs::create_dir(&inner).expect("made");
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).expect("set");
    // Root can give a directory away; everybody else finds one that was never theirs.
    let path = match std::os::unix::fs::chown(&inner, Some(12_345), None) {
        Ok(()) => inner.join("a.sock"),
        Err(_) => Path::new("/a.sock").to_owned(),
    };
    let said = refusal(&path).await;
    assert!(said.contains("belongs to somebody else"), "{said}");
    drop(outer);
}

#[tokio::test]
async fn a_symbolic_link_is_refused_wherever_it_leads() {
    let (outer, inner) = fresh_directory();
    drop(listen_at(&at(&inner.join("a.sock")).to_string()).await);
    let link = outer.path().join("link");
    symlink(&inner, &link).expect("linked");
    assert!(refusal(&link.join("a.sock")).await.contains("symbolic link"));
    let nowhere = outer.path().join("nowhere");
    symlink(outer.path().join("missing"), &nowhere).expect("linked");
    assert!(refusal(&nowhere.join("a.sock")).await.contains("symbolic link"));
    let socket = inner.join("b.sock");
    symlink(outer.path().join("missing"), &socket).expect("linked");
    assert!(refusal(&socket).await.contains("symbolic link"));
    assert!(fs::symlink_metadata(&socket).expect("kept").is_symlink());
    let lock = inner.join("c.sock.lock");
    symlink(outer.path().join("missing"), &lock).expect("linked");
    assert!(refusal(&inner.join("c.sock")).await.contains("no plain file"));
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_kept() {
    let (_outer, inner) = fresh_directory();
    drop(listen_at(&at(&inner.join("a.sock")).to_string()).await);
    let path = inner.join("b.sock");
    fs::write(&path, "precious").expect("written");
    assert!(refusal(&path).await.contains("no socket"));
    assert_eq!(fs::read_to_string(&path).expect("kept"), "precious");
    fs::create_dir(inner.join("c.sock")).expect("made");
    assert!(refusal(&inner.join("c.sock")).await.contains("no socket"));
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let (_outer, inner) = fresh_directory();
    let path = inner.join("a.sock");
    drop(listen_at(&at(&path).to_string()).await);
    // What a killed process leaves: the socket and its lock file, which nobody holds.
    let stale = std::os::unix::net::UnixListener::bind(&path).expect("bound");
    fs::write(inner.join("a.sock.lock"), "").expect("written");
    let living = listen(&at(&path), &ListenOptions::default()).await;
    assert!(matches!(living, Err(TransportError::InUse { .. })), "{living:?}");
    drop(stale);
    let mut listener = listen_at(&at(&path).to_string()).await;
    let accept = async { listener.accept().await.expect("comes").establish().await };
    let to = at(&path);
    let (dialed, accepted) = tokio::join!(dial_to(&to), accept);
    assert!(dialed.is_ok() && accepted.is_ok());
}

#[tokio::test]
async fn a_listener_that_takes_over_while_another_leaves_keeps_its_socket() {
    let (_outer, inner) = fresh_directory();
    let path = at(&inner.join("a.sock"));
    for _ in 0..200 {
        let leaving = listen_at(&path.to_string()).await;
        let leave = std::thread::spawn(move || drop(leaving));
        // Taken until the other one has gone; then ours, whatever the other one removes.
        let mut listener = loop {
            match listen(&path, &ListenOptions::default()).await {
                Ok(listener) => break listener,
                Err(TransportError::InUse { .. }) => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        };
        leave.join().expect("no panic");
        let _dialed = dial_to(&path).await.expect("the socket is there");
        listener.accept().await.expect("comes");
        drop(listener);
    }
}

/// [L0.unix.2]
#[tokio::test]
async fn both_ends_know_who_the_other_is() {
    let (_outer, inner) = fresh_directory();
    let path = inner.join("a.sock");
    let mut listener = listen_at(&at(&path).to_string()).await;
    let dialed = dial_to(&at(&path)).await.expect("dialed");
    let incoming = listener.accept().await.expect("comes");
    let us = fs::metadata(&inner).expect("there").uid();
    let name = format!("unix:uid={us},pid={}", std::process::id());
    assert_eq!(incoming.peer(), name);
    let accepted = incoming.establish().await.expect("our own user");
    assert_eq!(accepted.info.peer, name);
    assert_eq!(dialed.info.peer, at(&path).to_string());
}

/// [L0.unix.2]. Only root can act as somebody else: without it there is nobody to refuse.
#[tokio::test]
async fn another_user_is_refused_unless_listed() {
    const NOBODY: u32 = 65_534;
    let (outer, inner) = fresh_directory();
    if fs::metadata(outer.path()).expect("there").uid() != 0 {
        return;
    }
    // Let it in as far as the file system goes: what is left is the check of the peer.
    let program = outer.path().join("child");
    // By another process: a fork of ours that still held the copy open for writing would keep it
    // from being started.
    let copy = std::process::Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_stdio-child"))
        .arg(&program)
        .status();
    assert!(copy.expect("cp runs").success());
    let path = inner.join("a.sock");
    for users in [vec![], vec![NOBODY]] {
        let mut options = ListenOptions::default();
        options.users.clone_from(&users);
        let mut listener = listen(&at(&path), &options).await.expect("listens");
        for (what, mode) in [(outer.path(), 0o755), (&inner, 0o755), (&path, 0o777)] {
            fs::set_permissions(what, fs::Permissions::from_mode(mode)).expect("set");
        }
        let mut command = tokio::process::Command::new(&program);
        let command = command.arg("hang").arg(at(&path).to_string());
        let _child = command.uid(NOBODY).kill_on_drop(true).spawn().expect("it starts");
        let incoming = listener.accept().await.expect("comes");
        match incoming.establish().await {
            Ok(link) => {
                assert!(!users.is_empty());
                assert!(link.info.peer.starts_with("unix:uid=65534,"), "{}", link.info.peer);
            }
            Err(error) => {
                assert!(users.is_empty());
                assert!(error.to_string().contains("another user"), "{error}");
            }
        }
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).expect("set");
    }
}
