//! What the side that calls tries.

use crate::contract::{
    self, Colour, Item, Last, MatrixError, Odd, Say, ShapesClient, Tick, Ticks, Total, Word,
};
use crate::serving::Home;
use crate::{Outcome, say};
use fluxar::payload::encode;
use fluxar::service::describe::Registry;
use fluxar::service::topic::Topic;
use fluxar::{Code, Peer, PublishOptions, Value};
use fluxar_codegen::model::Model;
use futures_util::stream;
use serde_json::json;
use std::fmt::Debug;
use std::time::Duration;

/// The time that a case may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of all languages, in the order of the table.
const CASES: &str = include_str!("../cases.txt");

fn same<T: PartialEq + Debug>(got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("got {got:?}, not {wanted:?}").into()) }
}

fn item(n: u32, text: &str) -> Item {
    Item { n, text: text.into() }
}

fn total(count: u32, text: &str) -> Total {
    Total { count, text: text.into() }
}

pub(crate) struct Calls {
    peer: Peer,
    shapes: ShapesClient,
    home: Home,
}

impl Calls {
    pub(crate) fn new(peer: &Peer, shapes: ShapesClient, home: Home) -> Self {
        Self { peer: peer.clone(), shapes, home }
    }

    /// Goes through all cases, and says what came of each; whether all passed.
    pub(crate) async fn all(&self) -> bool {
        let mut passed = true;
        for case in CASES.split_whitespace() {
            let outcome = tokio::time::timeout(PATIENCE, self.one(case)).await;
            let why = match outcome {
                Ok(Ok(())) => String::new(),
                Ok(Err(error)) => error.to_string().chars().take(500).collect(),
                Err(_) => "it took too long".to_owned(),
            };
            passed &= why.is_empty();
            say(&json!({ "case": case, "ok": why.is_empty(), "why": why }));
        }
        passed
    }

    async fn one(&self, case: &str) -> Outcome {
        match case {
            "unary" => same(self.shapes.unary(item(1, "é")).await?, item(2, "é")),
            "typed_error" => self.typed_error().await,
            "nothing" => Ok(self.shapes.nothing().await?),
            "notification" => self.notification().await,
            "names" => self.names().await,
            "server_stream" => self.server_stream(5, "x").await,
            "stream_error" => self.stream_error().await,
            "client_stream" => self.client_stream().await,
            "both_ways" => self.both_ways().await,
            "stream_then" => self.stream_then().await,
            "both_then" => self.both_then().await,
            "large" => self.large().await,
            "many_items" => self.many_items().await,
            "cancel_call" => self.cancel_call().await,
            "cancel_stream" => self.cancel_stream().await,
            "deadline" => self.deadline().await,
            "idempotent" => self.idempotent().await,
            "topic_meta" => self.topic_meta().await,
            "describe" => self.describe().await,
            "reverse_call" => same(self.shapes.back("abc".into()).await?, "cba".to_owned()),
            "reverse_error" => self.reverse_error().await,
            "topic_there" => self.topic_there().await,
            "topic_here" => self.topic_here().await,
            "topic_kept" => self.topic_kept().await,
            other => Err(format!("`{other}` is no case").into()),
        }
    }

    async fn typed_error(&self) -> Outcome {
        let refused = self.shapes.unary(item(1, "refuse")).await.err().ok_or("did not fail")?;
        same(refused.code(), Code::PermissionDenied)?;
        same(refused.app(), Some(&MatrixError::Refused { reason: "as asked".into() }))?;
        let empty = self.shapes.unary(item(1, "empty")).await.err().ok_or("did not fail")?;
        same(empty.code(), Code::NotFound)?;
        same(empty.app(), Some(&MatrixError::Empty))
    }

    async fn notification(&self) -> Outcome {
        let before = self.shapes.notes().await?;
        self.shapes.note(item(5, "")).await?;
        self.shapes.note(item(7, "")).await?;
        while self.shapes.notes().await? < before + 12 {}
        same(self.shapes.notes().await?, before + 12)
    }

    async fn names(&self) -> Outcome {
        let say = Say::Self_(vec![
            Say::Type_("t".into()),
            Say::Await(7),
            Say::Constructor,
            Say::Proto { self_: "s".into(), None: Some(1) },
            Say::None,
        ]);
        let words =
            [Word::Type_, Word::Await, Word::Constructor, Word::Proto, Word::None, Word::Self_];
        let odd = Odd {
            r#type: "t".into(),
            r#await: 200,
            constructor: words.to_vec(),
            __proto__: Some("p".into()),
            None: true,
            self_: say.clone(),
        };
        same(self.shapes.r#await(odd.clone()).await?, odd.clone())?;
        let bare = Odd { constructor: vec![], __proto__: None, self_: Say::None, ..odd };
        same(self.shapes.r#await(bare.clone()).await?, bare)?;
        same(self.shapes.constructor(say.clone()).await?, say)?;
        for word in words {
            same(self.shapes.None(word.clone()).await?, word)?;
        }
        Ok(())
    }

    async fn server_stream(&self, count: u32, text: &str) -> Outcome {
        let mut items = self.shapes.items(count, text.into()).open()?;
        for n in 0..count {
            same(items.next().await.ok_or("ended early")??, item(n, text))?;
        }
        same(items.next().await.is_none(), true)
    }

    async fn stream_error(&self) -> Outcome {
        let mut items = self.shapes.items(2, "refuse".into()).open()?;
        let mut got = 0;
        loop {
            match items.next().await.ok_or("did not fail")? {
                Ok(_) => got += 1,
                Err(error) => {
                    same(error.app(), Some(&MatrixError::Refused { reason: "as asked".into() }))?;
                    return same(got, 2);
                }
            }
        }
    }

    async fn client_stream(&self) -> Outcome {
        let items = stream::iter(["a", "b", "c"].map(|text| item(1, text)));
        same(self.shapes.collect("p:".into()).send_all(items).await?, total(3, "p:abc"))
    }

    async fn both_ways(&self) -> Outcome {
        let (out, mut back) = self.shapes.chat("p:".into()).open()?;
        for n in 0..3 {
            out.send(item(n, "x")).await?;
            same(back.next().await.ok_or("ended early")??, item(n, "p:x"))?;
        }
        out.finish()?;
        same(back.next().await.is_none(), true)
    }

    async fn stream_then(&self) -> Outcome {
        let mut items = self.shapes.then(3, "x".into()).open()?;
        for n in 0..3 {
            same(items.next().await.ok_or("ended early")??, item(n, "x"))?;
        }
        same(items.finish().await?, total(3, "x"))
    }

    async fn both_then(&self) -> Outcome {
        let (out, mut back) = self.shapes.both().open()?;
        for n in 0..3 {
            out.send(item(n, "")).await?;
            same(back.next().await.ok_or("ended early")??, item(n, ""))?;
        }
        out.finish()?;
        same(back.finish().await?, total(3, ""))
    }

    async fn large(&self) -> Outcome {
        let text = "x".repeat(200_000);
        same(self.shapes.unary(item(1, &text)).await?, item(2, &text))
    }

    async fn many_items(&self) -> Outcome {
        self.server_stream(20_000, &"y".repeat(40)).await?;
        let items = stream::iter((0..20_000).map(|n| item(n, "yyyyyyyyyy")));
        same(self.shapes.collect(String::new()).send_all(items).await?.count, 20_000)
    }

    async fn cancel_call(&self) -> Outcome {
        let before = self.shapes.cancelled().await?;
        tokio::select! {
            biased;
            answer = self.shapes.slow(60_000).send() => return Err(format!("{answer:?}").into()),
            done = self.shapes.nothing().send() => done?,
        }
        self.counts(before + 1).await
    }

    async fn cancel_stream(&self) -> Outcome {
        let before = self.shapes.cancelled().await?;
        let mut items = self.shapes.forever().open()?;
        items.next().await.ok_or("ended early")??;
        drop(items);
        self.counts(before + 1).await
    }

    async fn deadline(&self) -> Outcome {
        let before = self.shapes.cancelled().await?;
        let late = self.shapes.slow(60_000).timeout(Duration::from_millis(50)).await;
        same(late.err().ok_or("did not fail")?.code(), Code::DeadlineExceeded)?;
        self.counts(before + 1).await
    }

    async fn idempotent(&self) -> Outcome {
        let (before, key) = (self.shapes.once(0).await?, fastrand::u128(..).to_be_bytes());
        let attempt = |ms| self.shapes.once(ms).idempotency_key(key).send();
        let both = futures_util::future::try_join(attempt(20), attempt(20)).await?;
        same(both, (before + 1, before + 1))?;
        same(attempt(20).await?, before + 1)?;
        let other = attempt(21).await.err().ok_or("did not fail")?;
        same(other.code(), Code::FailedPrecondition)?;
        same(self.shapes.once(0).await?, before + 2)
    }

    async fn describe(&self) -> Outcome {
        let said: Value = self.peer.request("fluxar.describe", &None::<Value>).send().await?;
        let said = Model::from_descriptor(&encode(&said)?)?;
        let mut registry = Registry::new();
        contract::describe(&mut registry);
        same(said.hash(), Model::from_descriptor(&registry.descriptor())?.hash())
    }

    /// Waits until the other side has counted so many.
    async fn counts(&self, wanted: u32) -> Outcome {
        while self.shapes.cancelled().await? < wanted {}
        same(self.shapes.cancelled().await?, wanted)
    }

    async fn reverse_error(&self) -> Outcome {
        let error = self.shapes.back("refuse".into()).await.err().ok_or("did not fail")?;
        same(error.app(), Some(&MatrixError::Refused { reason: "not me".into() }))
    }

    async fn topic_there(&self) -> Outcome {
        let mut events = Ticks::subscribe(&self.peer).colour(Colour::Green).await?;
        let ticks = Ticks::publisher(&self.peer);
        let at = |colour, name: &str| Ticks { colour, name: name.into() };
        ticks.publish(&at(Colour::Red, "rs"), &item(1, "")).await?;
        ticks.publish(&at(Colour::Green, "rs. *>%é"), &item(2, "")).await?;
        let got = events.next().await.ok_or("ended early")??;
        same(got, (at(Colour::Green, "rs. *>%é"), item(2, "")))?;
        let tick = Tick { name: "a.b".into(), item: item(3, "announced") };
        self.shapes.announce(Colour::Green, tick).await?;
        let got = events.next().await.ok_or("ended early")??;
        same(got, (at(Colour::Green, "a.b"), item(3, "announced")))
    }

    async fn topic_kept(&self) -> Outcome {
        let last = Last::publisher(&self.peer);
        let at = Last { name: "rs".into() };
        for n in [1, 2] {
            last.publish(&at, &item(n, "")).await?;
        }
        let mut events = Last::subscribe(&self.peer).name("rs".into()).await?;
        last.publish(&at, &item(3, "")).await?;
        for n in [2, 3] {
            same(events.next().await.ok_or("ended early")??, (at.clone(), item(n, "")))?;
        }
        Ok(())
    }

    async fn topic_meta(&self) -> Outcome {
        let at = Last { name: "meta rs".into() };
        let mut live = self.peer.events(&at.path()?).await?;
        let options = PublishOptions::new().meta("by", "rs").meta("ü", "é");
        Last::publisher(&self.peer).publish_with(&at, &item(1, ""), options).await?;
        let mut late = None;
        for is_kept in [false, true] {
            let message = late.as_mut().unwrap_or(&mut live).next().await.ok_or("ended early")?;
            same(message.retained(), is_kept)?;
            same((message.meta("by"), message.meta("ü")), (Some("rs"), Some("é")))?;
            late = Some(self.peer.events(&at.path()?).await?);
        }
        Ok(())
    }

    async fn topic_here(&self) -> Outcome {
        let mut ticks = self.shapes.watch(Colour::Green, 2).open()?;
        same(ticks.next().await.ok_or("ended early")??.name, String::new())?;
        for (colour, name, n) in
            [(Colour::Red, "no", 1), (Colour::Green, "a. b", 2), (Colour::Green, "ü>", 3)]
        {
            self.home.publish(&Ticks { colour, name: name.into() }, &item(n, ""))?;
        }
        for (name, n) in [("a. b", 2), ("ü>", 3)] {
            let tick = Tick { name: name.into(), item: item(n, "") };
            same(ticks.next().await.ok_or("ended early")??, tick)?;
        }
        same(ticks.next().await.is_none(), true)
    }
}
