//! Tools for the tests of your own services: two connected peers without a network, and links
//! that fail on purpose. Everything works under `tokio::time::pause`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pair = fluxar::testing::pair().build().await?;
//! pair.server.handle("math.double", |n: u32| async move { Ok::<_, fluxar::Status>(n * 2) });
//! let four: u32 = pair.client.call("math.double", &2).await?;
//! assert_eq!(four, 4);
//! # Ok(())
//! # }
//! ```

mod faulty;

pub use faulty::{Direction, FaultyLink, LinkControl};

use crate::peer::{Client, ClientBuilder, ConnectError, Peer, Server, ServerBuilder};
use crate::transport::mem;

/// Two connected peers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pair {
    /// The accepting side's node.
    pub server: Server,
    /// The accepting side's handle of the session.
    pub peer: Peer,
    /// The dialing side.
    pub client: Client,
    /// Breaks the link between them.
    pub link: LinkControl,
}

/// What a [`Pair`] is made of.
#[derive(Debug)]
#[must_use = "call build"]
pub struct PairBuilder {
    server: ServerBuilder,
    client: ClientBuilder,
    link: FaultyLink,
    capacity_bytes: usize,
}

/// Prepares two peers that are connected in memory.
pub fn pair() -> PairBuilder {
    PairBuilder {
        server: Server::unbound(),
        client: Client::connect("mem://pair"),
        link: FaultyLink::new(),
        capacity_bytes: mem::CAPACITY_BYTES,
    }
}

/// Where a session stands: phases, queues, sequence numbers, who waits for what. For people who look
/// for why a test waits in vain; the text has no form that lasts, and nothing that was sent.
#[must_use]
pub fn snapshot(peer: &Peer) -> String {
    peer.shared.snapshot()
}

impl PairBuilder {
    /// Changes the accepting side: name, limits, authenticator.
    pub fn server(mut self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        self.server = change(self.server);
        self
    }

    /// Changes the dialing side: name, limits, auth, handlers.
    pub fn client(mut self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        self.client = change(self.client);
        self
    }

    /// What goes wrong with the link, as seen from the dialing side.
    pub fn link(mut self, link: FaultyLink) -> Self {
        self.link = link;
        self
    }

    /// Bytes under way in each direction before a writer waits. 64 KiB.
    pub fn capacity_bytes(mut self, bytes: usize) -> Self {
        self.capacity_bytes = bytes;
        self
    }

    /// Connects them, and waits until both are ready. The link is not made anew when it is lost.
    ///
    /// # Errors
    /// The accepting side refused.
    pub async fn build(self) -> Result<Pair, ConnectError> {
        let server = self.server.build().await.expect("listening nowhere cannot fail");
        let (dialed, accepted) = mem::pair_with_capacity(self.capacity_bytes);
        let (dialed, link) = self.link.wrap(dialed);
        server.accept_link(accepted);
        let client = self.client.build_on(dialed).await?;
        // The dialer is ready first; its confirmation is on the way, in order with a ping.
        client.ping().await.map_err(ConnectError::Refused)?;
        let peer = server.peers().pop().ok_or_else(|| {
            let text = "the acceptor lost the session at once";
            ConnectError::Refused(crate::Status::new(crate::Code::Unavailable, text))
        })?;
        Ok(Pair { server, peer, client, link })
    }
}
