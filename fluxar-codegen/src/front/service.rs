//! `trait` → [`Service`].

use super::attributes::{Options, Place, docs_of, foreign};
use super::method::read_method;
use super::names::{
    TARGET_BYTES_MAX, TARGET_SEGMENTS_MAX, dotted_problem, name_of, segment_problem, snake_case,
};
use crate::diagnostics::Diagnostics;
use crate::emit::rust::{Rust, RustExtra, Settings};
use crate::model::{Method, Service};
use proc_macro2::TokenStream;
use std::collections::HashMap;
use syn::parse::Parser;
use syn::{ItemTrait, TraitItem, TypeParamBound};

/// A service read from a Rust trait, with what the model has no place for.
#[derive(Clone, Debug)]
pub struct RustService {
    /// The contract.
    pub service: Service<Rust>,
    /// How it is spelled in this crate.
    pub settings: Settings,
    /// Bounds that the author wrote on the trait.
    pub supertraits: Vec<TypeParamBound>,
}

/// Reads `#[fluxar::service(arguments)] item`.
///
/// # Errors
/// Everything in the item that no contract can say, each with its place and what to write.
pub fn rust_service(arguments: TokenStream, item: &ItemTrait) -> syn::Result<RustService> {
    let mut found = Diagnostics::new();
    let mut options = Options::default();
    let parser = syn::meta::parser(|meta| options.take(&meta, Place::Service));
    if let Err(error) = parser.parse2(arguments) {
        found.add(error);
    }
    check_trait(item, &mut found);
    let mut methods = Vec::new();
    for item in &item.items {
        match item {
            TraitItem::Fn(function) => methods.extend(read_method(function, &mut found)),
            other => found.report(other, "a service has only methods: move this out of the trait"),
        }
    }
    let service = Service {
        name: service_name(item, &options, &mut found),
        package: package(&options, &mut found),
        docs: docs_of(&item.attrs),
        annotations: options.annotations.clone(),
        lifecycle: options.lifecycle.clone(),
        methods,
        extra: RustExtra { attributes: foreign(&item.attrs), ..RustExtra::default() },
    };
    check_names(&service, &mut found);
    let settings = Settings::new(options.krate, item.vis.clone());
    let supertraits = item.supertraits.iter().cloned().collect();
    found.finish(RustService { service, settings, supertraits })
}

fn check_trait(item: &ItemTrait, found: &mut Diagnostics) {
    for attribute in item.attrs.iter().filter(|a| a.path().is_ident("fluxar")) {
        found.report(attribute, "options of a service stand in `#[fluxar::service(…)]`");
    }
    if !item.generics.params.is_empty() {
        found.report(
            &item.generics.params,
            "a service has no generics: both sides must agree on one concrete contract",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        found.report(clause, "a service has no where clause: write bounds on the implementation");
    }
    if let Some(token) = &item.unsafety {
        found.report(token, "a service is not unsafe: remove `unsafe`");
    }
    if let Some(token) = &item.modifiers.auto_token {
        found.report(token, "a service is not an auto trait: remove `auto`");
    }
}

fn service_name(
    item: &ItemTrait,
    options: &Options,
    found: &mut Diagnostics,
) -> crate::model::Name {
    let name = name_of(&item.ident);
    let Some(wire) = &options.name else {
        let wire = snake_case(&name.source);
        return name.on_wire(wire);
    };
    if let Some(problem) = segment_problem(&wire.value) {
        found.report_at(wire.span, format!("the name of a service {problem}"));
    }
    name.on_wire(wire.value.clone())
}

fn package(options: &Options, found: &mut Diagnostics) -> Option<String> {
    let package = options.package.as_ref()?;
    if let Some(problem) = dotted_problem(&package.value) {
        found.report_at(package.span, format!("the name of a package {problem}"));
    }
    Some(package.value.clone())
}

/// Two methods may not share a target, and no target may be too long.
fn check_names(service: &Service<Rust>, found: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Method<Rust>> = HashMap::new();
    for method in &service.methods {
        let target = service.target(method);
        if target.len() > TARGET_BYTES_MAX {
            found.report_at(method.name.span, "the target is longer than 512 bytes: shorten it");
        }
        if target.split('.').count() > TARGET_SEGMENTS_MAX {
            found.report_at(method.name.span, "the target has more than 16 segments: shorten it");
        }
        if let Some(first) = seen.insert(&method.name.wire, method) {
            let message = format!(
                "`{}` has the target `{target}` already: rename one of the two",
                first.name.source
            );
            found.report_at(method.name.span, message);
        }
    }
}
