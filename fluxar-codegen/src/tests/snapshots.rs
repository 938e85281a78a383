//! The emitted code, whole.

use super::pretty;
use crate::{expand_service, expand_type};
use proc_macro2::TokenStream;
use quote::quote;
use std::path::PathBuf;

fn check(name: &str, code: TokenStream) {
    let code = pretty(code);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/tests/expected")
        .join(format!("{name}.rs.txt"));
    if std::env::var_os("FLUXAR_BLESS").is_some() {
        std::fs::write(&path, &code).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(code == expected, "{name} differs (FLUXAR_BLESS=1 rewrites it):\n{code}");
}

#[test]
fn a_service_of_every_shape() {
    let code = expand_service(
        quote!(package = "shop.v1"),
        quote! {
            /// The users of the shop.
            pub trait Users {
                /// Fetch one user.
                #[fluxar(timeout = "2s")]
                async fn get(&self, ctx: Context, id: UserId) -> Result<User, UserError>;
                async fn ping(&self);
                #[fluxar(notification)]
                async fn log(&self, line: String);
                fn watch(&self, role: Option<Role>) -> impl Stream<Item = Result<User, UserError>>;
                fn ticks(&self) -> impl Stream<Item = u64>;
                async fn import(&self, dry: bool, rows: Streaming<Row>) -> Result<Report, Status>;
                fn chat(&self, turns: Streaming<Turn>) -> impl Stream<Item = Turn>;
                async fn complete(&self, prompt: String, out: Sink<Token>) -> Result<Sum, Status>;
                async fn both(&self, r#in: Streaming<Turn>, out: Sink<Token>) -> Sum;
            }
        },
    );
    check("service", code.unwrap());
}

#[test]
fn a_service_with_other_names() {
    let code = expand_service(
        quote!(name = "people", crate = "crate::wire"),
        quote! {
            #[cfg(unix)]
            pub(crate) trait S: Sized {
                #[deprecated]
                #[cfg(test)]
                #[fluxar(rename = "match")]
                async fn r#match(
                    &self,
                    r#type: u8,
                    #[fluxar(default, id = 2, rename = "params")] params: Vec<u8>,
                );
            }
        },
    );
    let code = code.unwrap();
    assert!(!code.to_string().contains(":: fluxar"), "only the given path names the crate");
    check("service_names", code);
}

#[test]
fn a_record() {
    let code = expand_type(quote! {
        /// A user.
        struct User {
            /// Its number.
            #[fluxar(id = 1)]
            id: u64,
            #[fluxar(id = 2, rename = "kind")]
            r#type: Kind,
            nick: Option<String>,
            #[fluxar(default)]
            tags: Vec<String>,
        }
    });
    check("record", code.unwrap());
}

#[test]
fn small_types() {
    let newtype = expand_type(quote!(
        pub struct Id<T>(pub T);
    ))
    .unwrap();
    let unit =
        expand_type(quote! { #[fluxar(crate = "crate::f", rename = "Empty")] pub struct Nothing; });
    let unit = unit.unwrap();
    check("small", quote!(#newtype #unit));
}

#[test]
fn an_enum_with_generics() {
    let code = expand_type(quote! {
        enum Next<T: Clone> {
            #[fluxar(id = 1)]
            End,
            #[fluxar(id = 2, rename = "one")]
            One(T),
            Many { items: Vec<T>, more: Option<bool> },
        }
    });
    check("enum", code.unwrap());
}

#[test]
fn an_error() {
    let code = expand_type(quote! {
        #[fluxar(error, code = "internal", rename = "users.UserError")]
        enum UserError {
            #[fluxar(code = "not_found", message = "no user {id}, says {by:?} ({id})")]
            NotFound { id: u64, by: String },
            /// The address is taken.
            ///
            /// Not shown.
            #[fluxar(code = "already_exists")]
            EmailTaken,
            #[fluxar(message = "{0} {{sic}}")]
            Broken(u8),
            OutOfLuck,
        }
    });
    check("error", code.unwrap());
}

/// The contract as Rust: `tests/macros` compiles it and uses it.
#[test]
fn a_contract_as_source() {
    let code = crate::emit::rust::contract(&super::shop::shop());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/macros/pass/shop.rs");
    if std::env::var_os("FLUXAR_BLESS").is_some() {
        std::fs::write(&path, &code).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(code == expected, "shop.rs differs (FLUXAR_BLESS=1 rewrites it):\n{code}");
}
