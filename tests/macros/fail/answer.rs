//! Answers come from the other side: later, in one of two forms.

use fluxar::__rt::Stream;

type Outcome<T> = std::result::Result<T, fluxar::Status>;

#[fluxar::service]
trait Users {
    fn sync(&self, id: u64) -> u64;
    fn nothing(&self, id: u64);
    fn future(&self, id: u64) -> impl Future<Output = u64>;
    async fn stream(&self, id: u64) -> impl Stream<Item = u64>;
    async fn half(&self, id: u64) -> std::io::Result<u64>;
    fn half_items(&self, id: u64) -> impl Stream<Item = std::io::Result<u64>>;
}

fn main() {}
