//! fluxar in one page: a server and a client, a call, a stream, a topic.
//!
//! Run it: `cargo run -p fluxar-examples --bin tour`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fluxar::{
    Auth, AuthAttempt, Client, Code, Context, Credential, Identity, Message, Rights, Server, Sink,
    Status, Streaming, Transport,
};
use serde::{Deserialize, Serialize};
use std::error::Error;

#[derive(Debug, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    number: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // One side listens. Port 0 takes a free port.
    let server = Server::bind("127.0.0.1:0")
        .transport(Transport::Ws)
        .authenticator(|attempt: AuthAttempt| async move {
            match attempt.credential {
                Credential::Bearer(token) if token == "secret" => {
                    Ok(Identity::new("guest", Rights::all()))
                }
                _ => Err(Status::new(Code::Unauthenticated, "a bearer token, please")),
            }
        })
        .build()
        .await?;

    // A call is a function from a request to an answer, or to a status.
    server.handle("users.get", |id: u64| async move {
        match id {
            7 => Ok(User { id, name: "Ada".to_owned() }),
            _ => Err(Status::new(Code::NotFound, format!("there is no user {id}"))),
        }
    });
    // A stream sends items, and may end with a result. `send` waits for a slow reader.
    server.handle_stream(
        "llm.complete",
        |_: Context, prompt: String, _: Streaming<()>, out: Sink<String>| async move {
            for word in ["You", "said", &prompt] {
                out.send(word.to_owned()).await?;
            }
            Ok::<u32, Status>(3)
        },
    );
    let url = server.addresses()[0].to_string();
    println!("listening on {url}");
    let running = server.clone();
    tokio::spawn(async move { running.run().await });

    // The other side connects.
    let client = Client::connect(url.as_str()).auth(Auth::bearer("secret")).build().await?;

    let user: User = client.call("users.get", &7).await?;
    println!("call:      user {} is {}", user.id, user.name);

    let missing = client.call::<_, User>("users.get", &8).await;
    println!("call:      {}", missing.expect_err("there is no user 8"));

    let mut stream: Streaming<String, u32> = client.stream("llm.complete", "hello")?;
    while let Some(word) = stream.next().await {
        println!("stream:    {}", word?);
    }
    println!("stream:    {} words", stream.finish().await?);

    // A topic reaches everyone who has subscribed to it: `*` is one segment, `>` the rest.
    let (seen, mut all_seen) = tokio::sync::mpsc::channel(1);
    client
        .subscribe("orders.*", move |message: Message| {
            let seen = seen.clone();
            async move {
                match message.payload::<Order>() {
                    Ok(order) => println!("topic:     {} {}", message.topic(), order.number),
                    Err(status) => println!("topic:     {status}"),
                }
                let _ = seen.send(()).await;
            }
        })
        .await?;
    client.publish("orders.created", &Order { number: 42 }).await?;
    all_seen.recv().await;

    // Both ends say goodbye: what is under way may finish.
    client.close().await;
    server.shutdown().await;
    Ok(())
}
