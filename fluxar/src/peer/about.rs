//! Who is at the other end of a session, and over which link.

use crate::engine::session::auth::{Identity, Rights};
use crate::engine::session::handshake::PeerInfo;
use crate::peer::shared::Shared;
use crate::transport::LinkInfo;
use std::sync::{Arc, MutexGuard, PoisonError};

/// What is known of the other side.
pub(crate) struct About {
    identity: Arc<Identity>,
    peer: Arc<PeerInfo>,
    link: Option<LinkInfo>,
}

impl Default for About {
    /// Nobody yet, who may do nothing: a handler that looks too early must not find more.
    fn default() -> Self {
        let identity = Arc::new(Identity::new("", Rights::none()));
        Self { identity, peer: Arc::default(), link: None }
    }
}

impl Shared {
    pub(crate) fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.about().identity)
    }

    pub(crate) fn peer_info(&self) -> Arc<PeerInfo> {
        Arc::clone(&self.about().peer)
    }

    /// Whose session it is: an identity's, or a nameless peer's.
    pub(crate) fn owner(&self) -> (String, Option<[u8; 16]>) {
        let about = self.about();
        let is_nameless = *about.identity == Identity::anonymous();
        (about.identity.name.clone(), is_nameless.then_some(about.peer.instance))
    }

    pub(crate) fn link_info(&self) -> Option<LinkInfo> {
        self.about().link.clone()
    }

    pub(crate) fn set_link(&self, link: LinkInfo) {
        self.about().link = Some(link);
    }

    pub(crate) fn set_peer(&self, peer: PeerInfo, identity: Identity) {
        let mut about = self.about();
        about.peer = Arc::new(peer);
        about.identity = Arc::new(identity);
    }

    pub(crate) fn set_identity(&self, identity: Identity) {
        self.about().identity = Arc::new(identity);
    }

    fn about(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
