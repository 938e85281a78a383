//! Whole sessions over every transport, plain, compressed and sealed: calls both ways, a stream
//! both ways, events, and a link that is lost in the middle of it all.

use crate::certs::certs;
use crate::rig::{fresh_directory, fresh_name, trusting};
use fluxar::testing::{FaultyLink, LinkControl};
use fluxar::transport::{TransportError, dial};
use fluxar::{
    Backoff, Client, Compression, Context, Seal, SealKey, Server, Sink, Status, Streaming,
};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done to frames between the engine and the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Plain,
    Zstd,
    Sealed,
}

macro_rules! every_wire {
    ($($transport:ident)*) => { $(
        mod $transport {
            use super::*;

            #[tokio::test]
            async fn plain_sessions_work() {
                work(stringify!($transport), Wire::Plain).await;
            }

            #[tokio::test]
            async fn compressed_sessions_work() {
                work(stringify!($transport), Wire::Zstd).await;
            }

            #[tokio::test]
            async fn sealed_sessions_work() {
                work(stringify!($transport), Wire::Sealed).await;
            }
        }
    )* };
}

every_wire! { mem tcp unix ws stdio tls wss quic }

/// A server that is reached over `transport`, the address to dial, and what must outlive both.
pub(crate) async fn serve(
    transport: &str,
    change: impl FnOnce(fluxar::ServerBuilder) -> fluxar::ServerBuilder,
) -> (Server, String, Option<TempDir>) {
    let mut directory = None;
    let at = match transport {
        "mem" => format!("mem://{}", fresh_name()),
        "unix" => {
            let (outer, inner) = fresh_directory();
            directory = Some(outer);
            format!("unix://{}/a.sock", inner.display())
        }
        // The child of each link carries it on to there.
        "stdio" => "tcp://127.0.0.1:0".to_owned(),
        other => format!("{other}://localhost:0"),
    };
    let server = change(Server::bind(at).tls(certs().server("localhost")));
    let server = server.build().await.expect(transport);
    server.handle("echo.text", |text: String| async move { Ok::<_, Status>(text) });
    server.handle("ask.back", |ctx: Context, n: u32| async move {
        ctx.peer().call::<_, u32>("client.double", &n).await
    });
    server.handle_stream(
        "both.ways",
        |_: Context, to: u32, mut input: Streaming<u32>, out: Sink<String>| async move {
            let mut sum = 0_u64;
            for n in 0..to {
                out.send(format!("item {n}")).await?;
            }
            while let Some(n) = input.next().await {
                sum += u64::from(n?);
            }
            Ok::<_, Status>(sum)
        },
    );
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    let url = server.addresses()[0].to_string();
    let url = match transport {
        "stdio" => {
            format!("exec:{}?arg=bridge&arg={url}", env!("CARGO_BIN_EXE_stdio-child"))
        }
        _ => url,
    };
    (server, url, directory)
}

/// A client whose links go to these addresses by turns, and the last of them in the test's hand.
pub(crate) async fn connect(
    urls: &[String],
    change: impl FnOnce(fluxar::ClientBuilder) -> fluxar::ClientBuilder,
) -> (Client, Arc<Mutex<Option<LinkControl>>>) {
    let urls = urls.to_vec();
    let last: Arc<Mutex<Option<LinkControl>>> = Arc::default();
    let keep = Arc::clone(&last);
    let backoff = Backoff::default().first(Duration::from_millis(1));
    let client = change(Client::connect(urls[0].as_str())).reconnect(backoff);
    let client = client.handle("client.double", |n: u32| async move { Ok::<_, Status>(n * 2) });
    let client = client.build_with(move |attempt| {
        let (url, keep) = (urls[attempt % urls.len()].clone(), Arc::clone(&keep));
        async move {
            let address = url.parse().map_err(TransportError::from)?;
            let (link, control) = FaultyLink::new().wrap(dial(&address, &trusting()).await?);
            *keep.lock().expect("whole") = Some(control);
            Ok(link)
        }
    });
    (client.await.expect("a session"), last)
}

fn key() -> SealKey {
    SealKey::from_bytes(&[9; 32])
}

async fn work(transport: &str, wire: Wire) {
    let (server, url, _directory) = serve(transport, |server| match wire {
        Wire::Plain => server,
        Wire::Zstd => server.compress(Compression::any()),
        Wire::Sealed => server.seal(Seal::require(key())),
    })
    .await;
    let (client, link) = connect(&[url], |client| match wire {
        Wire::Plain => client,
        Wire::Zstd => client.compress(Compression::any()),
        Wire::Sealed => client.seal(Seal::pinned(key().public())),
    })
    .await;
    assert_eq!(client.is_sealed(), wire == Wire::Sealed);
    let all = async {
        exchange(&server, &client, 0, || {}).await;
        // The same again, and the link is lost twice in the middle of it.
        let cut = || link.lock().expect("whole").as_ref().expect("a link").cut();
        exchange(&server, &client, 2, cut).await;
    };
    tokio::time::timeout(PATIENCE, all).await.expect("nothing hangs");
    assert!(client.resumes() >= 1, "the session went on");
    assert_eq!(client.is_sealed(), wire == Wire::Sealed);
    let ending = async {
        client.close().await;
        server.shutdown().await;
    };
    tokio::time::timeout(PATIENCE, ending).await.expect("a goodbye");
}

/// Items each way.
const ITEMS: u32 = 3_000;

/// Everything once, each item once and in order; `cut` is called so often, spread over the items.
pub(crate) async fn exchange(server: &Server, client: &Client, cuts: u32, cut: impl Fn()) {
    let mut events = client.events("news.*").await.expect("granted");
    let opened = client.open::<_, u32, String, u64, Infallible>("both.ways", &ITEMS);
    let (out, mut items) = opened.expect("open");
    let sending = tokio::spawn(async move {
        for n in 0..ITEMS {
            out.send(n).await.expect("taken");
        }
        out.finish().expect("said");
    });
    // Longer than a fragment, so that it is cut, and compresses well.
    let text = "all work and no play ".repeat(5_000);
    let calling = {
        let (client, text) = (client.clone(), text.clone());
        tokio::spawn(async move {
            for n in 0..20_u32 {
                let back: String = client.call("echo.text", &text).await.expect("answered");
                assert!(back == text);
                let doubled: u32 = client.call("ask.back", &n).await.expect("answered");
                assert_eq!(doubled, n * 2);
            }
        })
    };
    let mut expected = 0;
    while let Some(item) = items.next().await {
        assert_eq!(item.expect("in order"), format!("item {expected}"));
        expected += 1;
        if cuts > 0 && expected % (ITEMS / (cuts + 1)) == 0 && expected < ITEMS {
            cut();
        }
    }
    assert_eq!(expected, ITEMS);
    let sum = items.finish().await.expect("the result");
    assert_eq!(sum, u64::from(ITEMS - 1) * u64::from(ITEMS) / 2);
    sending.await.expect("sent");
    calling.await.expect("called");
    server.publish("news.today", &7_u8).expect("a topic");
    let event = events.next().await.expect("delivered");
    assert_eq!(event.payload::<u8>().expect("a number"), 7);
}
