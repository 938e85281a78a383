//! What is refused, and what the message says to write instead. (How it looks at the author's
//! place is pinned in `tests/macros/fail`.)

use crate::{expand_service, expand_type};
use proc_macro2::TokenStream;

fn tokens(code: &str) -> TokenStream {
    code.parse().unwrap()
}

fn messages(outcome: syn::Result<TokenStream>) -> Vec<String> {
    let error = outcome.expect_err("this should be refused");
    error.into_iter().map(|error| error.to_string()).collect()
}

/// Checks that a trait with this one item is refused with one message that says `part`.
fn refused(item: &str, part: &str) {
    let service = tokens(&format!("trait T {{ {item} }}"));
    let messages = messages(expand_service(TokenStream::new(), service));
    assert!(messages.len() == 1 && messages[0].contains(part), "{item}: {messages:?}");
}

#[test]
fn receivers_are_shared_references() {
    refused("async fn f(self);", "write `&self`");
    refused("async fn f(&mut self);", "write `&self`");
    refused("async fn f(self: Arc<Self>);", "write `&self`");
    refused("async fn f(&'static self);", "write `&self`");
    refused("async fn f(x: u8);", "takes `&self` first");
}

#[test]
fn signatures_are_plain() {
    refused("async fn f<T>(&self);", "no generics");
    refused("async fn f(&self) where u8: Copy;", "no where clause");
    refused("async unsafe fn f(&self);", "not unsafe");
    refused("async fn f(&self) {}", "no default body");
    refused("async fn f(&self, (a, b): (u8, u8));", "no pattern");
    refused("async fn f(&self, _: u8);", "no pattern");
    refused("async fn new(&self);", "rename = \"new\"");
    refused("type X;", "only methods");
    refused("const X: u8;", "only methods");
}

#[test]
fn payloads_are_owned() {
    refused("async fn f(&self, s: &str);", "owned");
    refused("async fn f(&self, s: Vec<&'static str>);", "owned");
    refused("async fn f(&self, s: Cow<'a, str>);", "borrowed");
    refused("async fn f(&self, s: impl Into<String>);", "concrete");
    refused("async fn f(&self, s: Box<dyn Any>);", "concrete");
    refused("async fn f(&self, s: fn(u8));", "function");
    refused("async fn f(&self) -> Self;", "`Self`");
    refused("async fn f(&self) -> Result<Self::T, Status>;", "`Self`");
}

#[test]
fn answers_have_one_form() {
    refused("fn f(&self) -> u8;", "write `async fn`");
    refused("fn f(&self);", "write `async fn`");
    refused("fn f(&self, out: Sink<u8>) -> u8;", "write `async fn`");
    refused("async fn f(&self) -> impl Stream<Item = u8>;", "not `async fn`");
    refused("fn f(&self) -> impl Future<Output = u8>;", "a value or with items");
    refused("fn f(&self) -> impl Stream;", "a value or with items");
    refused("async fn f(&self) -> Result<u8>;", "name both types");
    refused("async fn f(&self) -> io::Result<u8>;", "name both types");
}

#[test]
fn handles_have_their_places() {
    refused("async fn f(&self, a: Sink<u8>, b: Sink<u8>);", "one `Sink`");
    refused("async fn f(&self, a: Streaming<u8>, b: Streaming<u8>);", "one `Streaming`");
    refused("async fn f(&self, a: Sink);", "`Sink<Row>`");
    refused("async fn f(&self, a: Streaming<u8, u8>);", "`Streaming<Row>`");
    refused("async fn f(&self, a: u8, ctx: Context);", "goes first");
    refused("fn f(&self, a: Sink<u8>) -> impl Stream<Item = u8>;", "one way");
    refused("async fn f(&self, #[fluxar(default)] a: Sink<u8>);", "no options");
}

#[test]
fn notifications_are_one_way() {
    let notification = |rest: &str| format!("#[fluxar(notification)] {rest}");
    refused(&notification("fn f(&self);"), "`async fn`");
    refused(&notification("async fn f(&self) -> u8;"), "nobody answers");
    refused(&notification("async fn f(&self, a: Sink<u8>);"), "has no items");
    refused(r#"#[fluxar(notification, timeout = "2s")] async fn f(&self);"#, "nobody waits");
}

#[test]
fn options_are_known_and_fit() {
    refused(r#"#[fluxar(timout = "2s")] async fn f(&self);"#, "write one of `notification`");
    refused("#[fluxar(id = 1)] async fn f(&self);", "unknown option");
    refused("#[fluxar] async fn f(&self);", "write `#[fluxar(…)]`");
    refused(r#"#[fluxar(timeout = "2")] async fn f(&self);"#, "`500ms`");
    refused(r#"#[fluxar(timeout = "2s", timeout = "3s")] async fn f(&self);"#, "twice");
    refused(r#"#[fluxar(rename = "a.b")] async fn f(&self);"#, "method may not");
    refused("async fn f(&self, #[fluxar(id = 0)] a: u8);", "from 1");
    refused("async fn f(&self, #[cfg(unix)] a: u8);", "only `#[fluxar(…)]`");
}

#[test]
fn names_on_the_wire_are_unique() {
    refused(
        r#"async fn f(&self); #[fluxar(rename = "f")] async fn g(&self);"#,
        "target `t.f` already",
    );
    refused(r#"async fn f(&self, a: u8, #[fluxar(rename = "a")] b: u8);"#, "name on the wire");
    refused("async fn f(&self, #[fluxar(id = 1)] a: u8, #[fluxar(id = 1)] b: u8);", "id");
}

#[test]
fn traits_are_plain() {
    let refuse = |arguments: &str, item: &str, part: &str| {
        let messages = messages(expand_service(tokens(arguments), tokens(item)));
        assert!(messages.iter().any(|m| m.contains(part)), "{messages:?}");
    };
    refuse("", "trait T<U> { async fn f(&self); }", "no generics");
    refuse("", "trait T where u8: Copy, { async fn f(&self); }", "no where clause");
    refuse("", "unsafe trait T { async fn f(&self); }", "not unsafe");
    let deep = format!("package = \"{}\"", ["a"; 15].join("."));
    refuse(&deep, "trait T { async fn f(&self); }", "more than 16 segments");
    refuse("", "#[fluxar(name = \"x\")] trait T { async fn f(&self); }", "stand in");
    refuse("", "struct T;", "a service is a trait");
    refuse(r#"name = "a.b""#, "trait T { async fn f(&self); }", "the name of a service");
    refuse(r#"package = "a..b""#, "trait T { async fn f(&self); }", "empty segment");
    refuse(r#"timeout = "1s""#, "trait T { async fn f(&self); }", "write one of `name");
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let item = "trait T { async fn a(self); fn b(&self) -> u8; async fn c(&self, s: &str); }";
    assert_eq!(messages(expand_service(TokenStream::new(), tokens(item))).len(), 3);
}

/// Checks that a type is refused with one message that says `part`.
fn type_refused(item: &str, part: &str) {
    let messages = messages(expand_type(tokens(item)));
    assert!(messages.len() == 1 && messages[0].contains(part), "{item}: {messages:?}");
}

#[test]
fn types_travel_by_names() {
    type_refused("struct T(u8, u8);", "write `{ name: T, … }`");
    type_refused("enum T { A(u8, u8), }", "write `{ name: T, … }`");
    type_refused("union T { a: u8 }", "write an enum");
    type_refused("enum T {}", "add a variant");
    type_refused("struct T { a: &'static str, }", "owned");
    type_refused("struct T<'a> { a: u8, }", "borrowed");
    type_refused(r#"struct T { a: u8, #[fluxar(rename = "a")] b: u8, }"#, "has the name `a`");
    type_refused("enum T { #[fluxar(id = 1)] A, #[fluxar(id = 1)] B, }", "has the id 1");
    type_refused("struct T(#[fluxar(id = 1)] u8);", "has no options");
}

#[test]
fn errors_say_how_they_fail() {
    type_refused("#[fluxar(error)] enum T { A, }", "say how it fails");
    type_refused("#[fluxar(error)] struct T { a: u8, }", "say how it fails");
    type_refused(r#"enum T { #[fluxar(code = "internal")] A, }"#, "`#[fluxar(error)]`");
    type_refused(
        r#"#[fluxar(error)] enum T { #[fluxar(code = "gone")] A, }"#,
        "one of cancelled, unknown",
    );
    type_refused(
        r#"#[fluxar(error)] enum T { #[fluxar(code = "internal", message = "{b}")] A { a: u8 }, }"#,
        "no field `b`",
    );
    type_refused(
        r#"#[fluxar(error)] enum T { #[fluxar(code = "internal", message = "{")] A, }"#,
        "in braces stands",
    );
    type_refused(
        r#"#[fluxar(error, code = "internal", message = "x")] enum T { A, }"#,
        "each variant",
    );
    type_refused(r#"#[fluxar(error, code = "internal")] struct T<U>(U);"#, "no generics");
    type_refused("#[fluxar(own_display)] struct T(u8);", "only errors have a text");
    type_refused(
        r#"#[fluxar(error, own_display, code = "internal", message = "x")] struct T(u8);"#,
        "keep one of both",
    );
}
