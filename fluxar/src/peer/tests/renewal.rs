//! Who somebody is, when a session goes on over another link.

use super::resume::Cable;
use super::{settle, soon};
use crate::error::{Code, Status};
use crate::peer::{AuthAttempt, Backoff, Server, State};
use crate::testing::FaultyLink;
use crate::{Auth, ClientBuilder, Credential, Identity, IdentityKey, Rights, Seal, SealKey};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(20);

/// Names by token, for twenty seconds; `open` is what they may do.
async fn server(open: &Arc<AtomicBool>) -> Server {
    let open = Arc::clone(open);
    let check = move |attempt: AuthAttempt| {
        let rights = if open.load(Ordering::Relaxed) {
            Rights::all()
        } else {
            Rights::none().call("other.>")
        };
        async move {
            match attempt.credential {
                Credential::Bearer(name) => Ok(Identity::new(name, rights).valid_for(LIFE)),
                _ => Err(Status::new(Code::Unauthenticated, "a token is wanted")),
            }
        }
    };
    let seal = Seal::allow(SealKey::generate().unwrap());
    let server = Server::unbound().authenticator(check).seal(seal).build().await.unwrap();
    server.handle("math.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
    server
}

/// A sealed session presents itself behind the seal.
fn with(builder: ClientBuilder, is_sealed: bool) -> ClientBuilder {
    let builder = builder.auth(Auth::bearer("ada"));
    match is_sealed {
        true => builder.seal(Seal::require(SealKey::generate().unwrap())),
        false => builder,
    }
}

/// `[L4.auth.3]`, `[L4.resume.5]`: a session whose credential has ended goes on over another link
/// with a fresh one, for as long as that is good.
#[tokio::test(start_paused = true)]
async fn a_session_comes_back_with_a_renewed_credential() {
    for is_sealed in [false, true] {
        let server = server(&Arc::new(AtomicBool::new(true))).await;
        let cable = Cable::to(&server);
        let client = cable.client_with(|_| FaultyLink::new(), |b| with(b, is_sealed)).await;
        let double = || client.call::<_, u64>("math.double", &2_u64);
        assert_eq!(soon(double()).await.unwrap(), 4);
        for links in 2..5 {
            tokio::time::sleep(LIFE + Duration::from_secs(1)).await;
            let over = soon(double()).await.unwrap_err();
            assert_eq!(over.code(), Code::Unauthenticated, "sealed: {is_sealed}, link {links}");
            cable.cut();
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(soon(double()).await.unwrap(), 4, "sealed: {is_sealed}, link {links}");
            assert_eq!(cable.count(), links, "the same session");
            assert_eq!(client.state(), State::Ready);
        }
        client.close().await;
    }
}

/// `[L4.resume.5]`: one who may do something else by now hears that, once, and makes another
/// session.
#[tokio::test(start_paused = true)]
async fn a_session_does_not_come_back_with_other_rights() {
    for is_sealed in [false, true] {
        let open = Arc::new(AtomicBool::new(true));
        let server = server(&open).await;
        let cable = Cable::to(&server);
        let client = cable.client_with(|_| FaultyLink::new(), |b| with(b, is_sealed)).await;
        let double = || client.call::<_, u64>("math.double", &2_u64);
        assert_eq!(soon(double()).await.unwrap(), 4);
        open.store(false, Ordering::Relaxed);
        cable.cut();
        // Over the new session.
        let refused = loop {
            match soon(double()).await {
                Err(status) if status.code() == Code::PermissionDenied => break status,
                Err(status) => assert_ne!(status.code(), Code::Internal, "{status}"),
                Ok(_) => panic!("the old rights are gone"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert!(!refused.message().is_empty());
        assert!(cable.count() <= 4, "no storm of dials: {}", cable.count());
        client.close().await;
    }
}

/// `[L4.resume.8]`: where nobody decides in time who comes back, the dialer hears that it may come
/// again, and does so with pauses that grow; the session, and what is open in it, goes on in the
/// end.
#[tokio::test(start_paused = true)]
async fn an_authenticator_that_hangs_or_fails_delays_a_session_and_does_not_end_it() {
    for (is_sealed, hangs) in [(false, true), (true, true), (false, false), (true, false)] {
        let works = Arc::new(AtomicBool::new(true));
        let works_still = Arc::clone(&works);
        let check = move |_: AuthAttempt| {
            let works = Arc::clone(&works_still);
            async move {
                match works.load(Ordering::Relaxed) {
                    true => Ok(Identity::new("ada", Rights::all())),
                    false if hangs => std::future::pending().await,
                    false => Err(Status::new(Code::Unavailable, "the database is away")),
                }
            }
        };
        let seal = Seal::allow(SealKey::generate().unwrap());
        let server = Server::unbound().authenticator(check).seal(seal).build().await.unwrap();
        server.handle("math.double", |n: u64| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, Status>(n * 2)
        });
        let cable = Cable::to(&server);
        let backoff = Backoff::default().first(Duration::from_secs(4));
        let change = |builder: ClientBuilder| with(builder, is_sealed).reconnect(backoff);
        let client = cable.client_with(|_| FaultyLink::new(), change).await;
        let caller = client.clone();
        let open = tokio::spawn(async move { caller.call::<_, u64>("math.double", &2_u64).await });
        settle().await;
        works.store(false, Ordering::Relaxed);
        cable.cut();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let links = cable.count();
        assert!((3..=7).contains(&links), "sealed {is_sealed}, hangs {hangs}: {links} links");
        works.store(true, Ordering::Relaxed);
        assert_eq!(soon(open).await.unwrap().unwrap(), 4, "sealed {is_sealed}, hangs {hangs}");
        assert_eq!(client.state(), State::Ready);
        client.close().await;
    }
}

/// `[L4.seal.9]`, `[L4.challenge.2]`: a key signs behind a seal at the start, when it authenticates
/// again, and on the next link; one that is not known does not come in by any of these ways.
#[tokio::test(start_paused = true)]
async fn a_key_is_a_credential_behind_a_seal_everywhere() {
    let key = |seed: u8| IdentityKey::from_seed(&[seed; 32]);
    let known = [key(1).public(), key(2).public()];
    let check = move |attempt: AuthAttempt| async move {
        match attempt.credential {
            Credential::PublicKey(key) if known.contains(&key) && attempt.seal_key.is_some() => {
                Ok(Identity::new(key.to_string(), Rights::all()))
            }
            _ => Err(Status::new(Code::Unauthenticated, "a known key is wanted")),
        }
    };
    let seal = Seal::require(SealKey::generate().unwrap());
    let server = Server::unbound().authenticator(check).seal(seal).build().await.unwrap();
    server.handle("math.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
    let cable = Cable::to(&server);
    let own = Seal::require(SealKey::generate().unwrap());
    let change = |builder: ClientBuilder| builder.auth(Auth::key(key(1))).seal(own);
    let client = cable.client_with(|_| FaultyLink::new(), change).await;
    let name = || server.peers()[0].identity().name.clone();
    assert_eq!(name(), key(1).public().to_string());
    soon(client.reauthenticate(Auth::key(key(2)))).await.unwrap();
    settle().await;
    assert_eq!(name(), key(2).public().to_string());
    let refused = soon(client.reauthenticate(Auth::key(key(3)))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    cable.cut();
    assert_eq!(soon(client.call::<_, u64>("math.double", &2_u64)).await.unwrap(), 4);
    assert_eq!((name(), client.resumes()), (key(2).public().to_string(), 1));
    client.close().await;
}

/// A token that was renewed is presented on the next link of the session, and of the next session.
#[tokio::test(start_paused = true)]
async fn each_link_presents_what_is_good_by_then() {
    for (is_sealed, resumes) in [(false, true), (true, true), (false, false), (true, false)] {
        let good = Arc::new(AtomicU64::new(1));
        let wanted = Arc::clone(&good);
        let check = move |attempt: AuthAttempt| {
            let wanted = format!("token {}", wanted.load(Ordering::Relaxed));
            async move {
                match attempt.credential {
                    Credential::Bearer(token) if token == wanted => {
                        Ok(Identity::new("ada", Rights::all()))
                    }
                    _ => Err(Status::new(Code::Unauthenticated, "that token is over")),
                }
            }
        };
        let seal = Seal::allow(SealKey::generate().unwrap());
        let server = Server::unbound().authenticator(check).seal(seal).build().await.unwrap();
        server.handle("math.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
        let cable = Cable::to(&server);
        let file = Arc::clone(&good);
        let read = move || Some(Auth::bearer(format!("token {}", file.load(Ordering::Relaxed))));
        let change = |builder: ClientBuilder| {
            with(builder, is_sealed).auth(Auth::bearer("token 1")).renew_auth(read).resume(resumes)
        };
        let client = cable.client_with(|_| FaultyLink::new(), change).await;
        for token in 2..5 {
            good.store(token, Ordering::Relaxed);
            cable.cut();
            tokio::time::sleep(Duration::from_secs(2)).await;
            let doubled = soon(client.call::<_, u64>("math.double", &2_u64)).await;
            assert_eq!(doubled.unwrap(), 4, "sealed {is_sealed}, resumes {resumes}");
        }
        client.close().await;
    }
}
