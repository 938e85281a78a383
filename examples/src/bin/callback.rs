//! Two programs that call each other over one connection: who dialed does not matter.
//!
//! The worker dials the office and offers `worker.paint`. The office calls it, and in the middle of
//! the work the worker calls back to ask for the colour.
//!
//! Run it: `cargo run -p fluxar-examples --bin callback`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fluxar::{Client, Context, Server, Status};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let office = Server::bind("tcp://127.0.0.1:0").name("office").build().await?;
    office.handle("office.colour", |room: String| async move {
        println!("office: the {room} shall be green");
        Ok::<_, Status>("green".to_owned())
    });
    let accepting = office.clone();
    tokio::spawn(async move { accepting.run().await });
    let url = office.addresses()[0].to_string();

    // A client serves exactly as a server does, here from the first moment on.
    let worker = Client::connect(url.as_str())
        .name("worker")
        .handle("worker.paint", |ctx: Context, room: String| async move {
            println!("worker: which colour for the {room}?");
            // `ctx.peer()` is whoever called: the deadline and the length of the chain go along.
            let colour: String = ctx.peer().call("office.colour", &room).await?;
            Ok::<_, Status>(format!("the {room} is {colour}"))
        })
        .build()
        .await?;

    // The office calls its client.
    worker.ping().await?; // Both sides are ready now.
    let peer = office.peers().into_iter().next().ok_or("the worker is not here")?;
    let done: String = peer.call("worker.paint", "kitchen").await?;
    println!("office: {done}");

    worker.close().await;
    office.shutdown().await;
    Ok(())
}
