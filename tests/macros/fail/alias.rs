//! A macro sees names: a `Result` under another one would travel as a value.

type Outcome<T> = Result<T, String>;

#[fluxar::service]
trait Users {
    async fn get(&self, id: u64) -> Outcome<u64>;
}

fn main() {}
