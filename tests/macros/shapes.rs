//! Every shape of method over an in-memory pair, served by either side.

use fluxar::{Code, Context, Error, Peer, Sink, Status, StreamCall, Streaming, Type, service};
use futures_util::{Stream, StreamExt, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

#[derive(Clone, Debug, PartialEq, Type)]
pub(crate) struct Row {
    name: String,
    count: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Type)]
#[fluxar(error, rename = "shapes.ShapeError")]
pub(crate) enum ShapeError {
    #[fluxar(code = "not_found", message = "no {what}")]
    Missing { what: String },
}

/// One method of each shape.
#[service(package = "test.v1")]
pub(crate) trait Shapes {
    async fn unary(&self, row: Row, times: u32) -> Result<Row, ShapeError>;
    async fn status(&self, code: u8) -> Result<(), Status>;
    async fn infallible(&self, r#type: Option<String>) -> String;
    async fn nothing(&self);
    async fn with_context(&self, ctx: Context, key: String) -> (String, bool, Option<String>);
    #[fluxar(notification)]
    async fn note(&self, line: String);
    #[fluxar(timeout = "2s")]
    async fn never(&self);
    #[fluxar(rename = "match")]
    async fn renamed(
        &self,
        #[fluxar(rename = "self", default)] me: u8,
        #[fluxar(id = 2)] b: u8,
    ) -> u8;
    fn rows(&self, upto: u32) -> impl Stream<Item = Result<Row, ShapeError>>;
    fn numbers(&self) -> impl Stream<Item = u64>;
    async fn sum(&self, start: u64, numbers: Streaming<u64>) -> Result<u64, ShapeError>;
    fn echo(
        &self,
        suffix: String,
        lines: Streaming<String>,
    ) -> impl Stream<Item = Result<String, Status>>;
    async fn count_to(&self, upto: u32, out: Sink<u32>) -> Result<String, ShapeError>;
    async fn double(&self, ctx: Context, out: Sink<u64>, input: Streaming<u64>) -> usize;
}

pub(crate) struct Imp {
    notes: mpsc::Sender<String>,
    dropped: Arc<Notify>,
}

/// Tells that a handler's future is gone.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn row(name: impl Into<String>, count: u32) -> Row {
    Row { name: name.into(), count: Some(count) }
}

fn missing(what: &str) -> ShapeError {
    ShapeError::Missing { what: what.to_owned() }
}

impl Shapes for Imp {
    async fn unary(&self, row: Row, times: u32) -> Result<Row, ShapeError> {
        let count = row.count.ok_or_else(|| missing("count"))?;
        Ok(Row { count: Some(count * times), ..row })
    }

    async fn status(&self, code: u8) -> Result<(), Status> {
        match code {
            0 => Ok(()),
            code => Err(Status::new(Code::from_number(code), "as asked")),
        }
    }

    async fn infallible(&self, r#type: Option<String>) -> String {
        r#type.unwrap_or_else(|| "none".to_owned())
    }

    async fn nothing(&self) {}

    async fn with_context(&self, ctx: Context, key: String) -> (String, bool, Option<String>) {
        let meta = ctx.meta(&key).map(str::to_owned);
        (ctx.target().to_owned(), ctx.time_left().is_some(), meta)
    }

    async fn note(&self, line: String) {
        self.notes.send(line).await.unwrap();
    }

    async fn never(&self) {
        let _told = OnDrop(Arc::clone(&self.dropped));
        std::future::pending().await
    }

    async fn renamed(&self, me: u8, b: u8) -> u8 {
        me + b
    }

    fn rows(&self, upto: u32) -> impl Stream<Item = Result<Row, ShapeError>> {
        stream::iter((0..upto).map(|i| Ok(row("r", i))).chain([Err(missing("more"))]))
    }

    fn numbers(&self) -> impl Stream<Item = u64> {
        // It borrows from the implementation: the handler keeps it alive.
        let told = OnDrop(Arc::clone(&self.dropped));
        stream::iter(0..).map(move |number| {
            let _told = &told;
            number
        })
    }

    async fn sum(&self, start: u64, mut numbers: Streaming<u64>) -> Result<u64, ShapeError> {
        let mut sum = start;
        while let Some(number) = numbers.next().await {
            sum += number.map_err(|_| missing("input"))?;
        }
        if sum == 0 { Err(missing("sum")) } else { Ok(sum) }
    }

    fn echo(
        &self,
        suffix: String,
        lines: Streaming<String>,
    ) -> impl Stream<Item = Result<String, Status>> {
        lines.map(move |line| line.map(|line| line + &suffix))
    }

    async fn count_to(&self, upto: u32, out: Sink<u32>) -> Result<String, ShapeError> {
        for number in 0..upto {
            out.send(number).await.map_err(|_| missing("listener"))?;
        }
        if upto == 0 { Err(missing("anything")) } else { Ok(format!("counted to {upto}")) }
    }

    async fn double(&self, _ctx: Context, out: Sink<u64>, mut input: Streaming<u64>) -> usize {
        let mut seen = 0;
        while let Some(Ok(number)) = input.next().await {
            seen += 1;
            if out.send(number * 2).await.is_err() {
                break;
            }
        }
        seen
    }
}

/// A client of an implementation on the other side of a pair, and what the implementation tells.
struct Rig {
    client: ShapesClient,
    caller: Peer,
    notes: mpsc::Receiver<String>,
    dropped: Arc<Notify>,
    _callee: Peer,
    _pair: fluxar::testing::Pair,
}

/// Who serves: either side can.
#[derive(Clone, Copy, Debug)]
enum Serves {
    Dialer,
    Acceptor,
}

async fn rig(serves: Serves) -> Rig {
    let pair = fluxar::testing::pair().build().await.unwrap();
    let (dialer, acceptor) = (Peer::clone(&pair.client), pair.peer.clone());
    let (caller, callee) = match serves {
        Serves::Dialer => (acceptor, dialer),
        Serves::Acceptor => (dialer, acceptor),
    };
    let (sender, notes) = mpsc::channel(8);
    let dropped = Arc::new(Notify::new());
    let imp = Imp { notes: sender, dropped: Arc::clone(&dropped) };
    callee.serve(ShapesServer::new(imp));
    Rig { client: ShapesClient::new(&caller), caller, notes, dropped, _callee: callee, _pair: pair }
}

/// Instantiates each behaviour for both sides.
macro_rules! both_sides {
    ($($(#[$about:meta])* async fn $name:ident($rig:ident: Rig) $body:block)*) => {
        $($(#[$about])* mod $name {
            use super::*;

            async fn check(serves: Serves) {
                #[allow(unused_mut, reason = "some behaviours change the rig")]
                let mut $rig = rig(serves).await;
                $body
            }

            #[tokio::test(start_paused = true)]
            async fn by_the_acceptor() {
                check(Serves::Acceptor).await;
            }

            #[tokio::test(start_paused = true)]
            async fn by_the_dialer() {
                check(Serves::Dialer).await;
            }
        })*
    };
}

both_sides! {
    async fn unary_answers_and_fails_with_its_error(rig: Rig) {
        assert_eq!(rig.client.unary(row("a", 3), 2).await, Ok(row("a", 6)));
        let nothing = Row { name: String::new(), count: None };
        let error = rig.client.unary(nothing, 2).await.unwrap_err();
        assert_eq!(error, Error::App(missing("count")));
        assert_eq!(error.code(), Code::NotFound);
    }

    async fn a_status_comes_back_as_it_is(rig: Rig) {
        assert_eq!(rig.client.status(0).await, Ok(()));
        let status = rig.client.status(10).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Aborted, "as asked"));
    }

    async fn a_method_without_errors_gives_its_value(rig: Rig) {
        assert_eq!(rig.client.infallible(Some("x".into())).await.unwrap(), "x");
        assert_eq!(rig.client.infallible(None).await.unwrap(), "none");
        assert_eq!(rig.client.nothing().await, Ok(()));
        assert_eq!(rig.client.renamed(3, 4).await, Ok(7));
    }

    async fn the_context_tells_of_the_call(rig: Rig) {
        let call = rig.client.with_context("who".into());
        let call = call.timeout(Duration::from_secs(9)).meta("who", "me");
        let expected = ("test.v1.shapes.with_context".to_owned(), true, Some("me".to_owned()));
        assert_eq!(call.await, Ok(expected));
    }

    async fn a_notification_arrives(rig: Rig) {
        rig.client.note("hello".into()).await.unwrap();
        assert_eq!(rig.notes.recv().await.as_deref(), Some("hello"));
    }

    async fn the_default_deadline_counts(rig: Rig) {
        let before = tokio::time::Instant::now();
        let status = rig.client.never().await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(before.elapsed().as_secs(), 2);
        rig.dropped.notified().await;
    }

    async fn another_deadline_replaces_the_default(rig: Rig) {
        let before = tokio::time::Instant::now();
        let status = rig.client.never().timeout(Duration::from_secs(7)).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(before.elapsed().as_secs(), 7);
    }

    async fn dropping_a_call_ends_the_handler(rig: Rig) {
        let call = tokio::time::timeout(Duration::from_millis(500), rig.client.never());
        call.await.unwrap_err();
        rig.dropped.notified().await;
    }

    async fn a_server_stream_gives_items_then_its_error(rig: Rig) {
        let mut rows = rig.client.rows(3).open().unwrap();
        for count in 0..3 {
            assert_eq!(rows.next().await, Some(Ok(row("r", count))));
        }
        assert_eq!(rows.next().await, Some(Err(Error::App(missing("more")))));
        assert_eq!(rows.next().await, None);
    }

    async fn dropping_a_stream_ends_the_handler(rig: Rig) {
        let mut numbers = rig.client.numbers().open().unwrap();
        assert_eq!(numbers.next().await, Some(Ok(0)));
        assert_eq!(numbers.next().await, Some(Ok(1)));
        drop(numbers);
        rig.dropped.notified().await;
    }

    async fn a_client_stream_gives_one_answer(rig: Rig) {
        let (input, sum) = rig.client.sum(10).open().unwrap();
        for number in 1..=4 {
            input.send(number).await.unwrap();
        }
        input.finish().unwrap();
        assert_eq!(sum.finish().await, Ok(20));
        assert_eq!(rig.client.sum(1).send_all(stream::iter([2, 3])).await, Ok(6));
        let none = rig.client.sum(0).send_all(stream::iter([])).await;
        assert_eq!(none, Err(Error::App(missing("sum"))));
    }

    async fn both_ways_items_cross(rig: Rig) {
        let (input, mut lines) = rig.client.echo("!".into()).open().unwrap();
        for line in ["a", "b"] {
            input.send(line.to_owned()).await.unwrap();
            assert_eq!(lines.next().await, Some(Ok(format!("{line}!"))));
        }
        input.finish().unwrap();
        assert_eq!(lines.next().await, None);
        assert_eq!(lines.finish().await, Ok(()));
    }

    async fn a_stream_ends_with_its_result(rig: Rig) {
        let mut numbers: Streaming<u32, String, ShapeError> = rig.client.count_to(3).open().unwrap();
        let mut seen = Vec::new();
        while let Some(number) = numbers.next().await {
            seen.push(number.unwrap());
        }
        assert_eq!(seen, [0, 1, 2]);
        assert_eq!(numbers.finish().await.unwrap(), "counted to 3");
        let failed: StreamCall<u32, String, ShapeError> = rig.client.count_to(0);
        let failed = failed.open().unwrap().finish().await;
        assert_eq!(failed, Err(Error::App(missing("anything"))));
    }

    async fn both_ways_end_with_the_result(rig: Rig) {
        let (input, mut doubled) = rig.client.double().open().unwrap();
        input.send(21).await.unwrap();
        assert_eq!(doubled.next().await, Some(Ok(42)));
        input.finish().unwrap();
        assert_eq!(doubled.next().await, None);
        assert_eq!(doubled.finish().await, Ok(1));
    }

    async fn parameters_are_a_map_by_their_names(rig: Rig) {
        #[derive(serde::Serialize)]
        struct Unary {
            times: u8,
            row: Row,
            newer: bool,
        }
        let unary = Unary { times: 2, row: row("a", 1), newer: true };
        let answer: Row = rig.caller.call("test.v1.shapes.unary", &unary).await.unwrap();
        assert_eq!(answer, row("a", 2));
        let answer: String = rig.caller.call("test.v1.shapes.infallible", &()).await.unwrap();
        assert_eq!(answer, "none");
        let typed = std::collections::BTreeMap::from([("type", "t")]);
        let answer: String = rig.caller.call("test.v1.shapes.infallible", &typed).await.unwrap();
        assert_eq!(answer, "t");
        let named = std::collections::BTreeMap::from([("self", 1), ("b", 2)]);
        assert_eq!(rig.caller.call("test.v1.shapes.match", &named).await, Ok(3_u8));
        let numbered = std::collections::BTreeMap::from([(2, 2)]);
        assert_eq!(rig.caller.call("test.v1.shapes.match", &numbered).await, Ok(2_u8));
    }

    async fn a_wrong_parameter_is_named(rig: Rig) {
        let call = async |json: serde_json::Value| {
            let outcome = rig.caller.call::<_, Row>("test.v1.shapes.unary", &json).await;
            let status = outcome.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{status}");
            status.message().to_owned()
        };
        let row = serde_json::json!({"name": "a", "count": "many"});
        let message = call(serde_json::json!({"times": 1, "row": row})).await;
        assert!(message.contains("row.count"), "{message}");
        let message = call(serde_json::json!({"times": 1})).await;
        assert!(message.contains("`row`"), "{message}");
        let message = call(serde_json::json!([1])).await;
        assert!(message.contains("map"), "{message}");
    }

    async fn an_unknown_method_is_unimplemented(rig: Rig) {
        let outcome = rig.caller.call::<_, ()>("test.v1.shapes.absent", &()).await;
        assert_eq!(outcome.unwrap_err().code(), Code::Unimplemented);
    }

    async fn calls_can_be_spawned(rig: Rig) {
        let client = rig.client.clone();
        let calls = (0..10).map(|count| {
            let client = client.clone();
            tokio::spawn(async move { client.unary(row("x", count), 1).await })
        });
        for (count, call) in (0..).zip(calls.collect::<Vec<_>>()) {
            assert_eq!(call.await.unwrap(), Ok(row("x", count)));
        }
    }
}

/// Calls back its caller until nothing is left.
#[service]
trait PingPong {
    async fn hit(&self, ctx: Context, left: u32) -> Result<u32, Status>;
}

struct Player;

impl PingPong for Player {
    async fn hit(&self, ctx: Context, left: u32) -> Result<u32, Status> {
        match left.checked_sub(1) {
            None => Ok(0),
            Some(left) => Ok(PingPongClient::new(&ctx.peer()).hit(left).await? + 1),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn both_sides_serve_the_same_contract() {
    let pair = fluxar::testing::pair().build().await.unwrap();
    let (dialer, acceptor) = (&*pair.client, &pair.peer);
    dialer.serve(PingPongServer::new(Player));
    acceptor.serve(PingPongServer::new(Player));
    assert_eq!(PingPongClient::new(dialer).hit(20).await, Ok(20));
    assert_eq!(PingPongClient::new(acceptor).hit(21).await, Ok(21));
}

/// Parameters are counted by other languages, whatever Rust writes.
#[tokio::test]
async fn parameters_are_read_by_their_place() {
    let rig = rig(Serves::Acceptor).await;
    let by_place = std::collections::BTreeMap::from([(1_u8, 3_u8), (2, 4)]);
    let sum: u8 = rig.caller.call("test.v1.shapes.match", &by_place).await.unwrap();
    assert_eq!(sum, 7);
}

/// What travels, as a raw handler of the other side sees it.
#[tokio::test]
async fn numbers_travel_where_both_sides_may_write_them() {
    for (dialer, acceptor) in [(true, true), (true, false), (false, true)] {
        let pair = fluxar::testing::pair()
            .server(|server| server.numbered_keys(acceptor))
            .client(|client| client.numbered_keys(dialer))
            .build()
            .await
            .unwrap();
        let handler = |sent: ciborium::Value| async move {
            let Some(entries) = sent.as_map() else { return Err(Status::new(Code::Internal, "?")) };
            Ok(u8::from(entries[0].0.is_integer()) + 2 * u8::from(entries[1].0.is_integer()))
        };
        pair.server.handle("test.v1.shapes.match", handler);
        let numbered = ShapesClient::new(&pair.client).renamed(1, 2).await.unwrap();
        // The first parameter has no number.
        assert_eq!(numbered, if dialer && acceptor { 2 } else { 0 });
    }
}
