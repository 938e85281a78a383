//! `fluxar key`, and `--seal` on both sides.

use crate::rig::{Peer, run};

#[test]
fn a_key_is_made_shown_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.key");
    let path = path.to_str().unwrap();
    let made = run(&["key", "new", path]).ok().stdout;
    assert_eq!(made.trim().len(), 52);
    assert_eq!(run(&["key", "show", path]).ok().stdout, made);
    run(&["key", "new", path]).failed(1, "local");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let secret = std::fs::read_to_string(path).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!made.contains(secret), "the secret is not what is shown");
}

#[test]
fn sealed_from_one_command_to_the_other() {
    let peer = Peer::start(&["up", "--listen", "tcp://127.0.0.1:0", "--seal"]);
    let (bare, fingerprint) = peer.url.split_once("#fp=").expect("the fingerprint is told");
    let pinned = run(&["key", "pin", bare]).ok();
    assert_eq!(pinned.stdout.trim(), peer.url);
    run(&["doctor", &peer.url]).ok();
    run(&["pub", &peer.url, "a.b", "1"]).ok();
    run(&["pub", bare, "a.b", "1", &format!("--seal={fingerprint}")]).ok();
    run(&["pub", bare, "a.b", "1", "--seal"]).ok();
    run(&["pub", bare, "a.b", "1"]).failed(3, "unauthenticated");
}

#[test]
fn another_key_is_refused_and_keys_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["server.key", "client.key"].map(|name| folder.path().join(name));
    let [server, client] = paths.each_ref().map(|path| path.to_str().unwrap());
    let public = run(&["key", "new", server]).ok().stdout;
    let other = run(&["key", "new", client]).ok().stdout;
    let peer = Peer::start(&["up", "--listen", "tcp://127.0.0.1:0", "--seal-key", server]);
    let (bare, fingerprint) = peer.url.split_once("#fp=").expect("the fingerprint is told");
    assert_eq!(fingerprint, public.trim());
    run(&["pub", &peer.url, "a.b", "1", "--seal-key", client]).ok();
    let wrong = format!("{bare}#fp={}", other.trim());
    let said = run(&["pub", &wrong, "a.b", "1"]).failed(3, "unauthenticated");
    assert!(said.stderr.contains("fingerprint"), "{said:?}");
    run(&["pub", &format!("{bare}#fp=abc"), "a.b", "1"]).failed(2, "usage");
    run(&["pub", &peer.url, "a.b", "1", "--seal-key", "/nowhere/a.key"]).failed(1, "local");
}

/// [L4.auth.4]: a key that seals is a credential, and one that is not listed is none.
#[test]
fn who_seals_with_a_listed_key_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["mine.key", "other.key"].map(|name| folder.path().join(name));
    let [mine, other] = paths.each_ref().map(|path| path.to_str().unwrap());
    let listed = run(&["key", "new", mine]).ok().stdout.trim().to_owned();
    run(&["key", "new", other]).ok();
    let up = ["up", "--listen", "tcp://127.0.0.1:0", "--allow-seal-key", &listed];
    let peer = Peer::start(&[&up[..], &["--seal"]].concat());
    let publish = ["pub", &peer.url, "a.b", "1"];
    run(&[&publish[..], &["--seal-key", mine]].concat()).ok();
    for more in [&[][..], &["--seal-key", other], &["--auth", "bearer:x", "--seal-key", mine]] {
        run(&[&publish[..], more].concat()).failed(3, "unauthenticated");
    }
    run(&up).failed(2, "usage");
}
