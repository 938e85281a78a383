//! What a service's trait may not be.

#[fluxar::service]
trait Generic<T> {
    async fn get(&self, id: u64) -> u64;
}

#[fluxar::service]
trait Clause
where
    u8: Copy,
{
    async fn get(&self, id: u64) -> u64;
}

#[fluxar::service]
unsafe trait Unsafe {
    async fn get(&self, id: u64) -> u64;
}

#[fluxar::service]
trait Empty {}

#[fluxar::service]
trait Items {
    type Id;
    const MAX: u64;
    async fn get(&self, id: u64) -> u64;
}

#[fluxar::service]
struct NotATrait;

#[fluxar::service(name = "users.v1")]
trait Dotted {
    async fn get(&self);
}

#[fluxar::service(package = "shop..v1", timeout = "2s")]
trait Options {
    async fn get(&self);
}

fn main() {}
