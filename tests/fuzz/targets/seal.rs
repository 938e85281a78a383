//! Both sides of a sealed handshake, with one message changed, cut or made up on its way: whoever has
//! it is never ready, and the credential never goes to anybody but the acceptor that is pinned.
#![no_main]

use fluxar::engine::Role;
use fluxar::engine::event::Event;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::wire::seal::Suite;
use fluxar_fuzz::{End, START};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [what, suite, mode, rest @ ..] = bytes else { return };
    let suite = Suite::ALL[usize::from(suite % 12)];
    let mut ends = [End::sealed(suite, Role::Dialer), End::sealed(suite, Role::Acceptor)];
    let mut is_changed = false;
    for turn in 0..4_u8 {
        let (from, to) = (usize::from(turn % 2), usize::from(1 - turn % 2));
        let original = ends[from].transmit();
        let mut message = original.clone();
        if turn == what % 4 {
            change(&mut message, *mode, rest);
            is_changed = message != original;
        }
        ends[to].receive(START, &message);
        let events = ends[to].settle();
        let asked = events.iter().any(|event| matches!(event, Event::Authenticate { .. }));
        assert!(!(asked && is_changed), "a changed handshake came to its end");
        if is_changed && turn == what % 4 {
            assert_ne!(ends[to].engine.phase(), Phase::Ready, "message {turn} was changed");
        }
    }
    assert_eq!(ends[0].engine.phase() == Phase::Ready, !is_changed);
});

/// Puts `rest` into the message somewhere, over it, or in its place.
fn change(message: &mut Vec<u8>, mode: u8, rest: &[u8]) {
    let at = usize::from(mode >> 2) * message.len() / 64;
    match mode & 3 {
        0 => *message = rest.to_vec(),
        1 => message[at..].iter_mut().zip(rest).for_each(|(byte, mask)| *byte ^= mask),
        2 => drop(message.splice(at..at, rest.iter().copied())),
        _ => message.truncate(at),
    }
}
