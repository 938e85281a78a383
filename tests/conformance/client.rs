//! A node, and two clients: that of `tests/clients/py`, which was written from the spec alone, and
//! the TypeScript runtime as `tests/clients/ts/main.mjs` drives it.

use fluxar::{
    AuthAttempt, Code, Context, Credential, Identity, Rights, Server, Sink, State, Status,
    Streaming,
};
use std::collections::HashMap;
use std::process::{Output, Stdio};
use std::time::Duration;

/// Generous: it only ends a client that hangs.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_everything_that_the_spec_offers() {
    let server = Server::bind("tcp://127.0.0.1:0").name("node").build().await.unwrap();
    serve(&server);
    let output = run_client(&server, &[]).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("ready: node\n"), "{text}");
    assert!(text.ends_with("goodbye, after what was open\n"), "{text}");
    // [L4.bye.4]: the node's session is closed as well.
    for peer in server.peers() {
        assert_eq!(peer.closed().await, None);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_judged_by_its_token() {
    // [L4.auth.1], [L4.hello.3], [L4.rights.1]
    let builder = Server::bind("tcp://127.0.0.1:0").authenticator(judge);
    let server = builder.build().await.unwrap();
    serve(&server);
    let welcome = run_client(&server, &["s3cret"]).await;
    let text = String::from_utf8_lossy(&welcome.stdout);
    assert!(text.ends_with("rights\n"), "{text}{}", String::from_utf8_lossy(&welcome.stderr));
    for wrong in ["", "s3cre", "s3cret2"] {
        let refused = run_client(&server, &[wrong]).await;
        assert_eq!(String::from_utf8_lossy(&refused.stdout), "failed: unauthenticated\n");
        assert!(!refused.status.success());
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_typescript_runtime_gets_everything_that_the_spec_offers() {
    let server = Server::bind("ws://127.0.0.1:0").name("node").build().await.unwrap();
    serve(&server);
    let output = run_typescript(&server, &[]).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.ends_with("goodbye, after what was open\n"), "{text}");
    for peer in server.peers() {
        assert_eq!(peer.closed().await, None);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_typescript_runtime_is_judged_by_its_token() {
    let builder = Server::bind("ws://127.0.0.1:0").authenticator(judge);
    let server = builder.build().await.unwrap();
    serve(&server);
    let welcome = run_typescript(&server, &["s3cret"]).await;
    let text = String::from_utf8_lossy(&welcome.stdout);
    assert!(text.ends_with("rights\n"), "{text}{}", String::from_utf8_lossy(&welcome.stderr));
    let refused = run_typescript(&server, &["s3cre"]).await;
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "failed: unauthenticated\n");
    server.shutdown().await;
}

async fn judge(attempt: AuthAttempt) -> Result<Identity, Status> {
    match attempt.credential {
        Credential::Bearer(token) if token == "s3cret" => {
            Ok(Identity::new("stranger", Rights::none().call("math.>")))
        }
        _ => Err(Status::new(Code::Unauthenticated, "no valid credential")),
    }
}

async fn run_client(server: &Server, arguments: &[&str]) -> Output {
    let address = server.addresses()[0].to_string();
    let port = address.rsplit(':').next().unwrap().to_owned();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/py/main.py");
    let mut command = tokio::process::Command::new("python3");
    command.arg("-B").arg(script).arg(port).args(arguments);
    run(server, command).await
}

async fn run_typescript(server: &Server, arguments: &[&str]) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/ts/main.mjs");
    let mut command = tokio::process::Command::new("node");
    // Node 20 has a WebSocket of its own behind this flag, later ones without.
    command.arg("--experimental-websocket").arg("--no-warnings").arg(script);
    command.arg(server.addresses()[0].to_string()).args(arguments);
    run(server, command).await
}

async fn run(server: &Server, mut command: tokio::process::Command) -> Output {
    let accepting = tokio::spawn({
        let server = server.clone();
        async move { server.run().await }
    });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().expect("python3 and node are installed: tests/run does it");
    let ended = tokio::time::timeout(CLIENT_TIME_MAX, child.wait_with_output()).await;
    drop(accepting);
    ended.expect("the client ends").unwrap()
}

/// What `main.py` expects of a node.
fn serve(server: &Server) {
    serve_calls(server);
    serve_callers(server);
    serve_streams(server);
    let node = server.clone();
    server.handle("log.line", move |line: String| {
        let published = node.publish("log.lines", &line);
        async move { published }
    });
}

fn serve_calls(server: &Server) {
    server.handle("math.double", |n: u64| async move { Ok::<_, Status>(2 * n) });
    server.handle("text.length", |text: String| async move { Ok::<_, Status>(text.len()) });
    server.handle("text.repeat", |n: usize| async move { Ok::<_, Status>("x".repeat(n)) });
    server.handle("bad.panics", |_: u64| async { panics() });
    server.handle("bad.fails", |_: u64| async {
        Err::<(), _>(Status::new(Code::NotFound, "no such thing"))
    });
    server.handle("slow.work", |_: ()| std::future::pending::<Result<(), Status>>());
    server.handle("slow.answer", |ctx: Context, n: u64| async move {
        // Ends only after the caller's goodbye.
        let peer = ctx.peer();
        while peer.state() == State::Ready {
            peer.state_changed(State::Ready).await;
        }
        Ok::<_, Status>(n)
    });
}

fn panics() -> Result<(), Status> {
    panic!("on purpose")
}

fn serve_callers(server: &Server) {
    server.handle("ask.back", |ctx: Context, ask: HashMap<String, Ask>| async move {
        let (Some(Ask::Name(target)), Some(Ask::Amount(amount))) =
            (ask.get("target"), ask.get("amount"))
        else {
            return Err(Status::new(Code::InvalidArgument, "target and amount"));
        };
        ctx.peer().call::<_, u64>(target, amount).await
    });
    server.handle("ask.squares", |ctx: Context, count: u64| async move {
        let mut squares: Streaming<u64, String> = ctx.peer().stream("tools.squares", &count)?;
        let mut sum = 0;
        while let Some(square) = squares.next().await {
            sum += square?;
        }
        match squares.finish().await?.as_str() {
            "done" => Ok(sum),
            other => Err(Status::new(Code::DataLoss, other)),
        }
    });
}

/// A parameter of `ask.back`.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Ask {
    Name(String),
    Amount(u64),
}

fn serve_streams(server: &Server) {
    server.handle_stream(
        "words.count",
        |_: Context, count: u64, _: Streaming<()>, out: Sink<String>| async move {
            for number in 0..count {
                out.send(format!("word {number}")).await?;
            }
            Ok::<_, Status>(count)
        },
    );
    server.handle_stream(
        "words.forever",
        |ctx: Context, (): (), _: Streaming<()>, out: Sink<String>| async move {
            // Having asked for it, the handler is given time to finish.
            let cancelled = ctx.cancelled();
            while !ctx.is_cancelled() {
                match out.send("again".to_owned()).await {
                    Err(status) if status.code() != Code::Cancelled => return Err(status),
                    _ => {}
                }
            }
            cancelled.await;
            Ok("stopped")
        },
    );
    server.handle_stream(
        "sum.up",
        |_: Context, (): (), mut input: Streaming<String>, _: Sink<()>| async move {
            let mut sum = 0;
            while let Some(text) = input.next().await {
                sum += text?.len();
            }
            Ok::<_, Status>(sum)
        },
    );
    server.handle_stream(
        "chat.echo",
        |_: Context, (): (), mut input: Streaming<String>, out: Sink<String>| async move {
            while let Some(text) = input.next().await {
                out.send(text?.to_uppercase()).await?;
            }
            Ok::<_, Status>(())
        },
    );
}
