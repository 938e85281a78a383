//! Anything that an application, a link and a hostile peer can do to two engines, in any order.
//! Whatever happens: no panic, nothing after `Closed`, every call and stream of ours ends exactly
//! once, the tables and the outbox keep their bounds, and two honest engines never accuse each
//! other, over however many links.
#![no_main]

mod world;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use world::World;

/// Who does it: the dialer when true.
pub(crate) type Side = bool;

/// One step. `pick` chooses among the ids that the side has seen; `len` is a payload's.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Op {
    Call {
        side: Side,
        target: u8,
        len: u16,
        deadline_ms: Option<u16>,
        hops: u8,
    },
    Notify {
        side: Side,
        target: u8,
        len: u16,
    },
    Respond {
        side: Side,
        pick: u8,
        result: Result<u16, u8>,
    },
    Open {
        side: Side,
        target: u8,
        len: u16,
        half_closed: bool,
        credit: Option<u16>,
    },
    Item {
        side: Side,
        pick: u8,
        len: u16,
    },
    End {
        side: Side,
        pick: u8,
        result: Result<Option<u16>, u8>,
    },
    Consume {
        side: Side,
        pick: u8,
        len: u16,
    },
    Cancel {
        side: Side,
        pick: u8,
    },
    Abandon {
        side: Side,
        pick: u8,
    },
    Subscribe {
        side: Side,
        target: u8,
        group: bool,
        overflow: u8,
        credit: Option<u16>,
    },
    Unsubscribe {
        side: Side,
        pick: u8,
    },
    Grant {
        side: Side,
        pick: u8,
    },
    EndSubscription {
        side: Side,
        pick: u8,
        code: u8,
    },
    Publish {
        side: Side,
        target: u8,
        len: u16,
        retain: bool,
    },
    Deliver {
        side: Side,
        pick: u8,
        target: u8,
        len: u16,
        retained: bool,
    },
    NotificationEnded {
        side: Side,
    },
    Ping {
        side: Side,
    },
    Close {
        side: Side,
        code: Option<u8>,
    },
    LinkDown {
        side: Side,
    },
    /// The dialer makes another link; it breaks at some stage, or takes over the session.
    Resume {
        stage: u8,
        random: u8,
    },
    Pass {
        ms: u16,
    },
    /// The side's next batch crosses, cut in two when it is long enough.
    Carry {
        side: Side,
        cut: u16,
    },
    /// Bytes that no engine made arrive at the side.
    Inject {
        side: Side,
        bytes: Vec<u8>,
    },
    /// As above, with a frame's head in front so that they get further.
    InjectFrame {
        side: Side,
        flags: u8,
        bytes: Vec<u8>,
    },
    /// A message of this shape, whether it makes sense or not.
    InjectMessage {
        side: Side,
        kind: u8,
        id: Option<u8>,
        reference: Option<u8>,
        fields: u8,
    },
}

fuzz_target!(|input: (bool, bool, Vec<Op>)| {
    let (small, resumes, ops) = input;
    let mut world = World::new(small, resumes);
    for op in &ops {
        world.step(op);
        world.check();
    }
    world.finish();
});
