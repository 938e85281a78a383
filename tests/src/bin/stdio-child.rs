//! The program that the tests of `exec:` start. It does what its first argument says; the second
//! is a TCP address where the test waits for it.

use fluxar::transport::{Address, DialOptions, Link, dial};
use fluxar_tests::links::pump;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let to = arguments.get(1).map(String::as_str).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("bridge") => bridge(link("stdio:").await?, link(to).await?).await,
        Some("chatter") => {
            let parent = link("stdio:").await?;
            chatter();
            bridge(parent, link(to).await?).await
        }
        Some("hang") => {
            let _test = link(to).await?;
            std::future::pending().await
        }
        _ => Err("usage: stdio-child bridge|chatter|hang tcp://host:port".into()),
    }
}

async fn link(address: &str) -> Result<Link, Box<dyn Error + Send + Sync>> {
    Ok(dial(&address.parse::<Address>()?, &DialOptions::default()).await?)
}

/// Joins two links; each direction ends by itself.
async fn bridge(mut one: Link, mut other: Link) -> Outcome {
    let there = pump(one.reader.as_mut(), other.writer.as_mut());
    let back = pump(other.reader.as_mut(), one.writer.as_mut());
    let (there, back) = tokio::join!(there, back);
    Ok(there.and(back)?)
}

/// What a careless library does.
#[expect(clippy::print_stdout, reason = "the link has to survive it")]
fn chatter() {
    println!("this line is not a frame");
}
