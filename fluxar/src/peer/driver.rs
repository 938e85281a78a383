//! The tasks that pump one link: a reader, a writer and a timer.

use crate::engine::sealing::LinkSeal;
use crate::engine::session::auth::Identity;
use crate::engine::session::challenge::LinkBinding;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::{Attachment, LinkFacts};
use crate::engine::time::Time;
use crate::engine::{Engine, Turn};
use crate::error::{Code, Origin, Status};
use crate::peer::ahead::Ahead;
use crate::peer::core::{Core, LinkEnd, Ring};
use crate::peer::dispatch::{Scratch, perform};
use crate::peer::shared::{Flushed, Shared, WriteSide};
use crate::peer::state::State;
use crate::transport::{Link, LinkReader};
use bytes::BytesMut;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How long the last words of a session may take to be written, and the other side's to be read.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is told to an engine when a link comes up.
struct Facts {
    link: LinkFacts,
    binding: Option<LinkBinding>,
}

/// How a link begins.
pub(crate) enum Start {
    /// A session is to be made.
    Fresh(Box<Engine>),
    /// The session that we dialed is to go on.
    Resume,
    /// The session that we accepted goes on: its dialer has proved that it may, and this is what
    /// it sent behind the proof, and who it is, or why it is not welcome any more.
    Adopt(Box<(Attachment, BytesMut, Option<LinkSeal>)>, Result<Option<Identity>, Status>),
}

/// How a link ended.
pub(crate) enum Outcome {
    /// With its session.
    Ended,
    /// The session goes on over another link, in another task.
    Superseded,
    /// The session waits for another link.
    Detached(Waiting),
    /// The link belongs to another session of this node.
    Handover(Box<Handover>),
}

/// A link, and the session that it is to go to.
pub(crate) struct Handover {
    pub(crate) link: Link,
    pub(crate) attachment: Attachment,
    pub(crate) bytes: BytesMut,
    pub(crate) seal: Option<LinkSeal>,
    pub(crate) judged: Option<Identity>,
}

/// A session without a link: its time goes on. Dropped before there is another, it ends.
pub(crate) struct Waiting {
    teardown: Teardown,
    _timing: JoinSet<()>,
}

impl Waiting {
    /// Resolves when the session is over, or another link has taken it over.
    pub(crate) async fn settled(self) {
        let shared = Arc::clone(&self.teardown.shared);
        shared.wait_for(|core| core.has_ended() || core.link != self.teardown.link).await;
    }
}

/// Runs a session over one link. Dropping the future ends the session.
pub(crate) async fn run(shared: &Arc<Shared>, link: Link, start: Start) -> Outcome {
    let Link { mut reader, writer, info } = link;
    let mut bytes = BytesMut::new();
    let channel = info.security.as_ref().and_then(|security| security.exporter);
    let facts = facts(shared, channel);
    let begun = shared.switch_link(writer, |core, now| begin(core, now, start, facts, &mut bytes));
    let Some((number, fenced)) = begun else { return Outcome::Ended };
    let teardown = Teardown { shared: Arc::clone(shared), link: number };
    shared.set_link(info);
    if let Some(old) = fenced {
        shared.runtime.spawn(async move {
            let _late = tokio::time::timeout(FAREWELL, old.last_words(Engine::fenced())).await;
        });
    }
    let mut writing = JoinSet::new();
    writing.spawn(write(Arc::clone(shared), number));
    let mut timing = JoinSet::new();
    timing.spawn(keep_time(Arc::clone(shared), number));
    tokio::select! {
        () = read(shared, number, &mut *reader, &mut bytes) => {}
        () = shared.wait_for(|core| !core.is_linked(number)) => {}
    }
    match shared.with(|core, _| core.link_end(number)) {
        LinkEnd::Over => {
            drop(timing);
            part(shared, teardown, writing, &mut *reader).await;
            Outcome::Ended
        }
        LinkEnd::Superseded => {
            writing.shutdown().await;
            let _late = tokio::time::timeout(FAREWELL, discard(&mut *reader)).await;
            Outcome::Superseded
        }
        LinkEnd::Detached => {
            writing.shutdown().await;
            shared.drop_writer(number);
            Outcome::Detached(Waiting { teardown, _timing: timing })
        }
        LinkEnd::Handover(attachment, judged) => {
            writing.shutdown().await;
            match (shared.drop_writer(number), shared.link_info()) {
                (Some(writer), Some(info)) => {
                    let link = Link { reader, writer, info };
                    let take = |core: &mut Core| core.engine.as_mut()?.take_link_seal();
                    let seal = shared.with(|core, _| take(core));
                    let handover = Handover { link, attachment, bytes, seal, judged };
                    Outcome::Handover(Box::new(handover))
                }
                _ => Outcome::Ended,
            }
        }
    }
}

/// Tells the engine of its link. False when there is nothing to be done with it.
fn begin(core: &mut Core, now: Time, start: Start, facts: Facts, bytes: &mut BytesMut) -> bool {
    if let Start::Fresh(mut engine) = start {
        // Closed while it was dialed: nobody would ever close this link.
        if !core.is_closing {
            facts.binding.into_iter().for_each(|binding| engine.bind_link(binding));
            engine.handle_link_up_with(now, facts.link);
            core.start(*engine);
        }
        return !core.is_closing;
    }
    let Some(engine) = core.engine.as_mut().filter(|_| !core.is_over) else { return false };
    // Whoever authenticates again does so on this link.
    facts.binding.into_iter().for_each(|binding| engine.bind_link(binding));
    if let Start::Adopt(adopted, welcome) = start {
        let (attachment, rest, seal) = *adopted;
        *bytes = rest;
        let is_attached = match seal {
            Some(seal) => engine.attach_sealed(now, &attachment, seal),
            None => engine.attach(now, &attachment),
        };
        match welcome {
            Ok(identity) if is_attached => identity.into_iter().for_each(|i| engine.renew(now, i)),
            // It hears why, over the link that it has proved to be its own.
            Err(status) if is_attached => engine.close(now, Some(&status)),
            _ => {}
        }
        return is_attached;
    }
    engine.handle_link_up_with(now, facts.link);
    core.link_was_ready = false;
    true
}

/// The end of a session, and with it of its link.
async fn part(
    shared: &Arc<Shared>,
    teardown: Teardown,
    mut writing: JoinSet<()>,
    reader: &mut dyn LinkReader,
) {
    let farewell = async {
        while writing.join_next().await.is_some() {}
        // A socket closed with unread bytes resets, and takes our last words with it.
        discard(reader).await;
    };
    // A peer that takes too long has lost its right to them.
    let _late = tokio::time::timeout(FAREWELL, farewell).await;
    drop(teardown);
    // Another thread may have heard of the end first, and be about to tell. The next link must not
    // be mistaken for what it tells of.
    let mut progress = shared.progress();
    let told = progress.wait_for(|p| matches!(p.state, State::Disconnected | State::Closed));
    let _late = tokio::time::timeout(FAREWELL, told).await;
}

/// What the engine may know of a link: randomness, and the secret that a transport exports to both
/// of its ends, where there is one.
fn facts(shared: &Shared, channel: Option<[u8; 32]>) -> Facts {
    let draw = || {
        let mut random = [0; 32];
        getrandom::fill(&mut random).is_ok().then_some(random)
    };
    // Without randomness nothing is resumed, and nothing sealed: whoever requires that has no
    // session.
    let random = draw().filter(|_| shared.resumes);
    let link = LinkFacts { random, seal_random: draw(), binding: channel, ..LinkFacts::default() };
    // Without a seed there is no challenge.
    Facts { link, binding: draw().map(|seed| LinkBinding { seed, channel }) }
}

/// Ends what is left when the driver goes, however it goes, unless another link took over.
struct Teardown {
    shared: Arc<Shared>,
    link: u64,
}

impl Drop for Teardown {
    fn drop(&mut self) {
        let status = Status::new(Code::Unavailable, "the session's task was ended");
        let status = status.with_origin(Origin::Link);
        let is_ours = self.shared.with(|core, now| {
            let is_ours = core.link == self.link;
            if let Some(engine) = core.engine.as_mut().filter(|_| is_ours) {
                engine.handle_link_down(now, &status);
                if engine.phase() == Phase::Detached {
                    engine.close(now, Some(&status));
                }
            }
            is_ours
        });
        if is_ours {
            self.shared.with(|core, _| core.engine = None);
            self.shared.drop_writer(self.link);
        }
    }
}

/// Tells the engine that the link is gone.
fn link_down(shared: &Arc<Shared>, number: u64, why: &str) {
    let status = Status::new(Code::Unavailable, why).with_origin(Origin::Link);
    shared.with(|core, now| {
        let is_linked = core.is_linked(number) || core.is_over;
        if let Some(engine) = core.engine.as_mut().filter(|_| is_linked) {
            engine.handle_link_down(now, &status);
        }
    });
}

/// Frames handled before their answers are written, at least: the other side works on these while
/// this side goes on with the rest, and everybody else gets a turn.
const TURN_FRAMES_MIN: usize = 32;
/// The more has come at once, the longer its turns: one frame more for as many bytes. Small frames
/// then take two turns; every further one costs a write and brings nothing.
const TURN_BYTES_A_FRAME: usize = 128;

/// Bytes handled before their answers are written, about: what is in the cache is still there when
/// it is passed on, and a call behind bulk data does not wait for all of that.
const ANSWER_BYTES: usize = 64 << 10;

/// Bytes read before others get a turn, though more is there.
const TURN_BYTES_MAX: usize = 128 << 10;

/// So little comes with a heartbeat. After it nothing is kept of what a burst needed.
const IDLE_READ_BYTES: usize = 16;

/// Feeds the engine. Waits for nothing but the link: handlers get one look each, and tasks when
/// that is not enough. What they answer at once it writes itself.
async fn read(
    shared: &Arc<Shared>,
    number: u64,
    reader: &mut dyn LinkReader,
    bytes: &mut BytesMut,
) {
    let mut later = Vec::new();
    let mut scratch = Scratch::default();
    let mut turn_bytes = 0;
    let mut ahead = Ahead::new();
    // What came behind a proof.
    let mut left = bytes.len();
    loop {
        let arrived = match std::mem::take(&mut left) {
            0 => match ahead.read(reader, bytes).await {
                Ok(0) => return link_down(shared, number, "the peer closed the link"),
                Err(error) => {
                    return link_down(shared, number, &format!("the link broke: {error}"));
                }
                Ok(arrived) => arrived,
            },
            left => left,
        };
        let frames = TURN_FRAMES_MIN.max(bytes.len() / TURN_BYTES_A_FRAME);
        let turn = Turn { frames, bytes: ANSWER_BYTES };
        loop {
            // Fenced: what still comes over a link that is not the session's own does not count.
            let feed = |core: &mut Core, now| {
                let is_linked = core.is_linked(number);
                let engine = core.engine.as_mut().filter(|_| is_linked);
                engine.is_some_and(|engine| engine.handle_turn(now, bytes, turn))
            };
            let look = |core: &Core| core.is_linked(number);
            let (is_more, is_linked) = shared.locked_then(&mut later, Ring::No, feed, look);
            perform(shared, &mut later, Some(&mut scratch));
            shared.flush();
            if !is_linked {
                return;
            }
            if !is_more {
                break;
            }
            tokio::task::yield_now().await;
        }
        if arrived <= IDLE_READ_BYTES {
            scratch.shrink(&mut later);
        }
        turn_bytes += arrived;
        if turn_bytes >= TURN_BYTES_MAX {
            turn_bytes = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// Says one thing over a link that no session has, and closes it.
pub(crate) async fn say_and_close(link: Link, words: Vec<u8>) {
    let Link { mut reader, writer, .. } = link;
    let farewell = async {
        let _broken = WriteSide::new(0, writer).last_words(words).await;
        // A socket closed with unread bytes resets, and takes our last words with it.
        discard(&mut *reader).await;
    };
    let _late = tokio::time::timeout(FAREWELL, farewell).await;
}

async fn discard(reader: &mut dyn LinkReader) {
    let mut bytes = BytesMut::new();
    while let Ok(1..) = poll_fn(|cx| reader.poll_read(cx, &mut bytes)).await {
        bytes.clear();
    }
}

/// A writer that goes, however it goes, may have been rung for the one of the next link.
struct PassOn<'a>(&'a Notify);

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Writes what the engine has, in batches: whoever runs in the same turn shares a write.
async fn write(shared: Arc<Shared>, number: u64) {
    let _ring = PassOn(&shared.writer);
    loop {
        match poll_fn(|cx| shared.poll_flush(number, cx)).await {
            Err(error) => return link_down(&shared, number, &format!("the link broke: {error}")),
            Ok(Flushed::Turn) => tokio::task::yield_now().await,
            Ok(Flushed::Over) => {
                // The link is gone either way.
                let _broken = poll_fn(|cx| shared.poll_close(number, cx)).await;
                return;
            }
            Ok(Flushed::All) => {
                shared.writer.notified().await;
                // Once, and no more: callers and handlers that are ready now add to the same write.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// One timer for everything that a session waits for.
async fn keep_time(shared: Arc<Shared>, number: u64) {
    loop {
        let due = {
            let mut core = shared.lock();
            if core.link != number {
                // Another link's task keeps it, and may have been rung.
                return shared.timer.notify_one();
            }
            core.armed = core.engine.as_ref().and_then(Engine::poll_timeout);
            core.armed
        };
        tokio::select! {
            () = sleep_until(&shared, due) => {
                shared.with(|core, now| {
                    core.engine.iter_mut().for_each(|engine| engine.handle_timeout(now));
                });
            }
            () = shared.timer.notified() => {}
        }
    }
}

async fn sleep_until(shared: &Shared, due: Option<Time>) {
    match due {
        Some(due) => tokio::time::sleep_until(shared.instant(due)).await,
        None => std::future::pending().await,
    }
}
