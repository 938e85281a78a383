//! A stream in both directions at once: each side sends when it likes.
//!
//! Run it: `cargo run -p fluxar-examples --bin chat`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fluxar::{Client, Context, Server, Sink, Status, Streaming};
use serde::{Deserialize, Serialize};
use std::error::Error;

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    from: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::bind("ws://127.0.0.1:0").build().await?;
    server.handle_stream(
        "chat.join",
        |_: Context, name: String, mut said: Streaming<Line>, out: Sink<Line>| async move {
            let say = |text: String| out.send(Line { from: "host".to_owned(), text });
            say(format!("Welcome, {name}.")).await?;
            let mut lines = 0;
            while let Some(line) = said.next().await {
                let line = line?;
                lines += 1;
                say(format!("{} has {} letters.", line.text, line.text.len())).await?;
            }
            // The guest has hung up its half: the result goes the other way all the same.
            Ok::<u32, Status>(lines)
        },
    );

    let accepting = server.clone();
    tokio::spawn(async move { accepting.run().await });

    let client = Client::connect(server.addresses()[0].to_string()).build().await?;
    let (input, mut output): (Sink<Line>, Streaming<Line, u32>) =
        client.open("chat.join", "Ann")?;
    let from = "Ann".to_owned();
    for text in ["harbour", "lighthouse"] {
        show(output.next().await)?;
        println!("Ann:  {text}");
        input.send(Line { from: from.clone(), text: text.to_owned() }).await?;
    }
    input.finish()?;
    while let Some(line) = output.next().await {
        show(Some(line))?;
    }
    println!("{} lines", output.finish().await?);

    client.close().await;
    server.shutdown().await;
    Ok(())
}

fn show(line: Option<Result<Line, Status>>) -> Result<(), Status> {
    if let Some(line) = line.transpose()? {
        println!("{}: {}", line.from, line.text);
    }
    Ok(())
}
