//! Nobody answers a notification.

use fluxar::Sink;

#[fluxar::service]
trait Log {
    #[fluxar(notification)]
    fn sync(&self, line: String);
    #[fluxar(notification)]
    async fn answers(&self, line: String) -> u64;
    #[fluxar(notification)]
    async fn items(&self, out: Sink<u8>);
    #[fluxar(notification, timeout = "2s")]
    async fn waits(&self, line: String);
}

fn main() {}
