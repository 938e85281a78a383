//! What the measured side serves: it gives back what it gets.

use crate::failure::Failure;
use crate::node;
use fluxar::{Context, Server, Sink, Status, Streaming};
use serde_bytes::ByteBuf;

/// Answers a call with its parameters.
pub(super) const ECHO: &str = "bench.echo";
/// Sends each item back.
pub(super) const ECHO_ITEMS: &str = "bench.echo_items";

/// Registers the bench targets. They keep nothing and cost what a message costs.
pub(crate) fn serve(server: &Server) {
    server.handle(ECHO, |bytes: ByteBuf| async move { Ok::<_, Status>(bytes) });
    server.handle_stream(
        ECHO_ITEMS,
        |_: Context, (): (), mut input: Streaming<ByteBuf>, out: Sink<ByteBuf>| async move {
            while let Some(item) = input.next().await {
                out.send(item?).await?;
            }
            Ok::<(), Status>(())
        },
    );
}

/// Starts a node in this process that serves them over TCP.
///
/// # Errors
/// The loopback interface gives no port.
pub(super) async fn start() -> Result<(Server, String), Failure> {
    let server = Server::bind("tcp://127.0.0.1:0").name("bench").build().await;
    let server = server.map_err(|error| Failure::local(error, "check the loopback interface"))?;
    serve(&server);
    node::spawn(&server);
    let url = server.addresses().first().map(ToString::to_string).unwrap_or_default();
    Ok((server, url))
}
