//! What a handler knows about the call it serves.

use crate::engine::event::Text;
use crate::engine::message::meta::Meta;
use crate::engine::session::auth::Identity;
use crate::engine::time::Time;
use crate::error::Status;
use crate::peer::shared::Shared;
use crate::peer::{Peer, Scope};
use futures_util::task::AtomicWaker;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

thread_local! {
    /// What the handler serves that this thread is polling.
    static CURRENT: Cell<Option<Arc<ContextInner>>> = const { Cell::new(None) };
}

/// Makes this the current one; gives the one before.
pub(crate) fn exchange(context: Option<Arc<ContextInner>>) -> Option<Arc<ContextInner>> {
    CURRENT.replace(context)
}

/// The call, notification or stream that a handler serves. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub(crate) inner: Arc<ContextInner>,
}

pub(crate) struct ContextInner {
    pub(crate) shared: Arc<Shared>,
    target: Text,
    meta: Meta,
    deadline: Option<Time>,
    pub(crate) cancel: CancelState,
}

/// How the peer's wish to stop reaches a handler.
#[derive(Default)]
pub(crate) struct CancelState {
    is_cancelled: AtomicBool,
    is_watched: AtomicBool,
    status: Mutex<Option<Status>>,
    watchers: Notify,
    /// Wakes the task that runs the handler, so that it can drop it.
    pub(crate) runner: AtomicWaker,
}

impl CancelState {
    /// Tells the handler, or, when it does not watch, whoever runs it.
    pub(crate) fn cancel(&self, status: Status) {
        let mut kept = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            *kept = Some(status);
        }
        drop(kept);
        self.is_cancelled.store(true, Ordering::Release);
        self.watchers.notify_waiters();
        self.runner.wake();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// True when the handler asked to be told, and so may finish on its own.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Acquire)
    }

    pub(crate) fn status(&self) -> Option<Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ContextInner {
    pub(crate) fn target(&self) -> &str {
        self.target.as_str()
    }
}

impl Context {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        target: Text,
        meta: Meta,
        deadline: Option<Time>,
    ) -> Self {
        let shared = Arc::clone(shared);
        let cancel = CancelState::default();
        Self { inner: Arc::new(ContextInner { shared, target, meta, deadline, cancel }) }
    }

    /// That of the handler which asks, for methods that are not handed one: those of services from a
    /// contract file. `None` outside of handlers, and in tasks that a handler has spawned.
    ///
    /// ```
    /// async fn approved(text: &str) -> Result<bool, fluxar::Status> {
    ///     let caller = fluxar::Context::current().map(|context| context.peer());
    ///     match caller {
    ///         Some(caller) => caller.call("approvals.approve", text).await,
    ///         None => Ok(false),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        let inner = exchange(None);
        let context = inner.clone().map(|inner| Self { inner });
        exchange(inner);
        context
    }

    /// What was called: `service.method`.
    #[must_use]
    pub fn target(&self) -> &str {
        self.inner.target.as_str()
    }

    /// The caller, to call back. Calls made on this handle inherit the deadline and count as
    /// nested: a chain that gets too long ends with `resource_exhausted`.
    #[must_use]
    pub fn peer(&self) -> Peer {
        let hops = self.inner.meta.hops().saturating_add(1);
        let scope = Scope { hops, deadline: self.inner.deadline };
        Peer::scoped(&self.inner.shared, scope)
    }

    /// Who the caller is, as the authenticator said.
    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        self.inner.shared.identity()
    }

    /// When the caller stops waiting, on tokio's clock.
    #[must_use]
    pub fn deadline(&self) -> Option<tokio::time::Instant> {
        self.inner.deadline.map(|time| self.inner.shared.instant(time))
    }

    /// How long the caller still waits; `None` means for ever.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.inner.deadline.map(|time| time.since(self.inner.shared.now()))
    }

    /// The caller's meta entry with this key.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.inner.meta.get(key)
    }

    /// Calls between the first caller of the chain and this one.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.inner.meta.hops()
    }

    /// True once the caller has cancelled or its deadline has passed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancel.is_cancelled()
    }

    /// Resolves when the caller cancels or its deadline passes.
    ///
    /// A handler that calls this says that it wants to finish on its own: it then has
    /// [`Limits::cancel_grace`](crate::Limits) for it, and may still answer. A handler that never
    /// does is dropped at its current await point. Cancel safe.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        let inner = Arc::clone(&self.inner);
        // Said now, not at the first poll, so that a `select!` later in the handler counts.
        inner.cancel.is_watched.store(true, Ordering::Release);
        async move {
            let mut told = std::pin::pin!(inner.cancel.watchers.notified());
            // Listening comes before looking, so that nothing is missed between the two.
            told.as_mut().enable();
            if !inner.cancel.is_cancelled() {
                told.await;
            }
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("target", &self.inner.target)
            .field("deadline", &self.inner.deadline)
            .field("hops", &self.inner.meta.hops())
            .finish_non_exhaustive()
    }
}
