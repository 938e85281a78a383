//! Which handler serves which target.

use crate::error::Status;
use crate::payload::{self, Decode, Keys};
use crate::peer::Context;
use crate::peer::raw::{RawSink, RawStreaming};
use crate::service::describe::Registry;
use bytes::Bytes;
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What every handler comes down to: perhaps a payload, or a status.
pub(crate) type Outcome = Result<Option<Vec<u8>>, Status>;
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;
pub(crate) type UnaryFn = dyn Fn(Context, Params) -> BoxFuture<Outcome> + Send + Sync;
type StreamFn = dyn Fn(Context, Params, RawStreaming, RawSink) -> BoxFuture<Outcome> + Send + Sync;

/// Something that serves a set of targets: what `#[fluxar::service]` generates for a trait.
pub trait Service: Send + 'static {
    /// The handlers, by target.
    fn routes(self) -> Routes;
}

impl Service for Routes {
    fn routes(self) -> Routes {
        self
    }
}

/// The encoded parameters of a call, perhaps absent.
#[derive(Clone, Debug, Default)]
pub struct Params {
    bytes: Option<Bytes>,
    keys: Keys,
}

impl Params {
    pub(crate) fn new(bytes: Option<Bytes>, keys: Keys) -> Self {
        Self { bytes, keys }
    }

    /// How the answer is to be written.
    #[must_use]
    pub fn keys(&self) -> Keys {
        self.keys
    }

    /// The bytes; empty when absent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }

    /// Decodes them; absent parameters read as null.
    ///
    /// # Errors
    /// `invalid_argument`, naming the place of what did not fit.
    pub fn decode<P: DeserializeOwned>(&self) -> Result<P, Status> {
        payload::decode_with(self.as_bytes(), true)
    }

    /// Decodes the parameters of a generated method: absent ones read as an empty map.
    ///
    /// # Errors
    /// As [`Params::decode`].
    #[doc(hidden)]
    pub fn named<P: Decode>(&self) -> Result<P, Status> {
        match self.as_bytes() {
            [] | [0xf6] => payload::decode_native(&[0xa0]),
            bytes => payload::decode_native(bytes),
        }
    }

    /// For a method without parameters: absent, null or an empty map.
    ///
    /// # Errors
    /// `invalid_argument` when there are some.
    pub fn none(&self) -> Result<(), Status> {
        match self.as_bytes() {
            [] | [0xf6 | 0xa0 | 0x80] => Ok(()),
            _ => Err(Status::new(
                crate::Code::InvalidArgument,
                "this method takes no parameters: send none",
            )),
        }
    }
}

#[derive(Clone)]
pub(crate) enum Route {
    Unary(Arc<UnaryFn>),
    Stream(Arc<StreamFn>),
}

/// Handlers by target, to be registered together. The last handler of a target counts.
#[derive(Clone, Default)]
pub struct Routes {
    map: FxHashMap<Box<str>, Route>,
    /// What describes the services among them.
    described: Vec<Describe>,
}

type Describe = fn(&mut Registry);

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves calls of `target`: one answer, already encoded.
    pub fn unary<F, Fut>(&mut self, target: &str, handler: F)
    where
        F: Fn(Context, Params) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>, Status>> + Send + 'static,
    {
        let run = move |context: Context, params: Params| -> BoxFuture<Outcome> {
            let answer = handler(context, params);
            Box::pin(async move { answer.await.map(Some) })
        };
        self.map.insert(target.into(), Route::Unary(Arc::new(run)));
    }

    /// Serves notifications of `target`. A call of it is answered with nothing.
    pub fn notification<F, Fut>(&mut self, target: &str, handler: F)
    where
        F: Fn(Context, Params) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let run = move |context: Context, params: Params| -> BoxFuture<Outcome> {
            let done = handler(context, params);
            Box::pin(async move { done.await.map(|()| None) })
        };
        self.map.insert(target.into(), Route::Unary(Arc::new(run)));
    }

    /// Serves streams of `target`: items either way, then perhaps a result, all encoded.
    pub fn stream<F, Fut>(&mut self, target: &str, handler: F)
    where
        F: Fn(Context, Params, RawStreaming, RawSink) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let run = move |context: Context,
                        params: Params,
                        input: RawStreaming,
                        output: RawSink|
              -> BoxFuture<Outcome> {
            Box::pin(handler(context, params, input, output))
        };
        self.map.insert(target.into(), Route::Stream(Arc::new(run)));
    }

    /// Says what of these handlers is a service of a contract: what `fluxar.describe` answers with.
    pub fn describe(&mut self, describe: fn(&mut Registry)) {
        self.described.push(describe);
    }

    /// Takes over all handlers of `other`.
    pub fn merge(&mut self, other: Self) {
        self.described.extend(other.described);
        self.map.extend(other.map);
    }

    /// The targets served, in no order.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(|target| &**target)
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.targets()).finish()
    }
}

/// Routes that may grow while calls come in. Readers hold a snapshot, and look at one number to
/// see whether it is still the newest.
#[derive(Default)]
pub(crate) struct Router {
    version: AtomicU64,
    routes: RwLock<Arc<Routes>>,
}

impl Router {
    pub(crate) fn add(&self, routes: Routes) {
        let mut current = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Routes::clone(&current);
        next.merge(routes);
        let replaced = std::mem::replace(&mut *current, Arc::new(next));
        self.version.fetch_add(1, Ordering::Release);
        // What replaced handlers hold may want this lock when it is dropped.
        drop(current);
        drop(replaced);
    }

    /// Drops all handlers. What their destructors do must not hurt us.
    pub(crate) fn clear(&self) {
        let mut current = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let dropped = std::mem::take(&mut *current);
        self.version.fetch_add(1, Ordering::Release);
        drop(current);
        if catch_unwind(AssertUnwindSafe(|| drop(dropped))).is_err() {
            tracing::error!(target: "fluxar", "what a handler held panicked when dropped");
        }
    }

    fn snapshot(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A reader's snapshots of a session's own routes and of its node's.
#[derive(Default)]
pub(crate) struct RouteCache {
    own: (u64, Arc<Routes>),
    node: (u64, Arc<Routes>),
}

impl RouteCache {
    /// Catches up; cheap when nothing has changed.
    pub(crate) fn refresh(&mut self, own: &Router, node: &Router) {
        for (cached, router) in [(&mut self.own, own), (&mut self.node, node)] {
            let version = router.version.load(Ordering::Acquire);
            if cached.0 != version {
                *cached = (version, router.snapshot());
            }
        }
    }

    /// The descriptor of all that is served.
    pub(crate) fn describe(&self) -> Vec<u8> {
        let mut registry = Registry::new();
        for routes in [&self.own.1, &self.node.1] {
            routes.described.iter().for_each(|describe| describe(&mut registry));
        }
        let known: HashSet<&str> = registry.targets().collect();
        let all = self.own.1.targets().chain(self.node.1.targets());
        let raw: BTreeSet<&str> = all.filter(|target| !known.contains(target)).collect();
        registry.raw(raw.into_iter());
        registry.descriptor()
    }

    /// The handler of a target: the session's own routes go before the node's.
    pub(crate) fn find(&self, target: &str) -> Option<&Route> {
        let own = if self.own.1.map.is_empty() { None } else { self.own.1.map.get(target) };
        own.or_else(|| self.node.1.map.get(target))
    }
}
