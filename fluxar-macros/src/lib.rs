//! `#[fluxar::service]` and `#[derive(fluxar::Type)]`: thin over `fluxar-codegen`.
//!
//! Use them through the crate `fluxar`, whose types the generated code names.

use proc_macro::TokenStream;

/// Turns a trait into a contract: a typed client, a typed server, and the trait that
/// implementations fill in. Either side of a connection may serve it.
///
/// ```ignore
/// #[fluxar::service]
/// pub trait Users {
///     /// Request and answer.
///     async fn get(&self, id: UserId) -> Result<User, UserError>;
///     /// The context of the call, if wanted, goes first.
///     #[fluxar(timeout = "2s")]
///     async fn rename(&self, ctx: Context, id: UserId, name: String) -> Result<(), Status>;
///     /// Nobody answers.
///     #[fluxar(notification)]
///     async fn seen(&self, id: UserId);
///     /// Items back.
///     fn watch(&self, role: Option<Role>) -> impl Stream<Item = Result<User, UserError>>;
///     /// Items there, one answer back.
///     async fn import(&self, dry_run: bool, rows: Streaming<User>) -> Result<Report, UserError>;
///     /// Items both ways.
///     fn chat(&self, turns: Streaming<Turn>) -> impl Stream<Item = Turn>;
///     /// Items back, then one answer.
///     async fn complete(&self, prompt: String, out: Sink<Token>) -> Result<Summary, Status>;
/// }
/// ```
///
/// This gives
/// - the trait `Users`, in which `async fn` has become `-> impl Future + Send`, so that its
///   futures can be spawned; implementations may write plain `async fn`;
/// - `UsersClient::new(&peer)`, whose methods take the parameters that travel (no context, no
///   sink, no input) and give a call to await or a stream to open;
/// - `UsersServer::new(implementation)`, to be given to `serve`.
///
/// A macro sees names, not types, so these names mean the framework's types wherever they come
/// from: `Result`, `Context` (without arguments), `Streaming`, `Sink` and `Stream`.
///
/// # On the wire
/// The target of a method is `users.get`: the trait's name in snake case, a dot, the method's
/// name. Parameters travel as one map by their names. Types are anything that serde can write and
/// read, best `#[derive(fluxar::Type)]`.
///
/// # Options
/// On the trait: `name = "people"` instead of the trait's name, `package = "shop.v1"` in front of
/// it, and `crate = "path"` where the crate `fluxar` is to be found under another name (the macro
/// cannot see how a dependency was renamed).
/// On a method, in `#[fluxar(…)]`: `notification`, `rename = "…"` for another name on the wire,
/// and `timeout = "500ms"` (or `s`, `m`, `h`) for the deadline of clients that set none.
/// `idempotent`: each call carries a key, so that it is sent again should even the session be lost,
/// and is done once as long as its outcome is kept (a day, up to 64 KiB each); its handler runs to
/// its end, whoever still waits. Of a call with one answer only. `resumable`, `cache = "30s"` and `bytes_max = 65536` are carried in the description.
/// On a parameter: what a field of [`macro@Type`] may have.
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let code = fluxar_codegen::expand_service(arguments.into(), item.clone());
    let code = code.unwrap_or_else(|error| {
        let mut code = error.into_compile_error();
        code.extend(fluxar_codegen::plain_trait(item));
        code
    });
    code.into()
}

/// Turns a struct into a typed topic: its fields are the values in the path.
///
/// ```ignore
/// #[fluxar::topic("orders.{region}.{id}", value = OrderEvent, retain = 1)]
/// #[derive(Clone, Debug, PartialEq)]
/// pub struct Orders {
///     pub region: Region,
///     pub id: u64,
/// }
/// ```
///
/// This gives `Orders::publisher(&peer)`, whose `publish(&orders, &event)` publishes on the path
/// that the struct says, and `Orders::subscribe(&peer)`, which has a method for each field to
/// narrow it down and is awaited: `Orders::subscribe(&peer).region(Region::Eu).await?`. It yields
/// pairs of `Orders` and event.
///
/// A field is a text, an integer, a bool, a uuid, an enum without content or a newtype of these.
/// Options beside `value`: `retain = 1` keeps the last value of each path, and `replay = "24h"`,
/// `delivery = "at_least_once"` and `key = "id"` are carried in the description.
#[proc_macro_attribute]
pub fn topic(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let code = fluxar_codegen::expand_topic(arguments.into(), item.clone());
    let code = code.unwrap_or_else(|error| {
        let mut code = error.into_compile_error();
        code.extend(item);
        code
    });
    code.into()
}

/// Fails a test when traits do not say any more what a contract file says.
///
/// ```ignore
/// #[test]
/// fn the_contract_is_that_of_the_file() {
///     fluxar::assert_idl!("idl/shop.fluxar", Users, Llm);
/// }
/// ```
///
/// The path is that from the package. The message is the difference; `FLUXAR_BLESS=1` rewrites the
/// file from the traits. Documentation does not count, and numbers that Rust does not give are
/// those of the file. Needs `fluxar-codegen` among the `dev-dependencies`.
#[proc_macro]
pub fn assert_idl(arguments: TokenStream) -> TokenStream {
    let code = fluxar_codegen::expand_assert(arguments.into());
    code.unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a type travel: a codec of its own (`fluxar::payload::{Encode, Decode}`), serde's
/// `Serialize` and `Deserialize` for the bounds of the API and for other formats, and its
/// description.
///
/// Structs with named fields travel as maps by their fields' names; a struct of one unnamed field
/// as that field; an enum as serde writes it (a text for a variant without content, otherwise a
/// map of one entry). So plain serde types on the other side fit.
///
/// A field of type `Option` is left out when it is `None`, and may be missing. Keys may be numbers
/// where `#[fluxar(id = …)]` declares them, and are written so between peers that both offer it;
/// unknown keys are skipped; a key that comes twice is an error. Do not derive serde's traits
/// beside this. Reading needs a format that says what comes, as CBOR and JSON do.
///
/// # Options, in `#[fluxar(…)]`
/// On a field: `id = 1`, `rename = "…"`, `default` (missing reads as the type's default, which is
/// written), `default = 1024` (missing reads as this, which is left out; also a text, a bool,
/// `[1, 2]`, a member by its name on the wire, `{ field: 1 }`), `was = "old_name"`.
/// On a field or a newtype, constraints: `min = 1`, `max = 5`, `range = "1..=5"`, `len = "..=256"`,
/// `format = "email"`, `pattern = "[a-z]+"`. A caller keeps them when it sends, a callee checks
/// them when it reads, and both fail with `invalid_argument` and the path of the field.
/// On a variant: `id = 1`, `rename = "…"`, `was = "…"`, and `unknown` on `Unknown(fluxar::Unknown)`,
/// which makes the enum open: what a newer peer sends is kept and written back.
/// On the type: `rename = "…"`, `crate = "path"` (see [`macro@service`]).
/// Anywhere: `since = 2`, `removed = 3`, the levels of the contract.
///
/// # Errors
/// `#[fluxar(error)]` on the type makes it an application error that methods may fail with. Each
/// variant (or the type) then says the code that callers without the type see,
/// `#[fluxar(code = "not_found")]`, and may say the text, `message = "no user {id}"`, where
/// fields stand in braces. Without one, the text is the first line of the documentation. The type
/// is displayed as that text and is a `std::error::Error`, so it has to be `Debug`;
/// `#[fluxar(error, own_display)]` leaves both to you (or to `thiserror`), and the text that
/// callers see is then that of your `Display`.
#[proc_macro_derive(Type, attributes(fluxar))]
pub fn derive_type(item: TokenStream) -> TokenStream {
    let code = fluxar_codegen::expand_type(item.into());
    code.unwrap_or_else(|error| error.into_compile_error()).into()
}
