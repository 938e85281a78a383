//! Names of contracts as names of Rust.

use crate::front::{pascal_case, snake_case};
use crate::model::{Contract, Package};
use proc_macro2::{Ident, Span};
use std::collections::HashSet;

/// Names that mean something else in what is emitted: the framework's handles, by which the macro
/// tells arguments apart, and words that are no raw identifiers.
const TAKEN: [&str; 14] = [
    "Context",
    "Streaming",
    "Sink",
    "Stream",
    "Result",
    "Option",
    "Self",
    "self",
    "super",
    "crate",
    "_",
    "Type",
    "Status",
    "Unknown",
];

/// The names of a package.
#[derive(Debug)]
pub(super) struct Names {
    /// What services and topics make beside themselves.
    made: HashSet<String>,
}

impl Names {
    pub(super) fn new(package: &Package<Contract>) -> Self {
        let services = package.services.iter().flat_map(|service| {
            ["", "Client", "Server"].map(|suffix| format!("{}{suffix}", service.name.source))
        });
        let topics = package.topics.iter().flat_map(|topic| {
            ["", "Filter"].map(|suffix| format!("{}{suffix}", topic.name.source))
        });
        let contracts = package.contracts.iter().flat_map(|contract| {
            ["", "Caller"].map(|suffix| format!("{}{suffix}", contract.name.source))
        });
        Self { made: services.chain(topics).chain(contracts).collect() }
    }

    /// The name of a type.
    pub(super) fn of_type(&self, name: &str) -> Ident {
        match self.made.contains(name) {
            true => ident(&format!("{name}_")),
            false => ident(name),
        }
    }
}

/// An identifier of this name, raw where Rust has the word, with a `_` where that does not help.
pub(super) fn ident(name: &str) -> Ident {
    let name = if TAKEN.contains(&name) { format!("{name}_") } else { name.to_owned() };
    match syn::parse_str::<Ident>(&name) {
        Ok(_) => Ident::new(&name, Span::call_site()),
        Err(_) => Ident::new_raw(&name, Span::call_site()),
    }
}

/// The name that the macros will read from an identifier: without `r#`.
pub(super) fn source(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or_else(|| text.clone(), str::to_owned)
}

/// `not_found` → `NotFound`.
pub(super) fn pascal(name: &str) -> String {
    let pascal = pascal_case(name);
    match pascal.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{pascal}"),
        false => pascal,
    }
}

/// `OrderEvents` → `order_events`.
pub(super) fn snake(name: &str) -> String {
    snake_case(name)
}

/// Unique identifiers of variants, in the order of their names.
pub(super) fn variants<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Ident> {
    let mut taken = HashSet::new();
    let unique = names.map(|name| {
        let mut ident = ident(&pascal(name));
        while !taken.insert(ident.to_string()) {
            ident = Ident::new(&format!("{ident}_"), Span::call_site());
        }
        ident
    });
    unique.collect()
}
