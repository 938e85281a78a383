//! Nothing of std in scope, and every name that one would lean on taken by something else.
#![no_implicit_prelude]
#![allow(
    dead_code,
    non_camel_case_types,
    unused_macros,
    unused_imports,
    reason = "the names are only in the way"
)]

/// As hostile as a module can be.
mod shop {
    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Vec;
    pub struct String;
    pub struct Box;
    pub struct Arc;
    pub struct Status;
    pub struct Peer;
    pub struct Call;
    pub struct usize;
    pub struct u32;
    pub struct str;
    pub trait Clone {}
    pub trait Debug {}
    pub trait Send {}
    pub trait Sync {}
    pub trait Default {}
    pub trait From {}
    pub trait Into {}
    pub trait Future {}
    pub trait Serialize {}
    pub trait Deserialize {}
    pub trait Type {}
    pub mod std {}
    pub mod core {}
    pub mod fluxar {}
    pub mod serde {}

    macro_rules! format {
        () => {};
    }
    macro_rules! vec {
        () => {};
    }
    pub(crate) use {format, vec};

    #[derive(::fluxar::Type)]
    pub struct Item {
        pub id: ::core::primitive::u32,
        pub note: ::core::option::Option<::std::string::String>,
        #[fluxar(default)]
        pub tags: ::std::vec::Vec<Kind>,
    }

    #[derive(::fluxar::Type)]
    pub enum Kind {
        Small,
        Large(::core::primitive::bool),
        Other { why: ::std::string::String, more: ::core::option::Option<Nothing> },
    }

    #[derive(::fluxar::Type)]
    pub struct Nothing;

    #[derive(::fluxar::Type)]
    pub struct Id<T>(pub T);

    #[derive(::core::fmt::Debug, ::fluxar::Type)]
    #[fluxar(error)]
    pub enum Gone {
        #[fluxar(code = "not_found", message = "no {id} of {id}")]
        Missing { id: ::core::primitive::u32 },
        #[fluxar(code = "aborted")]
        Away,
    }

    #[::fluxar::service]
    pub(super) trait Shop {
        async fn unary(&self, id: Id<::core::primitive::u32>)
        -> ::core::result::Result<Item, Gone>;
        async fn plain(&self) -> Item;
        async fn nothing(&self, ctx: ::fluxar::Context);
        #[fluxar(notification, rename = "noticed")]
        async fn notice(&self, item: Item);
        #[fluxar(timeout = "5s")]
        async fn status(&self) -> ::core::result::Result<(), ::fluxar::Status>;
        fn list(
            &self,
            kind: ::core::option::Option<Kind>,
        ) -> impl ::fluxar::__rt::Stream<Item = ::core::result::Result<Item, Gone>>;
        fn count(&self) -> impl ::fluxar::__rt::Stream<Item = ::core::primitive::u64>;
        async fn put(&self, items: ::fluxar::Streaming<Item>) -> ::core::primitive::u64;
        fn chat(
            &self,
            items: ::fluxar::Streaming<Item>,
        ) -> impl ::fluxar::__rt::Stream<Item = ::core::result::Result<Item, Gone>>;
        async fn fill(
            &self,
            out: ::fluxar::Sink<Item>,
        ) -> ::core::result::Result<::core::primitive::u64, Gone>;
    }
}

#[::core::prelude::v1::test]
fn generated_code_is_usable() {
    let client: fn(&::fluxar::Peer) -> shop::ShopClient = shop::ShopClient::new;
    let _ = (client, ::core::mem::size_of::<shop::ShopServer<()>>());
}
