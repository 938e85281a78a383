//! Contract → Rust source: what an author would write by hand for the macros.
//!
//! The macros then emit codec, client and server, so that a contract file and a Rust trait go one
//! way. Names of std and fluxar are absolute paths: a contract may have a type called `Vec`.

mod attributes;
mod contracts;
mod describe;
mod names;
mod services;
mod types;

use crate::model::{Contract, Package};
use names::Names;
use proc_macro2::TokenStream;
use quote::quote;

/// The Rust of a contract, formatted.
#[must_use]
pub fn contract(package: &Package<Contract>) -> String {
    let names = Names::new(package);
    let types = package.types.iter().map(|def| types::definition(def, package, &names));
    let services = package.services.iter().map(|service| services::service(service, &names));
    let topics = package.topics.iter().map(|topic| services::topic(topic, &names));
    let contracts = package.contracts.iter().map(|def| contracts::contract(def, package, &names));
    let describe = describe::describe(package, &names);
    let items = quote!(#(#types)* #(#services)* #(#topics)* #(#contracts)* #describe);
    let name = package.name.as_deref().unwrap_or("a contract");
    format!("// The contract `{name}`, emitted by fluxar. Do not edit.\n\n{}", formatted(items))
}

/// With an empty line after each item.
fn spaced(code: &str) -> String {
    let mut spaced = String::with_capacity(code.len() + 256);
    let mut lines = code.lines().peekable();
    while let Some(line) = lines.next() {
        spaced.push_str(line);
        spaced.push('\n');
        let ends_item = line == "}" || (line.ends_with(';') && !line.starts_with(' '));
        if ends_item && lines.peek().is_some() {
            spaced.push('\n');
        }
    }
    spaced
}

/// What the Rust of a contract calls a type of it.
#[must_use]
pub fn type_ident(package: &Package<Contract>, name: &str) -> String {
    Names::new(package).of_type(name).to_string()
}

fn formatted(items: TokenStream) -> String {
    match syn::parse2(items.clone()) {
        Ok(file) => spaced(&prettyplease::unparse(&file)),
        // Still Rust: the compiler then says what is wrong with it.
        Err(_) => items.to_string(),
    }
}
