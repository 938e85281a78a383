//! Frames: what is accepted reads back the same, and how the bytes were cut into reads changes
//! nothing (`[L0.link.3]`).
#![no_main]

use fluxar::Limits;
use fluxar::engine::frame::{self, Frame, LEN_BYTES};
use fluxar_fuzz::{START, events, ready};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    read_alone(bytes);
    read_by_engines(usize::from(cut), bytes);
});

/// The two functions of the frame layer, without an engine.
fn read_alone(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(whole)) = frame::whole_len(rest, 1 << 20) {
        let (one, after) = rest.split_at(whole);
        rest = after;
        if let Ok(frame) = frame::decode(&one[LEN_BYTES..]) {
            assert_eq!(written(&frame), one[LEN_BYTES..], "one form for each frame");
        }
    }
}

/// A frame after its length, written by the definition.
fn written(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = vec![frame.flags];
    if let Some(group) = frame.group {
        match group {
            0..0x40 => out.push(group as u8),
            0x40..0x4000 => out.extend_from_slice(&(group as u16 | 0x4000).to_be_bytes()),
            0x4000..0x4000_0000 => {
                out.extend_from_slice(&(group as u32 | 0x8000_0000).to_be_bytes());
            }
            _ => out.extend_from_slice(&(group | 0xc000_0000_0000_0000).to_be_bytes()),
        }
    }
    out.extend_from_slice(frame.body);
    out
}

/// One engine gets all bytes at once, one in pieces: both must say and send the same.
fn read_by_engines(cut: usize, bytes: &[u8]) {
    let limits = Limits::default();
    let (_, mut whole) = ready(&limits);
    let (_, mut pieces) = ready(&limits);
    whole.receive(START, bytes);
    for piece in bytes.chunks(cut % bytes.len().max(1) + 1) {
        pieces.receive(START, piece);
    }
    assert_eq!(events(&mut whole.engine), events(&mut pieces.engine));
    assert_eq!(whole.transmit(), pieces.transmit());
    assert_eq!(whole.inbox, pieces.inbox);
}
