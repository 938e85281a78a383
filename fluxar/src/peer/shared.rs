//! What the handles, the driver and the handlers of one session share.

use crate::config::Limits;
use crate::engine::Engine;
use crate::engine::event::Refusal;
use crate::engine::session::auth::Credential;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use crate::payload::Keys;
use crate::peer::about::About;
use crate::peer::book::{Book, Job};
use crate::peer::context::ContextInner;
use crate::peer::core::{Core, Later, Ring, Rings};
use crate::peer::node::{CreditLease, NodeInner};
use crate::peer::queueing::{Place, Queues, Turn};
use crate::peer::router::Router;
use crate::peer::state::{Progress, State};
use crate::transport::{Batch, LinkWriter};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker, ready};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::Instant;

/// A session's shared part. Lives as long as a handle or the driver does; a dialer's survives its
/// links, with a new engine each.
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Taken before `core`, never after.
    write_side: Mutex<Option<WriteSide>>,
    pub(crate) node: Arc<NodeInner>,
    /// Names this session within its node.
    pub(crate) session: u64,
    pub(crate) limits: Limits,
    /// Handlers for this session alone.
    pub(crate) routes: Router,
    pub(crate) runtime: tokio::runtime::Handle,
    /// Those whose command was `Blocked`.
    queues: Queues,
    /// Rung when there is something to write, or the session is over.
    pub(crate) writer: Notify,
    /// Rung when the next timeout has come nearer.
    pub(crate) timer: Notify,
    over: Notify,
    /// Places for streams that wait to be opened.
    openings: Arc<Semaphore>,
    next_key: AtomicU64,
    progress: watch::Sender<Progress>,
    pub(crate) about: Mutex<About>,
    origin: Instant,
    /// Live handles; the last of a dialer says goodbye.
    handles: AtomicUsize,
    /// We dialed, so nobody else keeps the session.
    pub(crate) is_dialer: bool,
    /// Its sessions are to outlive their links.
    pub(crate) resumes: bool,
    /// Both sides write records with numbers as keys.
    is_numbered: AtomicBool,
}

/// Streams of one session that wait to be opened, each in a task.
const OPENINGS_MAX: usize = 1024;

/// Keys made here, as against ids of the engine's.
const OWN_KEY: u64 = 1 << 63;

/// How far a flush came.
pub(crate) enum Flushed {
    /// Nothing waits.
    All,
    /// Its turn is over. A link that takes everything must not keep the thread: others have links
    /// too.
    Turn,
    /// Nothing waits, and nothing will: the session is over.
    Over,
}

/// Batches written in one turn of the writer, of about 64 KiB each.
const BATCHES_A_TURN: u32 = 2;

/// The sending half of the link, and what is on its way through it.
pub(crate) struct WriteSide {
    /// Whose it is: the writer's task of another link must not touch it, since it would take the
    /// place of whoever is to be woken.
    link: u64,
    writer: Box<dyn LinkWriter>,
    batch: Batch,
}

impl WriteSide {
    pub(crate) fn new(link: u64, writer: Box<dyn LinkWriter>) -> Self {
        Self { link, writer, batch: Batch::default() }
    }

    /// Says one thing more, behind what is on its way, and closes the link.
    pub(crate) async fn last_words(mut self, words: Vec<u8>) -> io::Result<()> {
        for bytes in [None, Some(words)] {
            if let Some(bytes) = bytes {
                self.batch.bytes = bytes;
            }
            if !self.batch.bytes.is_empty() {
                std::future::poll_fn(|cx| self.writer.poll_write(cx, &mut self.batch)).await?;
            }
            self.batch.clear();
        }
        std::future::poll_fn(|cx| self.writer.poll_close(cx)).await
    }

    fn poll_flush(
        &mut self,
        shared: &Arc<Shared>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<io::Result<Flushed>> {
        for _ in 0..BATCHES_A_TURN {
            // Until it is cleared it may still have to be flushed, sent or not.
            if !self.batch.bytes.is_empty() {
                ready!(self.writer.poll_write(cx, &mut self.batch))?;
                self.batch.clear();
            }
            let (any, is_over) = shared.with_ring(Ring::No, |core, _| {
                let batch = &mut self.batch.bytes;
                let any = core.engine.as_mut().is_some_and(|engine| engine.poll_transmit(batch));
                let is_over = core.has_ended();
                core.writer_sleeps = !any && !is_over;
                (any, is_over)
            });
            if !any {
                return Poll::Ready(Ok(if is_over { Flushed::Over } else { Flushed::All }));
            }
        }
        Poll::Ready(Ok(Flushed::Turn))
    }
}

/// What a command came to.
pub(crate) enum Attempt<T> {
    Done(T),
    /// Await this, then try again.
    Blocked(Turn),
}

impl Shared {
    /// How records are to be written to the peer of the moment.
    #[inline]
    pub(crate) fn keys(&self) -> Keys {
        if self.is_numbered.load(Ordering::Relaxed) { Keys::Numbers } else { Keys::Names }
    }

    pub(crate) fn set_numbered(&self, is_numbered: bool) {
        self.is_numbered.store(is_numbered, Ordering::Relaxed);
    }

    pub(crate) fn new(
        node: &Arc<NodeInner>,
        session: u64,
        limits: Limits,
        (is_dialer, resumes): (bool, bool),
    ) -> Arc<Self> {
        Arc::new(Self {
            write_side: Mutex::new(None),
            core: Mutex::new(Core::default()),
            node: Arc::clone(node),
            session,
            limits,
            routes: Router::default(),
            runtime: tokio::runtime::Handle::current(),
            queues: Queues::default(),
            writer: Notify::new(),
            timer: Notify::new(),
            over: Notify::new(),
            openings: Arc::new(Semaphore::new(OPENINGS_MAX)),
            next_key: AtomicU64::new(0),
            progress: watch::Sender::new(Progress::default()),
            about: Mutex::default(),
            origin: Instant::now(),
            handles: AtomicUsize::new(0),
            is_dialer,
            is_numbered: AtomicBool::new(false),
            resumes,
        })
    }

    /// The engine's time.
    pub(crate) fn now(&self) -> Time {
        let micros = self.origin.elapsed().as_micros();
        Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The engine's time as tokio's.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        // A deadline beyond what the clock can express is as good as a far one.
        let after = time.since(Time::ZERO);
        self.origin
            .checked_add(after)
            .unwrap_or_else(|| self.origin + std::time::Duration::from_secs(30 * 365 * 24 * 3600))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic under this lock is a bug of ours; the session then goes on as far as it can.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `command` on the engine and everything that follows from it. Inbound work goes to
    /// tasks: a caller must not find itself running somebody's handler.
    pub(crate) fn with<R>(self: &Arc<Self>, command: impl FnOnce(&mut Core, Time) -> R) -> R {
        self.with_ring(Ring::Writer, command)
    }

    fn with_ring<R>(self: &Arc<Self>, ring: Ring, command: impl FnOnce(&mut Core, Time) -> R) -> R {
        let mut later = Vec::new();
        let result = self.locked(&mut later, ring, command);
        if !later.is_empty() {
            crate::peer::dispatch::perform(self, &mut later, None);
        }
        result
    }

    /// As [`Shared::with`], but leaves in `later` what must be done without the lock.
    pub(crate) fn locked<R>(
        self: &Arc<Self>,
        later: &mut Vec<Later>,
        ring: Ring,
        command: impl FnOnce(&mut Core, Time) -> R,
    ) -> R {
        self.locked_then(later, ring, command, |_| ()).0
    }

    /// As [`Shared::locked`], with a look at what the command's events have made of the session.
    pub(crate) fn locked_then<R, S>(
        self: &Arc<Self>,
        later: &mut Vec<Later>,
        ring: Ring,
        command: impl FnOnce(&mut Core, Time) -> R,
        look: impl FnOnce(&Core) -> S,
    ) -> (R, S) {
        let mut core = self.lock();
        // Read under the lock: time must not seem to go backwards.
        let now = self.now();
        let result = command(&mut core, now);
        let rings = core.settle(later, ring);
        let seen = look(&core);
        drop(core);
        self.ring(&rings);
        (result, seen)
    }

    /// As [`Shared::with`], for commands that need no clock and set no timer: items and credit, of
    /// which there are many. They run at the engine's latest time.
    pub(crate) fn with_quickly<R>(
        self: &Arc<Self>,
        command: impl FnOnce(&mut Core, Time) -> R,
    ) -> R {
        let mut later = Vec::new();
        let mut core = self.lock();
        let now = core.engine.as_ref().map_or(Time::ZERO, Engine::now);
        let result = command(&mut core, now);
        let rings = core.settle_quickly(&mut later);
        drop(core);
        self.ring(&rings);
        if !later.is_empty() {
            crate::peer::dispatch::perform(self, &mut later, None);
        }
        result
    }

    fn ring(self: &Arc<Self>, rings: &Rings) {
        if rings.writer {
            self.writer.notify_one();
        } else if rings.flush {
            self.flush();
        }
        if rings.timer {
            self.timer.notify_one();
        }
    }

    /// A command that may be refused. The waiting is registered under the lock, so that no
    /// `Writable` slips between.
    pub(crate) fn attempt<T>(
        self: &Arc<Self>,
        command: impl FnOnce(&mut Engine, &mut Book, Time) -> Result<T, Refusal>,
    ) -> Result<Attempt<T>, Status> {
        self.attempt_ring(Ring::Writer, None, command)
    }

    /// As [`Shared::attempt`], saying who writes, and which kind of place the command needs.
    pub(crate) fn attempt_ring<T>(
        self: &Arc<Self>,
        ring: Ring,
        place: Option<Place>,
        command: impl FnOnce(&mut Engine, &mut Book, Time) -> Result<T, Refusal>,
    ) -> Result<Attempt<T>, Status> {
        self.with_ring(ring, |core, now| {
            let Some(engine) = core.engine.as_mut() else {
                return Err(self.unavailable());
            };
            let done = match command(engine, &mut core.book, now) {
                Ok(done) => Ok(Attempt::Done(done)),
                Err(Refusal::Status(status)) => Err(status),
                Err(Refusal::Blocked) => {
                    let missing = place.filter(|place| !place.is_free(engine));
                    return Ok(Attempt::Blocked(match missing {
                        Some(place) => self.queues.place(place, engine),
                        None => self.queues.room(),
                    }));
                }
            };
            if let Some(place) = place {
                self.queues.pass_on(place, engine);
            }
            done
        })
    }

    // ---- writing

    /// Begins with another link, if `begin` finds that it may: nobody writes anything to it before.
    /// Gives the link's number, and what is left of the link before it.
    pub(crate) fn switch_link(
        self: &Arc<Self>,
        writer: Box<dyn LinkWriter>,
        begin: impl FnOnce(&mut Core, Time) -> bool,
    ) -> Option<(u64, Option<WriteSide>)> {
        let mut later = Vec::new();
        let mut side = self.lock_writer();
        let begin = |core: &mut Core, now| begin(core, now).then(|| core.relink());
        let number = self.locked(&mut later, Ring::No, begin);
        let before = number.and_then(|link| side.replace(WriteSide::new(link, writer)));
        drop(side);
        // The tasks of the link before find out that it is over.
        self.over.notify_waiters();
        self.timer.notify_waiters();
        crate::peer::dispatch::perform(self, &mut later, None);
        Some((number?, before))
    }

    /// Takes away the sending half of this link, if it still is the present one.
    pub(crate) fn drop_writer(&self, link: u64) -> Option<Box<dyn LinkWriter>> {
        let mut side = self.lock_writer();
        side.take_if(|side| side.link == link).map(|side| side.writer)
    }

    /// Whose the sending half of the link is, and how much of a batch is on its way.
    #[cfg(feature = "testing")]
    pub(crate) fn write_snapshot(&self) -> String {
        match self.write_side.try_lock() {
            Ok(side) => match side.as_ref() {
                Some(side) => format!(
                    "writer of link {}: {} of {} bytes sent",
                    side.link,
                    side.batch.sent,
                    side.batch.bytes.len()
                ),
                None => "no writer".to_owned(),
            },
            Err(_) => "somebody writes".to_owned(),
        }
    }

    fn lock_writer(&self) -> MutexGuard<'_, Option<WriteSide>> {
        self.write_side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits.
    pub(crate) fn poll_flush(
        self: &Arc<Self>,
        link: u64,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<io::Result<Flushed>> {
        match self.lock_writer().as_mut().filter(|side| side.link == link) {
            Some(side) => side.poll_flush(self, cx),
            None => Poll::Ready(Ok(Flushed::Over)),
        }
    }

    /// Writes what waits if that can be done at once; the writer's task does what is left.
    pub(crate) fn flush(self: &Arc<Self>) {
        let done = match self.write_side.try_lock() {
            Ok(mut side) => match side.as_mut() {
                // The writer's task is on it. To ask the link now would take its place there, and
                // it would never be woken.
                Some(side) if !side.batch.bytes.is_empty() => true,
                Some(side) => {
                    let cx = &mut std::task::Context::from_waker(Waker::noop());
                    matches!(side.poll_flush(self, cx), Poll::Ready(Ok(Flushed::All)))
                }
                None => true,
            },
            // Somebody writes at this moment, and looks again before it is done.
            Err(_) => false,
        };
        if !done {
            self.writer.notify_one();
        }
    }

    /// Says that nothing follows.
    pub(crate) fn poll_close(
        &self,
        link: u64,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        match self.lock_writer().as_mut().filter(|side| side.link == link) {
            Some(side) => side.writer.poll_close(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// A place for a stream that has to wait before it is opened, unless too many wait already.
    pub(crate) fn opening_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.openings).try_acquire_owned().ok()
    }

    /// Resolves at the next `Writable`; made under the lock.
    pub(crate) fn writable(&self) -> Turn {
        self.queues.room()
    }

    /// The engine has said `Writable`.
    pub(crate) fn ring_writable(&self) {
        self.queues.ring(self.lock().engine.as_mut());
    }

    /// Nothing is taken any more: nobody need wait for room.
    pub(crate) fn end_waiting(&self) {
        self.queues.ring_all();
    }

    fn unavailable(&self) -> Status {
        let message = match self.progress.borrow().state {
            State::Closed => "the session is closed: connect again",
            _ => "not connected: retry when the session is ready again",
        };
        Status::new(Code::Unavailable, message).with_origin(Origin::Link)
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Moves on. `Closed` is final.
    pub(crate) fn advance(&self, state: State, reason: Option<Status>) {
        self.progress.send_if_modified(|progress| {
            let moves = progress.state != state && progress.state != State::Closed;
            if moves {
                *progress = Progress { state, reason };
            }
            moves
        });
    }

    /// Shows where the engine is by now. Several threads may have something to tell, and tell it in
    /// any order: so they look, and none can come between the look and the telling.
    pub(crate) fn show_phase(&self, reason: Option<Status>) {
        let core = self.lock();
        match core.engine.as_ref().map(Engine::phase) {
            Some(Phase::Ready) => self.advance(State::Ready, None),
            Some(Phase::Draining) => self.advance(State::Draining, None),
            Some(Phase::Detached) => self.advance(State::Detached, reason),
            // Said by others: there is no link yet, or no session any more.
            _ => {}
        }
    }

    /// Presents another credential to the acceptor.
    pub(crate) async fn reauthenticate(
        self: &Arc<Self>,
        credential: Credential,
    ) -> Result<(), Status> {
        let (waiter, answered) = oneshot::channel();
        self.with(|core, now| {
            let engine = core.engine.as_mut().ok_or_else(|| self.unavailable())?;
            engine.reauthenticate(now, credential)?;
            core.book.reauthenticating = Some(waiter);
            Ok::<_, Status>(())
        })?;
        answered.await.unwrap_or_else(|_| Err(self.unavailable()))
    }

    /// Says goodbye (or, with a status, aborts) and makes no further links.
    pub(crate) fn close(self: &Arc<Self>, status: Option<&Status>) {
        let is_linked = self.with(|core, now| {
            core.is_closing = true;
            match core.engine.as_mut().filter(|_| !core.is_over) {
                Some(engine) => {
                    engine.close(now, status);
                    true
                }
                None => false,
            }
        });
        if !is_linked {
            self.end(status.cloned());
        }
    }

    /// Ends a session that waits for another link, unless it has one by now.
    pub(crate) fn give_up(self: &Arc<Self>, status: &Status) {
        self.with(|core, now| {
            let waits = core.is_detached();
            if let Some(engine) = core.engine.as_mut().filter(|_| waits) {
                engine.close(now, Some(status));
            }
        });
    }

    /// Closed for good, without a link: what was kept for another one ends.
    pub(crate) fn end(self: &Arc<Self>, reason: Option<Status>) {
        let mut later = Vec::new();
        self.lock().book.end_subscriptions(reason.as_ref(), &mut later);
        crate::peer::dispatch::perform(self, &mut later, None);
        self.advance(State::Closed, reason);
        // Handlers may hold this session in turn.
        self.routes.clear();
    }

    pub(crate) fn set_reconnects(&self, reconnects: bool) {
        self.lock().reconnects = reconnects;
    }

    pub(crate) fn link_was_ready(&self) -> bool {
        self.lock().link_was_ready
    }

    /// Wakes the drivers: the engine has said something about its link.
    pub(crate) fn ring_over(&self) {
        self.over.notify_waiters();
    }

    /// Resolves when that holds.
    pub(crate) async fn wait_for(&self, holds: impl Fn(&Core) -> bool) {
        loop {
            // Made before looking, so that no ring slips between.
            let rung = self.over.notified();
            if holds(&self.lock()) {
                return;
            }
            rung.await;
        }
    }

    /// Runs a task that ends with the session at the latest; gives its key among the jobs.
    pub(crate) fn spawn_job(
        self: &Arc<Self>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> u64 {
        let epoch = self.lock().book.epoch;
        let (key, job) = self.start_job(self.key(), epoch, None, work);
        let late = self.lock().register(epoch, [(key, job)]);
        late.iter().for_each(|job| job.abort.abort());
        key
    }

    /// Starts a task of the session, to be registered. Not under the lock: a runtime that shuts
    /// down drops the task at once, and what it holds may need the lock for that.
    pub(crate) fn start_job(
        self: &Arc<Self>,
        key: u64,
        epoch: u32,
        context: Option<Arc<ContextInner>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> (u64, Job) {
        let shared = Arc::clone(self);
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let task = self.runtime.spawn(async move {
            work.await;
            let mut core = shared.lock();
            ended.store(true, Ordering::Relaxed);
            if core.book.epoch == epoch {
                core.book.jobs.remove(&key);
            }
        });
        (key, Job { abort: task.abort_handle(), context, has_ended })
    }

    /// Credit for one stream.
    pub(crate) fn lease_credit(&self) -> Result<CreditLease, Status> {
        self.node.lease_credit(self.limits.initial_credit)
    }

    /// A key for tasks and subscriptions that collides with no engine id.
    pub(crate) fn key(&self) -> u64 {
        OWN_KEY | self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn retain_handle(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn release_handle(self: &Arc<Self>) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 && self.is_dialer {
            self.close(None);
        }
    }
}
