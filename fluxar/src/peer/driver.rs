//! The tasks that pump one link: a reader, a writer and a timer.

use crate::engine::Engine;
use crate::engine::session::resume::LinkFacts;
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use crate::peer::ahead::Ahead;
use crate::peer::core::Ring;
use crate::peer::dispatch::{Scratch, perform};
use crate::peer::shared::{Flushed, Shared};
use crate::peer::state::State;
use crate::transport::{Link, LinkReader};
use bytes::BytesMut;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the last words of a session may take to be written, and the other side's to be read.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs a session over one link, from HELLO to the end. Dropping the future ends the session.
pub(crate) async fn run(shared: &Arc<Shared>, link: Link, engine: Engine) {
    let Link { mut reader, writer, info } = link;
    shared.set_link(info);
    let mut facts = Some(facts());
    let teardown = Teardown { shared: Arc::clone(shared) };
    let is_wanted = shared.with(|core, now| {
        if core.is_closing {
            // Closed while it was dialed: nobody would ever close this link.
            return false;
        }
        core.start(engine);
        let facts = facts.take().unwrap_or_default();
        core.engine.iter_mut().for_each(|engine| engine.handle_link_up_with(now, facts.clone()));
        true
    });
    if !is_wanted {
        return;
    }
    let mut writing = JoinSet::new();
    shared.set_writer(Some(writer));
    writing.spawn(write(Arc::clone(shared)));
    let mut timing = JoinSet::new();
    timing.spawn(keep_time(Arc::clone(shared)));
    tokio::select! {
        () = read(shared, &mut *reader) => {}
        () = shared.wait_over() => {}
    }
    drop(timing);
    let farewell = async {
        while writing.join_next().await.is_some() {}
        // A socket closed with unread bytes resets, and takes our last words with it.
        discard(&mut *reader).await;
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

/// What is drawn for one link.
fn facts() -> LinkFacts {
    let mut random = [0; 32];
    match getrandom::fill(&mut random) {
        Ok(()) => LinkFacts::default().sealing(random),
        // Then nothing is sealed, and whoever requires that has no session.
        Err(_) => LinkFacts::default(),
    }
}

/// Ends what is left when the driver goes, however it goes.
struct Teardown {
    shared: Arc<Shared>,
}

impl Drop for Teardown {
    fn drop(&mut self) {
        link_down(&self.shared, "the session's task was ended");
        self.shared.with(|core, _| core.engine = None);
        self.shared.set_writer(None);
    }
}

/// Tells the engine that the link is gone.
fn link_down(shared: &Arc<Shared>, why: &str) {
    let status = Status::new(Code::Unavailable, why).with_origin(Origin::Link);
    shared.with(|core, now| {
        if let Some(engine) = core.engine.as_mut() {
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

/// Bytes read before others get a turn, though more is there.
const TURN_BYTES_MAX: usize = 128 << 10;

/// So little comes with a heartbeat. After it nothing is kept of what a burst needed.
const IDLE_READ_BYTES: usize = 16;

/// Feeds the engine. Waits for nothing but the link: handlers get one look each, and tasks when
/// that is not enough. What they answer at once it writes itself.
async fn read(shared: &Arc<Shared>, reader: &mut dyn LinkReader) {
    let mut bytes = BytesMut::new();
    let mut later = Vec::new();
    let mut scratch = Scratch::default();
    let mut turn_bytes = 0;
    let mut ahead = Ahead::new();
    loop {
        let arrived = match ahead.read(reader, &mut bytes).await {
            Ok(0) => return link_down(shared, "the peer closed the link"),
            Err(error) => return link_down(shared, &format!("the link broke: {error}")),
            Ok(arrived) => arrived,
        };
        let frames = TURN_FRAMES_MIN.max(bytes.len() / TURN_BYTES_A_FRAME);
        loop {
            let (is_over, is_more) = shared.locked(&mut later, Ring::No, |core, now| {
                let engine = core.engine.as_mut();
                let is_more =
                    engine.is_some_and(|engine| engine.handle_frames(now, &mut bytes, frames));
                (core.is_over, is_more)
            });
            perform(shared, &mut later, Some(&mut scratch));
            shared.flush();
            if is_over {
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

async fn discard(reader: &mut dyn LinkReader) {
    let mut bytes = BytesMut::new();
    while let Ok(1..) = poll_fn(|cx| reader.poll_read(cx, &mut bytes)).await {
        bytes.clear();
    }
}

/// Writes what the engine has, in batches: whoever runs in the same turn shares a write.
async fn write(shared: Arc<Shared>) {
    loop {
        match poll_fn(|cx| shared.poll_flush(cx)).await {
            Err(error) => return link_down(&shared, &format!("the link broke: {error}")),
            Ok(Flushed::Turn) => tokio::task::yield_now().await,
            Ok(Flushed::Over) => {
                // The link is gone either way.
                let _broken = poll_fn(|cx| shared.poll_close(cx)).await;
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
async fn keep_time(shared: Arc<Shared>) {
    loop {
        let due = {
            let mut core = shared.lock();
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
