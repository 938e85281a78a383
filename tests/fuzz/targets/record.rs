//! A sealed link between two that are ready, and somebody who puts bytes between their frames, repeats
//! frames and leaves some out: what arrives is what was sent, in order, from the first on.
#![no_main]

use fluxar::engine::Role;
use fluxar::engine::event::{Event, Request};
use fluxar::engine::session::phase::Phase;
use fluxar::engine::wire::seal::{Cipher, Pattern, Suite};
use fluxar_fuzz::{End, START};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, script)) = bytes.split_first() else { return };
    let cipher = if first % 2 == 0 { Cipher::ChaChaPoly } else { Cipher::AesGcm };
    let suite = Suite { pattern: Pattern::Nk, cipher, has_psk: false };
    let (mut dialer, mut acceptor) = ready(suite);
    let (mut sent, mut arrived) = (0_u64, 0_u64);
    let mut is_spoiled = false;
    let mut last = Vec::new();
    for piece in script.chunks(24).take(64) {
        let target = format!("a.n{sent}");
        let request = Request { target: &target, payload: Some(b"x"), ..Request::default() };
        if dialer.engine.notify(START, &request).is_err() {
            break;
        }
        sent += 1;
        let frame = dialer.transmit();
        match piece[0] % 4 {
            0 => acceptor.receive(START, &frame),
            1 => {
                is_spoiled = true;
                acceptor.receive(START, piece);
                acceptor.receive(START, &frame);
            }
            2 => {
                is_spoiled |= !last.is_empty();
                acceptor.receive(START, &last);
                acceptor.receive(START, &frame);
            }
            // Left out: from here on nothing opens.
            _ => is_spoiled = true,
        }
        last = frame;
        for event in acceptor.settle() {
            if let Event::Call { target, .. } = event {
                assert_eq!(target.as_str(), format!("a.n{arrived}"), "out of order, or made up");
                acceptor.engine.notification_ended(START);
                arrived += 1;
            }
        }
    }
    assert!(arrived <= sent);
    if !is_spoiled {
        assert_eq!((arrived, acceptor.engine.phase()), (sent, Phase::Ready));
    }
});

fn ready(suite: Suite) -> (End, End) {
    let (mut dialer, mut acceptor) =
        (End::sealed(suite, Role::Dialer), End::sealed(suite, Role::Acceptor));
    for _ in 0..2 {
        acceptor.receive(START, &dialer.transmit());
        acceptor.settle();
        dialer.receive(START, &acceptor.transmit());
        dialer.settle();
    }
    assert_eq!((dialer.engine.phase(), acceptor.engine.phase()), (Phase::Ready, Phase::Ready));
    (dialer, acceptor)
}
