//! Contexts, sinks and inputs have their places.

use fluxar::__rt::Stream;
use fluxar::{Context, Sink, Status, Streaming};

#[fluxar::service]
trait Users {
    async fn late(&self, id: u64, ctx: Context);
    async fn two_sinks(&self, a: Sink<u8>, b: Sink<u16>);
    async fn two_inputs(&self, a: Streaming<u8>, b: Streaming<u16>);
    async fn too_much(&self, rows: Streaming<u8, u8>);
    fn sync(&self, out: Sink<u8>) -> Result<u8, Status>;
    fn two_ways(&self, out: Sink<u8>) -> impl Stream<Item = u8>;
    async fn options(&self, #[fluxar(default)] out: Sink<u8>);
}

fn main() {}
