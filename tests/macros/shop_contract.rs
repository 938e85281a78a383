//! A contract as the emitter prints it, used from both sides.

use crate::shop::{
    Approvals, Context_, Delta, Email, OrderEvents, Region, Role, Shop, ShopCaller, Side, User,
    UserError, UserId, Users,
};
use fluxar::{Code, Context, Error, Peer, Server, Sink, Status, Streaming, Uuid};
use futures_util::{Stream, StreamExt, stream};
use std::time::Duration;

fn id(byte: u8) -> UserId {
    UserId(Uuid::from_bytes([byte; 16]))
}

fn user(byte: u8) -> User {
    User {
        id: id(byte),
        email: Email("ada@example.com".into()),
        display_name: String::new(),
        created_at: fluxar::Timestamp::from_micros(7),
        roles: vec![Role::Admin, Role::Self_],
        avatar: None,
        balance: "0".parse().unwrap(),
        boss: (byte > 1).then(|| Box::new(user(byte - 1))),
        r#type: Role::Member,
        self_: fluxar::Int::from(-7),
    }
}

struct Imp;

impl Users for Imp {
    async fn get(&self, wanted: UserId) -> Result<User, UserError> {
        if wanted == id(8) {
            // A method of a contract file is not handed who calls it.
            let context = Context::current().expect("this is a handler");
            assert!(context.time_left().is_some_and(|left| left <= Duration::from_secs(5)));
            let elsewhere = tokio::spawn(async { Context::current().is_none() }).await;
            let caller = ShopCaller::of(&context.peer());
            let approved = caller.approvals.approve("cake".into()).await;
            return match (elsewhere, approved) {
                (Ok(true), Ok(true)) => Ok(user(2)),
                _ => Err(UserError::EmailTaken),
            };
        }
        if wanted == id(9) { Err(UserError::NotFound { id: wanted }) } else { Ok(user(2)) }
    }

    fn watch(&self, role: Option<Role>) -> impl Stream<Item = Result<User, Status>> {
        let fitting = role.is_none_or(|role| role == Role::Admin);
        stream::iter(fitting.then(|| Ok(user(1))))
    }

    async fn import(&self, dry_run: bool, mut rows: Streaming<User>) -> Result<u32, UserError> {
        let mut count = 0;
        while let Some(row) = rows.next().await {
            row.map_err(|_| UserError::EmailTaken)?;
            count += 1;
        }
        Ok(if dry_run { 0 } else { count })
    }

    async fn new_(&self, r#type: Context_) -> Result<Context_, Status> {
        Ok(r#type)
    }

    async fn complete(&self, prompt: String, out: Sink<Delta>) -> Result<Duration, Status> {
        out.send(Delta::Text(prompt)).await?;
        out.send(Delta::ToolCall { index: 1, name: None }).await?;
        Ok(Duration::from_millis(5))
    }

    fn chat(&self, turns: Streaming<String>) -> impl Stream<Item = Result<Delta, Status>> {
        turns.map(|turn| turn.map(Delta::Text))
    }
}

struct Yes;

impl Approvals for Yes {
    async fn approve(&self, what: String) -> bool {
        what == "cake"
    }
}

async fn connected(numbered: bool) -> (Shop, Server, Peer) {
    let pair = fluxar::testing::pair()
        .server(|server| server.numbered_keys(numbered))
        .client(|client| client.serve(crate::shop::ApprovalsServer::new(Yes)))
        .build()
        .await
        .unwrap();
    Shop::serve(&pair.server, Imp);
    (Shop::of(pair.client), pair.server, pair.peer)
}

fn odd() -> Context_ {
    Context_ {
        qty: 1,
        wait: Duration::from_secs(30),
        heat: 0.5,
        by_region: [(Region::Eu, Side::Buy)].into(),
        args: fluxar::Value::from("x"),
        data: bytes::Bytes::from_static(b"\0\xff"),
        pair: [1, 2],
    }
}

#[tokio::test]
async fn every_shape_of_the_contract_works_in_both_key_modes() {
    for numbered in [true, false] {
        let (shop, _server, peer) = connected(numbered).await;
        assert_eq!(shop.users.get(id(1)).await, Ok(user(2)));
        let missing = shop.users.get(id(9)).await.unwrap_err();
        assert_eq!(missing, Error::App(UserError::NotFound { id: id(9) }));
        // Errors of contract files pass a `?` into any other error type.
        let passed: Box<dyn std::error::Error + Send + Sync> = missing.clone().into();
        assert_eq!(passed.to_string(), UserError::NotFound { id: id(9) }.to_string());
        assert_eq!(missing.code(), Code::NotFound);
        let mut seen = shop.users.watch(Some(Role::Admin)).open().unwrap();
        assert_eq!(seen.next().await, Some(Ok(user(1))));
        assert_eq!(seen.next().await, None);
        let rows = stream::iter([user(1), user(2)]);
        assert_eq!(shop.users.import(false).send_all(rows).await, Ok(2));
        assert_eq!(shop.users.new_(odd()).await, Ok(odd()));
        let mut deltas = shop.users.complete("hm".into()).open().unwrap();
        assert_eq!(deltas.next().await, Some(Ok(Delta::Text("hm".into()))));
        assert_eq!(deltas.finish().await, Ok(Duration::from_millis(5)));
        let (turns, mut answers) = shop.users.chat().open().unwrap();
        turns.send("hi".into()).await.unwrap();
        assert_eq!(answers.next().await, Some(Ok(Delta::Text("hi".into()))));
        // The other way round.
        let caller = ShopCaller::of(&peer);
        assert_eq!(caller.approvals.approve("cake".into()).await, Ok(true));
        // Topics, from either side.
        let at = OrderEvents { region: Region::Eu, r#type: id(3) };
        let mut events = OrderEvents::subscribe(shop.peer()).region(Region::Eu).await.unwrap();
        shop.order_events().publish(&at, &Delta::Heartbeat).await.unwrap();
        assert_eq!(events.next().await, Some(Ok((at, Delta::Heartbeat))));
    }
}

#[tokio::test]
async fn a_method_of_a_contract_calls_its_caller() {
    let (shop, _server, _peer) = connected(true).await;
    assert!(Context::current().is_none());
    assert_eq!(shop.users.get(id(8)).timeout(Duration::from_secs(5)).await, Ok(user(2)));
}

#[tokio::test]
async fn a_broken_constraint_is_named_with_its_path() {
    let (shop, _server, peer) = connected(true).await;
    let wrong = Context_ { qty: 0, ..odd() };
    let status = shop.users.new_(wrong.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("at `type.qty`: 0 is below 1"), "{status}");
    // A caller that does not check is told by the callee.
    let raw = fluxar::Value::Map(vec![("type".into(), fluxar::Value::of(&wrong).unwrap())]);
    let answer: Result<fluxar::Value, Status> = shop.peer().call("shop.v1.users.new", &raw).await;
    let status = answer.unwrap_err();
    assert!(status.message().contains("at `type.qty`: 0 is below 1"), "{status}");
    drop(peer);
}

#[tokio::test]
async fn connect_serves_what_the_dialing_side_offers() {
    let server = Server::bind("mem://shop-contract").build().await.unwrap();
    Shop::serve(&server, Imp);
    let asking = |ctx: Context, _: ()| async move {
        let caller = ShopCaller::of(&ctx.peer());
        caller.approvals.approve("cake".into()).await
    };
    server.handle("ask", asking);
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    let shop = Shop::connect("mem://shop-contract", Yes).await.unwrap();
    assert_eq!(shop.peer().call::<_, bool>("ask", &()).await, Ok(true));
    assert_eq!(shop.users.get(id(1)).await, Ok(user(2)));
}
