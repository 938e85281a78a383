//! What the side that is called does.

use crate::contract::{
    Back, BackClient, Colour, Item, MatrixError, Odd, Say, Shapes, Tick, Ticks, Total, Word,
};
use fluxar::service::Error;
use fluxar::service::topic::Topic;
use fluxar::{Client, Code, Context, Peer, Server, Sink, Status, Stream, Streaming};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;

/// The side that this program is: it has topics of its own, and somebody at the other end.
#[derive(Clone)]
pub(crate) enum Home {
    Server(Server),
    Client(Client),
}

impl Home {
    pub(crate) fn publish(&self, at: &Ticks, item: &Item) -> Result<(), Status> {
        match self {
            Self::Server(server) => server.publish(&at.path()?, item),
            Self::Client(client) => client.publish_local(&at.path()?, item),
        }
    }
}

pub(crate) struct Served {
    home: Arc<OnceLock<Home>>,
    stopped: Arc<AtomicU32>,
    notes: AtomicU32,
    runs: AtomicU32,
}

/// Counts a handler that is dropped before its end.
struct Running(Option<Arc<AtomicU32>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stopped) = &self.0 {
            stopped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Served {
    pub(crate) fn new(home: Arc<OnceLock<Home>>) -> Self {
        Self { home, stopped: Arc::default(), notes: AtomicU32::new(0), runs: AtomicU32::new(0) }
    }

    fn home(&self) -> Result<&Home, Status> {
        self.home.get().ok_or_else(|| Status::new(Code::Unavailable, "not ready yet"))
    }
}

/// Whoever calls the method that asks.
fn caller() -> Result<Peer, Status> {
    let context = Context::current();
    context
        .map(|context| context.peer())
        .ok_or_else(|| Status::new(Code::Internal, "there is no caller"))
}

fn refusal(text: &str) -> Result<(), MatrixError> {
    match text {
        "refuse" => Err(MatrixError::Refused { reason: "as asked".into() }),
        "empty" => Err(MatrixError::Empty),
        _ => Ok(()),
    }
}

/// No case meets it: a stream that breaks.
fn broken(_: Status) -> MatrixError {
    MatrixError::Empty
}

impl Shapes for Served {
    async fn unary(&self, item: Item) -> Result<Item, MatrixError> {
        refusal(&item.text)?;
        Ok(Item { n: item.n + 1, ..item })
    }

    async fn nothing(&self) -> Result<(), Status> {
        Ok(())
    }

    async fn note(&self, item: Item) {
        self.notes.fetch_add(item.n, Ordering::Relaxed);
    }

    async fn notes(&self) -> Result<u32, Status> {
        Ok(self.notes.load(Ordering::Relaxed))
    }

    fn items(&self, count: u32, text: String) -> impl Stream<Item = Result<Item, MatrixError>> {
        let end = stream::iter(refusal(&text).err().map(Err));
        stream::iter((0..count).map(move |n| Ok(Item { n, text: text.clone() }))).chain(end)
    }

    async fn collect(&self, prefix: String, items: Streaming<Item>) -> Result<Total, MatrixError> {
        let total = Total { count: 0, text: prefix };
        let add = |total: Total, item: Item| async move {
            Ok(Total { count: total.count + 1, text: total.text + &item.text })
        };
        items.try_fold(total, add).await.map_err(broken)
    }

    fn chat(
        &self,
        prefix: String,
        items: Streaming<Item>,
    ) -> impl Stream<Item = Result<Item, MatrixError>> {
        let with_prefix = move |item: Item| Item { n: item.n, text: prefix.clone() + &item.text };
        items.map_ok(with_prefix).map_err(broken)
    }

    async fn then(&self, count: u32, text: String, out: Sink<Item>) -> Result<Total, MatrixError> {
        for n in 0..count {
            out.send(Item { n, text: text.clone() }).await.map_err(broken)?;
        }
        refusal(&text)?;
        Ok(Total { count, text })
    }

    async fn both(
        &self,
        mut items: Streaming<Item>,
        out: Sink<Item>,
    ) -> Result<Total, MatrixError> {
        let mut count = 0;
        while let Some(item) = items.next().await {
            count += 1;
            out.send(item.map_err(broken)?).await.map_err(broken)?;
        }
        Ok(Total { count, text: String::new() })
    }

    async fn slow(&self, ms: u32) -> Result<u32, Status> {
        let mut running = Running(Some(Arc::clone(&self.stopped)));
        let pause = Duration::from_millis(ms.into());
        let _elapsed = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        running.0 = None;
        Ok(ms)
    }

    fn forever(&self) -> impl Stream<Item = Result<Item, Status>> {
        let running = Running(Some(Arc::clone(&self.stopped)));
        let ticks = tokio::time::interval(Duration::from_millis(1));
        stream::unfold((running, ticks, 0), |(running, mut ticks, n)| async move {
            ticks.tick().await;
            Some((Ok(Item { n, text: String::new() }), (running, ticks, n + 1)))
        })
    }

    async fn cancelled(&self) -> Result<u32, Status> {
        Ok(self.stopped.load(Ordering::Relaxed))
    }

    async fn once(&self, ms: u32) -> Result<u32, Status> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let pause = Duration::from_millis(ms.into());
        let _elapsed = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        Ok(run)
    }

    async fn back(&self, text: String) -> Result<String, MatrixError> {
        let caller = caller().map_err(broken)?;
        BackClient::new(&caller).answer(text).await.map_err(|error| match error {
            Error::App(error) => error,
            other => broken(other.into()),
        })
    }

    async fn announce(&self, colour: Colour, tick: Tick) -> Result<(), Status> {
        self.home()?.publish(&Ticks { colour, name: tick.name }, &tick.item)
    }

    fn watch(&self, colour: Colour, count: u32) -> impl Stream<Item = Result<Tick, Status>> {
        let caller = caller();
        let subscribed = async move { Ticks::subscribe(&caller?).colour(colour).await };
        let ticks = stream::once(subscribed).map_ok(move |events| {
            let item = Item { n: 0, text: String::new() };
            let granted = stream::iter([Ok(Tick { name: String::new(), item })]);
            let tick = |(at, item): (Ticks, Item)| Tick { name: at.name, item };
            granted.chain(events.map_ok(tick).take(count as usize))
        });
        ticks.try_flatten()
    }

    async fn r#await(&self, self_: Odd) -> Result<Odd, Status> {
        Ok(self_)
    }

    async fn constructor(&self, __proto__: Say) -> Result<Say, Status> {
        Ok(__proto__)
    }

    async fn None(&self, r#type: Word) -> Result<Word, Status> {
        Ok(r#type)
    }
}

/// What the caller offers.
#[derive(Default)]
pub(crate) struct Answers {
    /// Told when the other side says `ready`.
    pub(crate) ready: Arc<Notify>,
}

impl Back for Answers {
    async fn answer(&self, text: String) -> Result<String, MatrixError> {
        match text.as_str() {
            "refuse" => return Err(MatrixError::Refused { reason: "not me".into() }),
            "ready" => self.ready.notify_one(),
            _ => {}
        }
        Ok(text.chars().rev().collect())
    }
}
