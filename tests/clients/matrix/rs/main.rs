//! The Rust peer of the matrix: see the README beside it.

mod cases;
mod contract {
    #![allow(
        dead_code,
        non_snake_case,
        missing_docs,
        unreachable_pub,
        reason = "it is generated, with names that mean something elsewhere"
    )]
    include!(concat!(env!("OUT_DIR"), "/matrix.v1.rs"));
}
mod serving;

use cases::Calls;
use contract::{Matrix, Mirror, MirrorCaller};
use fluxar::{Client, Server};
use serde_json::json;
use serving::{Answers, Home, Served};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use tokio::io::AsyncReadExt;

/// What any part of this program may end with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, url] = arguments.as_slice() else {
        return Err("usage: matrix-peer serve|call|take|offer URL".into());
    };
    match command.as_str() {
        "serve" => serve(url).await,
        "call" => call(url).await,
        "take" => take(url).await,
        "offer" => offer(url).await,
        other => Err(format!("`{other}` is no command: serve, call, take or offer").into()),
    }
}

/// A line on standard output. Whoever does not read it is gone, and so is this program soon.
pub(crate) fn say(what: &serde_json::Value) {
    let _unheard = writeln!(std::io::stdout(), "{what}");
}

async fn listen(server: &Server) {
    say(&json!({ "listening": server.addresses()[0].to_string() }));
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
}

/// Listens and is called.
async fn serve(url: &str) -> Outcome<ExitCode> {
    let server = Server::bind(url).build().await?;
    let home = Arc::new(OnceLock::from(Home::Server(server.clone())));
    Matrix::serve(&server, Served::new(home));
    listen(&server).await;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Dials and calls.
async fn call(url: &str) -> Outcome<ExitCode> {
    let builder = Client::connect(url).no_reconnect();
    let matrix = Matrix::build(builder, Answers::default()).await?;
    let home = Home::Client(matrix.client().clone());
    let passed = Calls::new(matrix.peer(), matrix.shapes.clone(), home).all().await;
    matrix.client().close().await;
    Ok(exit_code(passed))
}

/// Listens, and calls who dials.
async fn take(url: &str) -> Outcome<ExitCode> {
    let server = Server::bind(url).build().await?;
    let answers = Answers::default();
    let ready = answers.ready.clone();
    Mirror::serve(&server, answers);
    listen(&server).await;
    ready.notified().await;
    let peer = server.peers().pop().ok_or("nobody is there")?;
    let shapes = MirrorCaller::of(&peer).shapes;
    let passed = Calls::new(&peer, shapes, Home::Server(server.clone())).all().await;
    server.shutdown().await;
    Ok(exit_code(passed))
}

/// Dials and is called.
async fn offer(url: &str) -> Outcome<ExitCode> {
    let home = Arc::new(OnceLock::new());
    let builder = Client::connect(url).no_reconnect();
    let mirror = Mirror::build(builder, Served::new(Arc::clone(&home))).await?;
    let _only_once = home.set(Home::Client(mirror.client().clone()));
    mirror.back.answer("ready".into()).await?;
    mirror.peer().closed().await;
    Ok(ExitCode::SUCCESS)
}

fn exit_code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
