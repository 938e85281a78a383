//! Sessions over real sockets that break again and again: nothing is lost, nothing comes twice.
//!
//! `FLUXAR_CUTS` says how often (200 when absent), `FLUXAR_SEED` which bytes.

mod load;

use fluxar_tests::proxy::{Fault, TcpProxy};
use load::Load;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// `[L4.resume.*]`: 64 streams, 256 calls in flight and 16 subscriptions over a link that is cut
/// or reset at any byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_again_and_again_under_load() {
    let (cuts, seed) = (number("FLUXAR_CUTS", 200), number("FLUXAR_SEED", 7));
    // Shown when it fails: how to repeat it.
    eprintln!("FLUXAR_SEED={seed} FLUXAR_CUTS={cuts}");
    let server = load::serve().await;
    let upstream = load::socket(&server);
    let proxy = TcpProxy::start(upstream, seed, cuts, 192 << 10, &[Fault::Cut, Fault::Reset]);
    let proxy = proxy.await.expect("a port");
    let files = load::open_files();
    let client = load::connect(proxy.address()).await;
    let mut load = Load::start(&server, &client, 256, 64, 16).await;
    let ends = load::Ends { server: &server, client: &client };
    load.until_broken(&proxy, cuts, &ends).await;
    let done = load.finish(&proxy, &ends).await;
    eprintln!("{done:?} over {} breaks", proxy.faults());
    assert!(done.calls > 256 && done.items > 64 * 16 && done.events > 16, "{done:?}");
    client.close().await;
    drop((client, proxy));
    server.shutdown().await;
    drop(server);
    load::settle(|| load::open_files() <= files).await;
}
