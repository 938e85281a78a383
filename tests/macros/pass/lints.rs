//! Generated code draws no warnings, however strict the crate is.
#![deny(warnings, missing_docs, missing_debug_implementations, unused_qualifications)]
#![deny(elided_lifetimes_in_paths, unreachable_pub, unsafe_code, trivial_casts)]
#![deny(unused_results, let_underscore_drop, single_use_lifetimes, unused_lifetimes)]

use fluxar::{Context, Status};

/// A number.
#[derive(Clone, Copy, Debug, fluxar::Type)]
pub struct Id(u32);

/// A record of something.
#[derive(Clone, Debug, fluxar::Type)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts.
    pub next: Option<Id>,
}

/// What may go wrong.
#[derive(Clone, Debug, fluxar::Type)]
#[fluxar(error)]
pub enum PageError {
    /// There is none.
    #[fluxar(code = "not_found", message = "no page {id:?}")]
    Missing {
        /// Which one.
        id: Id,
    },
}

/// Pages.
#[fluxar::service]
pub trait Pages: std::fmt::Debug {
    /// One page.
    async fn get(&self, ctx: Context, id: Id) -> Result<Page<u8>, PageError>;
    #[doc(hidden)]
    async fn ping(&self);
    /// Old.
    #[deprecated = "use get"]
    async fn old(&self, id: Id) -> Result<(), Status>;
    /// Not here.
    #[cfg(any())]
    async fn absent(&self, id: Missing) -> Missing;
    /// Many.
    #[allow(clippy::too_many_arguments, reason = "the contract has them")]
    async fn many(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8);
}

#[derive(Debug)]
struct Book;

impl Pages for Book {
    async fn get(&self, _ctx: Context, id: Id) -> Result<Page<u8>, PageError> {
        Err(PageError::Missing { id })
    }
    async fn ping(&self) {}
    async fn old(&self, _id: Id) -> Result<(), Status> {
        Ok(())
    }
    async fn many(&self, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8) {}
}

#[test]
fn generated_code_is_usable() {
    drop(PagesServer::shared(std::sync::Arc::new(Book)));
    fn is_send(_call: impl Send) {}
    fn get(client: &PagesClient) {
        is_send(client.get(Id(1)));
    }
    let _get: fn(&PagesClient) = get;
}
