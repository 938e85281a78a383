//! Calls run at the same time on one implementation, so methods take `&self`.

#[fluxar::service]
trait Users {
    async fn by_value(self, id: u64) -> u64;
    async fn by_mut(&mut self, id: u64) -> u64;
    async fn by_arc(self: std::sync::Arc<Self>, id: u64) -> u64;
    async fn by_name(id: u64) -> u64;
}

fn main() {}
