//! Bytes changed, left out, repeated, moved and made up on their way: `[L1.seal.1]`, `[L1.seal.2]`.

use super::{Pair, XX, call, closed, configs, connecting, drawing, handshake, ready, targets};
use crate::engine::session::auth::Identity;
use crate::engine::session::phase::Phase;
use crate::engine::tests::pair::request;
use crate::engine::tests::raw::{CALL, Raw};
use crate::engine::wire::seal::{Cipher, Pattern, Suite};

/// One bit of every byte of every handshake message, another one each time.
#[test]
fn a_bit_flipped_anywhere_in_a_handshake_ends_it() {
    let suites = [
        XX,
        Suite { pattern: Pattern::Ik, cipher: Cipher::AesGcm, has_psk: true },
        Suite { pattern: Pattern::Nk, ..XX },
    ];
    for suite in suites {
        let lens = handshake(&mut connecting(suite)).map(|message| message.len());
        for (message, len) in lens.into_iter().enumerate() {
            for at in 0..len {
                flip_in_handshake(suite, message, at, (at * 5 + message) % 8);
            }
        }
    }
}

fn flip_in_handshake(suite: Suite, message: usize, at: usize, bit: usize) {
    let mut pair = connecting(suite);
    for turn in 0..4 {
        let mut bytes =
            if turn % 2 == 0 { pair.dialer.transmit() } else { pair.acceptor.transmit() };
        if turn == message {
            bytes[at] ^= 1 << bit;
        }
        if turn % 2 == 0 {
            pair.reach_acceptor(&bytes);
            pair.acceptor.engine.accept(pair.now, Identity::anonymous());
        } else {
            pair.reach_dialer(&bytes);
        }
    }
    let (dialer, acceptor) = (&pair.dialer.engine, &pair.acceptor.engine);
    let what = format!("{suite:?}: message {message}, byte {at}, bit {bit}");
    assert_ne!(dialer.phase(), Phase::Ready, "{what}");
    if message < 3 {
        assert_ne!(acceptor.phase(), Phase::Ready, "{what}");
    }
}

/// Every bit of a frame.
#[test]
fn a_bit_flipped_anywhere_in_a_frame_keeps_it_from_arriving() {
    let len = call(&mut ready(XX), "a.b").len();
    for bit in 0..len * 8 {
        let mut pair = ready(XX);
        let mut frame = call(&mut pair, "a.b");
        frame[bit / 8] ^= 1 << (bit % 8);
        pair.reach_acceptor(&frame);
        assert!(targets(&pair.acceptor.take()).is_empty(), "bit {bit}");
    }
}

/// `[L1.seal.2]`: what somebody else puts in between disturbs nothing.
#[test]
fn frames_made_up_by_others_do_nothing() {
    for suite in [XX, Suite { cipher: Cipher::AesGcm, ..XX }] {
        let mut pair = ready(suite);
        let forged = [
            Raw::of(CALL).id(3).target("a.forged").payload(b"x").frame(),
            [0, 0, 0, 40, 4].into_iter().chain([7; 39]).collect(),
            vec![0, 0, 0, 1, 4],
            vec![0, 0, 0, 2, 4, 1],
        ];
        for (number, forged) in forged.iter().cycle().take(15).enumerate() {
            pair.reach_acceptor(forged);
            let frame = call(&mut pair, &format!("a.n{number}"));
            pair.reach_acceptor(&frame);
            assert_eq!(targets(&pair.acceptor.take()), [format!("a.n{number}")]);
        }
        pair.reach_acceptor(&forged[0]);
        let reason = closed(&pair.acceptor.take()).flatten().expect("a reason");
        assert!(reason.message().starts_with("[L1.seal.2]"), "{reason:?}");
    }
}

/// A frame that is sent again, or back, or that belongs to another session between the same two.
#[test]
fn frames_that_belong_elsewhere_do_nothing() {
    let mut pair = ready(XX);
    let first = call(&mut pair, "a.first");
    pair.reach_acceptor(&first);
    assert_eq!(targets(&pair.acceptor.take()), ["a.first"]);
    pair.reach_acceptor(&first);
    pair.reach_dialer(&first);
    let [dialer, acceptor] = configs(XX);
    let mut other = drawing(dialer, acceptor, [101, 151]).made_ready(Identity::anonymous());
    let foreign = call(&mut other, "a.foreign");
    pair.reach_acceptor(&foreign);
    assert!(pair.acceptor.take().is_empty() && pair.dialer.take().is_empty());
    let second = call(&mut pair, "a.second");
    pair.reach_acceptor(&second);
    assert_eq!(targets(&pair.acceptor.take()), ["a.second"]);
}

/// Frames out of order, and frames left out: what follows does not open, and in the end the link is
/// given up. What was taken before stands.
#[test]
fn gaps_and_swaps_end_the_session() {
    let order: [&[usize]; 3] = [&[0, 2, 1, 3, 4, 5], &[1, 2, 3, 4, 5], &[0, 2, 3, 4, 5]];
    let fine: [&[&str]; 3] = [&["a.n0", "a.n1"], &["a.n0"], &["a.n0"]];
    for (order, fine) in order.into_iter().zip(fine) {
        let mut pair = ready(XX);
        let frames: Vec<Vec<u8>> = (0..25).map(|n| call(&mut pair, &format!("a.n{n}"))).collect();
        let order = order.iter().copied().chain(6..25);
        let mut seen = Vec::new();
        let mut reason = None;
        for at in order {
            pair.reach_acceptor(&frames[at]);
            let events = pair.acceptor.take();
            seen.extend(targets(&events));
            reason = reason.or_else(|| closed(&events).flatten());
        }
        assert!(fine.starts_with(&seen.iter().map(String::as_str).collect::<Vec<_>>()), "{seen:?}");
        let reason = reason.expect("closed");
        assert!(reason.message().starts_with("[L1.seal.2]"), "{reason:?}");
    }
}

/// A frame cut short, and the next one right behind it.
#[test]
fn a_truncated_frame_takes_nothing_with_it() {
    for cut in 1..40 {
        let mut pair = ready(XX);
        let first = call(&mut pair, "a.first");
        let rest: Vec<u8> = (0..20).flat_map(|_| call(&mut pair, "a.later")).collect();
        pair.reach_acceptor(&first[..first.len() - cut]);
        pair.reach_acceptor(&rest);
        assert!(targets(&pair.acceptor.take()).is_empty(), "cut {cut}");
    }
}

/// `[L1.seal.5]`: no two frames of a link are sealed alike, and none of two links.
#[test]
fn equal_frames_look_different() {
    let mut pair = ready(XX);
    let tell = |pair: &mut Pair| {
        pair.dialer.engine.notify(pair.now, &request("a.b", b"the same")).expect("room");
        pair.dialer.transmit()
    };
    let (one, two) = (tell(&mut pair), tell(&mut pair));
    assert_eq!(one.len(), two.len());
    assert_ne!(one, two);
}
