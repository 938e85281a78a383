//! One handler at work: kept from harming anything else, and ended when its caller is gone.

use crate::error::{Code, Status};
use crate::peer::context::{ContextInner, exchange};
use crate::peer::core::Later;
use crate::peer::router::{BoxFuture, Outcome};
use crate::peer::shared::Shared;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::time::Sleep;

const PUT_BACK: &str = "a context is put back after every poll";

/// What a handler answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    Call(u64),
    Notification,
    Stream(u64),
}

/// A handler's future. A panic becomes `internal`; a cancellation drops it, or starts its grace.
pub(crate) struct Guarded {
    /// Away only while the handler is polled.
    context: Option<Arc<ContextInner>>,
    future: Option<BoxFuture<Outcome>>,
    grace: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    /// Runs the part of the handler that makes the future.
    pub(crate) fn start(
        context: Arc<ContextInner>,
        start: impl FnOnce() -> BoxFuture<Outcome>,
    ) -> Result<Self, Status> {
        match catch_unwind(AssertUnwindSafe(start)) {
            Ok(future) => Ok(Self { context: Some(context), future: Some(future), grace: None }),
            Err(_) => Err(panicked(&context)),
        }
    }

    /// The first look, by a reader that has no time to wait: most handlers are done by then.
    pub(crate) fn poll_at_once(&mut self) -> Poll<Outcome> {
        self.poll_future(&mut Context::from_waker(Waker::noop()))
    }

    fn poll_future(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(future) = self.future.as_mut() else {
            return Poll::Ready(Err(Status::new(Code::Cancelled, "the handler has ended")));
        };
        let outer = exchange(self.context.take());
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        self.context = exchange(outer);
        match polled {
            Ok(poll) => poll,
            Err(_) => {
                self.discard();
                Poll::Ready(Err(panicked(self.context())))
            }
        }
    }

    /// What the handler serves.
    pub(crate) fn context(&self) -> &Arc<ContextInner> {
        self.context.as_ref().expect(PUT_BACK)
    }

    /// Drops the handler; what its destructors do must not hurt us either.
    fn discard(&mut self) {
        let future = self.future.take();
        if catch_unwind(AssertUnwindSafe(|| drop(future))).is_err() {
            let _status = panicked(self.context());
        }
    }
}

impl Future for Guarded {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        // Registered before looking, so that a cancellation in between wakes us.
        let context = this.context.as_deref().expect(PUT_BACK);
        let cancel = &context.cancel;
        cancel.runner.register(cx.waker());
        if cancel.is_cancelled() {
            let mut is_due = !cancel.is_watched();
            if !is_due {
                let grace = context.shared.limits.cancel_grace;
                let sleep = this.grace.get_or_insert_with(|| Box::pin(tokio::time::sleep(grace)));
                is_due = sleep.as_mut().poll(cx).is_ready();
            }
            if is_due {
                this.discard();
                let status = this.context().cancel.status();
                let cancelled = || Status::new(Code::Cancelled, "cancelled by the caller");
                return Poll::Ready(Err(status.unwrap_or_else(cancelled)));
            }
        }
        this.poll_future(cx)
    }
}

fn panicked(context: &ContextInner) -> Status {
    let target = context.target();
    tracing::error!(target: "fluxar", method = ?target, "handler panicked");
    let message = format!("the handler of `{target}` panicked: see the log of its process");
    Status::new(Code::Internal, message)
}

/// Runs a handler to its end in a task, and answers.
pub(crate) async fn run(shared: Arc<Shared>, epoch: u32, duty: Duty, work: Guarded) {
    let outcome = work.await;
    answer_all(&shared, epoch, &mut vec![(duty, outcome)]).await;
}

/// Answers one after the other, waiting while too much waits for the link.
pub(crate) async fn answer_all(
    shared: &Arc<Shared>,
    epoch: u32,
    answers: &mut Vec<(Duty, Outcome)>,
) {
    while !answers.is_empty() {
        let (rest, wakers) = shared.with(|core, now| {
            if core.book.epoch != epoch {
                answers.clear();
            }
            let mut wakers = Vec::new();
            let rest = core.answer(now, answers, &mut wakers).then(|| shared.writable());
            (rest, wakers)
        });
        for later in wakers {
            if let Later::Wake(waker) = later {
                waker.wake();
            }
        }
        if let Some(writable) = rest {
            writable.await;
        }
    }
}
