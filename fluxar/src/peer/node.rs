//! What the sessions of one participant share: handlers, topics, limits and the authenticator.

use crate::config::Limits;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::{Engine, WireConfig};
use crate::error::{Code, Status};
use crate::peer::hub::Hub;
use crate::peer::idempotency::Keys;
use crate::peer::router::{BoxFuture, Router};
use crate::peer::shared::Shared;
use crate::transport::{LinkInfo, PeerCertificate};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What one process may hold for all of its sessions together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeLimits {
    /// Sessions past their handshake. 1,024; the next is told `resource_exhausted`.
    pub sessions_max: usize,
    /// Links in their handshake. 1,024; beyond it the one that has taken longest is cut, so that
    /// silent peers cannot keep others out.
    pub handshakes_max: usize,
    /// Sum of the credit of all streams and subscriptions that peers may send on: what they can
    /// make this process hold. 1 GiB; what would pass it is refused with `resource_exhausted`.
    pub credit_bytes_max: u64,
    /// Sessions of one identity that wait for another link. 8; the oldest makes room. Peers without
    /// an identity count by their instance.
    pub detached_per_identity_max: usize,
    /// Bytes that all sessions without a link hold to be sent. 256 MiB; the oldest makes room.
    pub detached_bytes_max: u64,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            sessions_max: 1024,
            handshakes_max: 1024,
            credit_bytes_max: 1 << 30,
            detached_per_identity_max: 8,
            detached_bytes_max: 256 << 20,
        }
    }
}

/// Somebody who wants a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthAttempt {
    /// What it presents. [`Credential::Certificate`] also when it presents nothing and has shown a
    /// certificate in the transport's handshake: that is what it is known by then.
    pub credential: Credential,
    /// Who it says it is.
    pub peer: PeerInfo,
    /// Where it comes from.
    pub link: Option<LinkInfo>,
    /// The key that it has proved to have, if the link is sealed and it has one. See `Seal`.
    pub seal_key: Option<[u8; 32]>,
}

impl AuthAttempt {
    /// Whoever presents nothing over a link that has proved its certificate presents that.
    /// `[L4.mtls.2]`
    pub(crate) fn new(
        credential: Credential,
        peer: PeerInfo,
        link: Option<LinkInfo>,
        seal_key: Option<[u8; 32]>,
    ) -> Self {
        let mut attempt = Self { credential, peer, link, seal_key };
        if attempt.credential == Credential::None && attempt.certificate().is_some() {
            attempt.credential = Credential::Certificate;
        }
        attempt
    }

    /// The certificate that the transport's handshake has shown.
    #[must_use]
    pub fn certificate(&self) -> Option<&PeerCertificate> {
        self.link.as_ref()?.security.as_ref()?.peer_certificate.as_ref()
    }
}

/// Decides who somebody is and what it may do. Any `Fn(AuthAttempt) -> impl Future<Output =
/// Result<Identity, Status>>` is one.
pub trait Authenticator: Send + Sync + 'static {
    /// Accepts with an identity, or refuses with a status (`unauthenticated`, usually). Dropped
    /// when the session ends, or another offer of it takes this one's place; what is said after the
    /// handshake's time is over changes nothing.
    fn authenticate(&self, attempt: AuthAttempt) -> BoxFuture<Result<Identity, Status>>;
}

impl<F, Fut> Authenticator for F
where
    F: Fn(AuthAttempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Identity, Status>> + Send + 'static,
{
    fn authenticate(&self, attempt: AuthAttempt) -> BoxFuture<Result<Identity, Status>> {
        Box::pin(self(attempt))
    }
}

pub(crate) struct NodeInner {
    pub(crate) limits: Limits,
    pub(crate) node_limits: NodeLimits,
    pub(crate) info: PeerInfo,
    pub(crate) wire: WireConfig,
    pub(crate) routes: Router,
    pub(crate) hub: Hub,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    /// Its sessions are to outlive their links.
    pub(crate) resumes: bool,
    keys: Mutex<Keys>,
    sessions: Mutex<Sessions>,
    credit_left: AtomicU64,
    next_key: AtomicU64,
    is_stopping: AtomicBool,
    /// Rung when a session or handshake has gone.
    emptied: Notify,
}

#[derive(Default)]
struct Sessions {
    ready: FxHashMap<u64, Arc<Shared>>,
    /// Those that outlive their link, by the name that both sides know.
    resumable: FxHashMap<[u8; 16], u64>,
    /// Of these the ones without a link, the longest first.
    detached: VecDeque<u64>,
    /// Accepted sessions that hold one of the places, ready or about to be.
    admitted: FxHashSet<u64>,
    /// The tasks of accepted links, and of these the ones in their handshake, oldest first.
    tasks: FxHashMap<u64, AbortHandle>,
    handshakes: BTreeMap<u64, AbortHandle>,
}

impl Sessions {
    fn has_place(&self, sessions_max: usize) -> Result<(), Status> {
        if self.admitted.len() >= sessions_max {
            let text = "this peer has as many sessions as it takes: retry later";
            return Err(Status::new(Code::ResourceExhausted, text));
        }
        Ok(())
    }
}

impl NodeInner {
    pub(crate) fn new(
        limits: Limits,
        node_limits: NodeLimits,
        info: PeerInfo,
        authenticator: Option<Arc<dyn Authenticator>>,
        (resumes, wire): (bool, WireConfig),
    ) -> Arc<Self> {
        let credit_left = AtomicU64::new(node_limits.credit_bytes_max);
        let (routes, hub, sessions) = (Router::default(), Hub::default(), Mutex::default());
        // Key 0 is the node itself.
        let (next_key, emptied) = (AtomicU64::new(1), Notify::new());
        Arc::new(Self {
            limits,
            node_limits,
            info,
            routes,
            hub,
            authenticator,
            resumes,
            wire,
            keys: Mutex::default(),
            sessions,
            credit_left,
            next_key,
            is_stopping: AtomicBool::new(false),
            emptied,
        })
    }

    pub(crate) fn next_key(&self) -> u64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls that may come more than once.
    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn session(&self, key: u64) -> Option<Arc<Shared>> {
        self.sessions().ready.get(&key).cloned()
    }

    /// The sessions that are ready.
    pub(crate) fn all(&self) -> Vec<Arc<Shared>> {
        self.sessions().ready.values().cloned().collect()
    }

    /// Whether another session is welcome.
    pub(crate) fn admits(&self, session: u64, has_place: bool) -> Result<(), Status> {
        if self.sessions().admitted.contains(&session) {
            // It is here, and authenticates again.
            return Ok(());
        }
        if self.is_stopping.load(Ordering::Acquire) {
            let text = "this peer is shutting down: go to another, or retry later";
            return Err(Status::new(Code::Unavailable, text));
        }
        if has_place { Ok(()) } else { self.sessions().has_place(self.node_limits.sessions_max) }
    }

    /// Takes a place for a session that is welcome: many may ask at once.
    pub(crate) fn admit(&self, session: u64) -> Result<(), Status> {
        self.admits(session, true)?;
        let mut sessions = self.sessions();
        if !sessions.admitted.contains(&session) {
            sessions.has_place(self.node_limits.sessions_max)?;
        }
        sessions.admitted.insert(session);
        Ok(())
    }

    /// Admits nobody any more, and says goodbye to those who are here.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        let handshakes = std::mem::take(&mut self.sessions().handshakes);
        handshakes.values().for_each(AbortHandle::abort);
        self.all().iter().for_each(|shared| shared.close(None));
    }

    /// The last sessions are gone: ends the subscriptions within the node, and drops the handlers,
    /// which may hold the node in turn.
    pub(crate) fn close(&self) {
        self.hub.close();
        self.routes.clear();
    }

    /// The session that a dialer calls by this name.
    pub(crate) fn resumable(&self, name: [u8; 16]) -> Option<Arc<Shared>> {
        let sessions = self.sessions();
        sessions.resumable.get(&name).and_then(|key| sessions.ready.get(key)).cloned()
    }

    /// A session waits for another link. It must not be one too many, nor may all of them hold too
    /// much: else the oldest makes room.
    pub(crate) fn session_detached(&self, shared: &Arc<Shared>) {
        let mut sessions = self.sessions();
        sessions.detached.retain(|key| *key != shared.session);
        if sessions.ready.contains_key(&shared.session) {
            sessions.detached.push_back(shared.session);
        }
        let waiting: Vec<Arc<Shared>> =
            sessions.detached.iter().filter_map(|key| sessions.ready.get(key)).cloned().collect();
        drop(sessions);
        let (mut of_owner, mut bytes) = (0, 0);
        let owner = shared.owner();
        // The newest first: what has no place then is old.
        for waiting in waiting.into_iter().rev() {
            let (is_detached, held) = {
                let core = waiting.lock();
                let held = |engine: &Engine| engine.replay_bytes() + engine.outbox_bytes();
                (core.is_detached(), core.engine.as_ref().map_or(0, held))
            };
            if !is_detached {
                continue;
            }
            let is_same = waiting.owner() == owner;
            of_owner += usize::from(is_same);
            bytes += held as u64;
            let too_many = is_same && of_owner > self.node_limits.detached_per_identity_max;
            if too_many || bytes > self.node_limits.detached_bytes_max {
                bytes -= held as u64;
                let text = "too many sessions wait for another link: this one is the oldest";
                waiting.give_up(&Status::new(Code::ResourceExhausted, text));
            }
        }
    }

    /// The link of this task goes to a session that was made before.
    pub(crate) fn handshake_done(&self, key: u64) {
        self.sessions().handshakes.remove(&key);
    }

    pub(crate) fn session_ready(&self, shared: &Arc<Shared>) {
        let name = {
            let core = shared.lock();
            let engine = core.engine.as_ref().filter(|engine| engine.is_resumable());
            engine.map(Engine::session).filter(|_| !shared.is_dialer)
        };
        let mut sessions = self.sessions();
        sessions.handshakes.remove(&shared.session);
        sessions.ready.insert(shared.session, Arc::clone(shared));
        if let Some(name) = name {
            sessions.resumable.insert(name, shared.session);
        }
        drop(sessions);
        if self.is_stopping.load(Ordering::Acquire) {
            shared.close(None);
        }
    }

    /// The session's link is gone: its subscriptions end, it counts no more.
    pub(crate) fn forget_session(&self, key: u64) {
        self.hub.forget_session(key);
        let mut sessions = self.sessions();
        sessions.admitted.remove(&key);
        let gone = sessions.ready.remove(&key);
        sessions.resumable.retain(|_, session| *session != key);
        sessions.detached.retain(|session| *session != key);
        drop(sessions);
        drop(gone);
        self.emptied.notify_waiters();
    }

    /// Registers an accepted link's task. The oldest handshake makes room for a new one.
    pub(crate) fn task_started(&self, key: u64, task: &AbortHandle) {
        let mut sessions = self.sessions();
        sessions.tasks.insert(key, task.clone());
        sessions.handshakes.insert(key, task.clone());
        if sessions.handshakes.len() > self.node_limits.handshakes_max
            && let Some((_, oldest)) = sessions.handshakes.pop_first()
        {
            tracing::debug!(target: "fluxar", "too many handshakes: the oldest is cut");
            oldest.abort();
        }
    }

    pub(crate) fn task_ended(&self, key: u64) {
        let mut sessions = self.sessions();
        sessions.tasks.remove(&key);
        sessions.handshakes.remove(&key);
        // Another link may have taken over the session.
        if !sessions.ready.contains_key(&key) {
            sessions.admitted.remove(&key);
        }
        drop(sessions);
        self.emptied.notify_waiters();
    }

    /// Resolves when no accepted link is left.
    pub(crate) async fn wait_empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.sessions().tasks.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    pub(crate) fn abort_all(&self) {
        let tasks: Vec<AbortHandle> = self.sessions().tasks.values().cloned().collect();
        tasks.iter().for_each(AbortHandle::abort);
    }

    /// Takes credit for a stream or subscription out of what is left for all.
    pub(crate) fn lease_credit(self: &Arc<Self>, bytes: u32) -> Result<CreditLease, Status> {
        let bytes = u64::from(bytes);
        let take = |left: u64| left.checked_sub(bytes);
        match self.credit_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
            Ok(_) => Ok(CreditLease { node: Arc::clone(self), bytes }),
            Err(_) => {
                let text = "this process has given all the credit that it may: end some streams";
                Err(Status::new(Code::ResourceExhausted, text))
            }
        }
    }
}

/// Part of the node's credit, given back when dropped.
pub(crate) struct CreditLease {
    node: Arc<NodeInner>,
    bytes: u64,
}

impl Drop for CreditLease {
    fn drop(&mut self) {
        self.node.credit_left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}
