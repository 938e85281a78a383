//! What cannot travel.

use std::borrow::Cow;

#[fluxar::service]
trait Users {
    async fn reference(&self, name: &str);
    async fn nested(&self, names: Vec<&'static str>);
    async fn borrowed<'a>(&self, name: Cow<'a, str>);
    async fn opaque(&self, name: impl Into<String>);
    async fn object(&self, name: Box<dyn std::any::Any>);
    async fn function(&self, name: fn(u8) -> u8);
}

fn main() {}
