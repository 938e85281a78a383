//! Typed topics over a session.

use fluxar::{Client, Code, Server, Type, Unknown, Uuid};

#[derive(Clone, Debug, PartialEq, Eq, Type)]
enum Region {
    #[fluxar(id = 1, rename = "eu")]
    Eu,
    #[fluxar(id = 2, rename = "us")]
    Us,
    #[fluxar(unknown)]
    Unknown(Unknown),
}

#[derive(Clone, Debug, PartialEq, Eq, Type)]
struct OrderId(Uuid);

#[derive(Clone, Debug, PartialEq, Type)]
struct Placed {
    #[fluxar(id = 1, min = 1)]
    lines: u32,
}

/// Orders as they come.
#[fluxar::topic("orders.{region}.{id}.{note}", value = Placed, retain = 1)]
#[derive(Clone, Debug, PartialEq)]
struct Orders {
    region: Region,
    id: OrderId,
    note: String,
}

#[fluxar::topic("ticks", value = u64)]
#[derive(Clone, Debug, PartialEq)]
struct Ticks;

async fn pair_of_peers() -> (Server, Client) {
    let pair = fluxar::testing::pair().build().await.unwrap();
    (pair.server, pair.client)
}

fn order(region: Region, note: &str) -> Orders {
    Orders { region, id: OrderId(Uuid::from_bytes([1; 16])), note: note.into() }
}

#[tokio::test]
async fn what_is_published_arrives_with_its_key() {
    let (server, client) = pair_of_peers().await;
    let mut all = Orders::subscribe(&client).await.unwrap();
    let mut us = Orders::subscribe(&client).region(Region::Us).await.unwrap();
    let publisher = Orders::publisher(&client);
    let sent = [(order(Region::Eu, "a.b *"), 1), (order(Region::Us, "100 %"), 2)];
    for (at, lines) in &sent {
        publisher.publish(at, &Placed { lines: *lines }).await.unwrap();
        let (key, event) = all.next().await.unwrap().unwrap();
        assert_eq!((&key, event.lines), (at, *lines));
    }
    let (key, event) = us.next().await.unwrap().unwrap();
    assert_eq!((key, event.lines), (sent[1].0.clone(), 2));
    let mut ticks = Ticks::subscribe(&client).await.unwrap();
    Ticks::publisher(&client).publish(&Ticks, &7).await.unwrap();
    assert_eq!(ticks.next().await.unwrap().unwrap(), (Ticks, 7));
    // A newer peer's region, and something that is no order at all.
    server.publish("orders.mars.01010101-0101-0101-0101-010101010101.x", &1_u8).unwrap();
    let wrong = all.next().await.unwrap().unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let raw = Placed { lines: 3 };
    server.publish("orders.mars.01010101-0101-0101-0101-010101010101.x", &raw).unwrap();
    let (key, _) = all.next().await.unwrap().unwrap();
    assert_eq!(key.region, Region::Unknown(Unknown::named("mars")));
}

#[tokio::test]
async fn what_cannot_be_published_is_refused_before_it_is_sent() {
    let (_server, client) = pair_of_peers().await;
    let publisher = Orders::publisher(&client);
    let empty = publisher.publish(&order(Region::Eu, ""), &Placed { lines: 1 }).await;
    assert!(empty.unwrap_err().message().contains("`note`"));
    let none = publisher.publish(&order(Region::Eu, "x"), &Placed { lines: 0 }).await;
    assert!(none.unwrap_err().message().contains("at `lines`: 0 is below 1"));
    let narrow = Orders::subscribe(&client).note(String::new()).await;
    assert_eq!(narrow.unwrap_err().code(), Code::InvalidArgument);
}
