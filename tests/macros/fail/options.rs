//! Options are known, fit their place, and say something.

#[fluxar::service]
trait Users {
    #[fluxar(timout = "2s")]
    async fn misspelt(&self);
    #[fluxar(id = 1)]
    async fn misplaced(&self);
    #[fluxar]
    async fn empty(&self);
    #[fluxar(timeout = "2")]
    async fn no_unit(&self);
    #[fluxar(timeout = 2)]
    async fn no_text(&self);
    #[fluxar(timeout = "2s", timeout = "3s")]
    async fn twice(&self);
    #[fluxar(rename = "a.b")]
    async fn dotted(&self);
    #[fluxar(rename = "")]
    async fn nameless(&self);
    async fn zero(&self, #[fluxar(id = 0)] a: u8);
}

fn main() {}
