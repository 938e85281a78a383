//! What the signature of a method may not have.

#[fluxar::service]
trait Users {
    async fn generic<T>(&self, id: T) -> u64;
    async fn clause(&self, id: u64)
    where
        u64: Copy;
    async fn body(&self, id: u64) -> u64 {
        id
    }
    async unsafe fn risky(&self, id: u64);
    async fn nameless(&self, _: u64);
    async fn new(&self, id: u64) -> u64;
    async fn cfg(&self, #[cfg(unix)] id: u64);
}

#[fluxar::service]
trait Twice {
    async fn get(&self);
    #[fluxar(rename = "get")]
    async fn fetch(&self);
    async fn both(&self, a: u8, #[fluxar(rename = "a")] b: u8);
}

fn main() {}
