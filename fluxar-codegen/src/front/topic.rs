//! `#[fluxar::topic("orders.{region}", value = OrderEvent)] struct` → [`Topic`].

use super::attributes::{Options, Place, docs_of, duration};
use super::derive::renamed;
use super::names::{dotted_problem, name_of};
use super::{carried, literal};
use crate::diagnostics::Diagnostics;
use crate::emit::rust::{Rust, RustExtra, Settings};
use crate::model::{Annotation, Delivery, Lifecycle, Segment, Topic, Value};
use proc_macro2::TokenStream;
use std::time::Duration;
use syn::parse::{Parse, ParseStream};
use syn::{Fields, Ident, ItemStruct, LitStr, Token, Type};

/// A topic read from a Rust struct, with what the model has no place for.
#[derive(Clone, Debug)]
pub struct RustTopic {
    /// The contract's view of it.
    pub topic: Topic<Rust>,
    /// How it is spelled in this crate.
    pub settings: Settings,
}

/// What stands in the parentheses.
struct Arguments {
    path: LitStr,
    value: Option<Type>,
    retain: Option<u32>,
    replay: Option<Duration>,
    delivery: Delivery,
    key: Option<String>,
    lifecycle: Lifecycle,
    annotations: Vec<Annotation>,
    krate: Option<syn::Path>,
}

const OPTIONS: &str = "write `#[fluxar::topic(\"orders.{id}\", value = Order)]`, and perhaps \
                       `retain = 1`, `replay = \"24h\"`, `delivery = \"at_least_once\"`, \
                       `key = \"id\"`, `crate = \"::fluxar\"`";

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self {
            path: input.parse().map_err(|error| syn::Error::new(error.span(), OPTIONS))?,
            value: None,
            retain: None,
            replay: None,
            delivery: Delivery::default(),
            key: None,
            lifecycle: Lifecycle::default(),
            annotations: Vec::new(),
            krate: None,
        };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                arguments.option(input)?;
            }
        }
        Ok(arguments)
    }
}

impl Arguments {
    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let name: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        if name == "annotation" {
            self.annotations.push(carried::annotation(input)?);
            return Ok(());
        }
        if name == "deprecated" && !input.peek(Token![=]) {
            self.lifecycle.deprecated.get_or_insert_default();
            return Ok(());
        }
        input.parse::<Token![=]>()?;
        let number = |input: ParseStream<'_>| match literal::value(input)? {
            Value::Int(value) => u32::try_from(value)
                .map_err(|_| syn::Error::new(name.span(), "write a number that is not negative")),
            _ => Err(syn::Error::new(name.span(), "write a number")),
        };
        match name.to_string().as_str() {
            "value" => self.value = Some(input.parse()?),
            "retain" => self.retain = Some(number(input)?),
            "since" => self.lifecycle.since = Some(number(input)?),
            "removed" => self.lifecycle.removed = Some(number(input)?),
            "was" => self.lifecycle.was.push(input.parse::<LitStr>()?.value()),
            "deprecated" => {
                let note = input.parse::<LitStr>()?.value();
                self.lifecycle.deprecated.get_or_insert_default().note = Some(note);
            }
            "deprecated_since" => {
                let level = number(input)?;
                self.lifecycle.deprecated.get_or_insert_default().since = Some(level);
            }
            "replay" => self.replay = Some(duration(input)?.value),
            "delivery" => {
                let text: LitStr = input.parse()?;
                let named = |delivery: &Delivery| delivery.name() == text.value();
                let names = Delivery::ALL.map(Delivery::name).join(", ");
                let unknown = || syn::Error::new(text.span(), format!("write one of {names}"));
                self.delivery = Delivery::ALL.into_iter().find(named).ok_or_else(unknown)?;
            }
            "key" => self.key = Some(input.parse::<LitStr>()?.value()),
            "crate" => self.krate = Some(input.parse::<LitStr>()?.parse()?),
            _ => return Err(syn::Error::new(name.span(), OPTIONS)),
        }
        Ok(())
    }
}

/// Reads `#[fluxar::topic(arguments)] item`.
///
/// # Errors
/// Everything in the item that no contract can say, each with its place and what to write.
pub fn rust_topic(arguments: TokenStream, item: &ItemStruct) -> syn::Result<RustTopic> {
    let mut found = Diagnostics::new();
    let arguments: Arguments = syn::parse2(arguments)?;
    if !item.generics.params.is_empty() {
        found.report(&item.generics, "a topic has no generics: write concrete types");
    }
    let path = arguments.path.value();
    let mut fields = Vec::new();
    match &item.fields {
        Fields::Named(named) => fields.extend(named.named.iter()),
        Fields::Unit => {}
        Fields::Unnamed(unnamed) => {
            found.report(unnamed, "the parts of a path are told apart by names: `{ name: T }`");
        }
    }
    let mut segments = Vec::new();
    for text in path.split('.') {
        let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            if let Some(problem) = dotted_problem(text) {
                found.report_at(arguments.path.span(), format!("a segment {problem}"));
            }
            segments.push(Segment::Literal(text.to_owned()));
            continue;
        };
        let is_it = |f: &syn::Field| f.ident.as_ref().is_some_and(|i| name_of(i).source == name);
        let place = fields.iter().position(|field| is_it(field));
        let Some(field) = place.map(|place| fields.remove(place)) else {
            let message = format!("there is no field `{name}`, or it stands in the path twice");
            found.report_at(arguments.path.span(), message);
            continue;
        };
        let options = Options::of(&field.attrs, Place::Field, &mut found);
        let name = field.ident.as_ref().map(name_of);
        let name = name.map(|name| renamed(name, options.rename, options.called));
        segments.extend(name.map(|name| Segment::Param { name, ty: field.ty.clone() }));
    }
    for field in fields {
        found.report(field, "this field is not in the path: write it there in braces");
    }
    let Some(payload) = arguments.value else {
        return Err(syn::Error::new(arguments.path.span(), OPTIONS));
    };
    let mut topic = Topic {
        name: name_of(&item.ident),
        docs: docs_of(&item.attrs),
        annotations: arguments.annotations,
        lifecycle: arguments.lifecycle,
        segments,
        payload,
        delivery: arguments.delivery,
        retain: arguments.retain,
        replay: arguments.replay,
        key: arguments.key,
        extra: RustExtra::default(),
    };
    topic.name.wire = topic.filter();
    found.finish(RustTopic { topic, settings: Settings::new(arguments.krate, item.vis.clone()) })
}
