//! `struct` and `enum` → [`TypeDef`].

use super::attributes::{Missing, Options, Place, Placed, docs_of};
use super::names::name_of;
use super::payload::{self, arguments_of};
use crate::diagnostics::Diagnostics;
use crate::emit::rust::{Rust, RustExtra, Settings};
use crate::model::{
    Body, CODES, Docs, ErrorCode, Field, Name, Piece, TypeDef, Variant, VariantBody, pieces,
};
use std::collections::HashSet;
use syn::{Data, DeriveInput, Fields, GenericParam, Type};

/// A type read from Rust, with what the model has no place for.
#[derive(Clone, Debug)]
pub struct DerivedType {
    /// The contract's view of it.
    pub def: TypeDef<Rust>,
    /// How it is spelled in this crate.
    pub settings: Settings,
}

/// Reads `#[derive(fluxar::Type)] item`.
///
/// # Errors
/// Everything in the item that no contract can say, each with its place and what to write.
pub fn derived_type(item: &DeriveInput) -> syn::Result<DerivedType> {
    let mut found = Diagnostics::new();
    let options = Options::of(&item.attrs, Place::Type, &mut found);
    for parameter in &item.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            found.report(lifetime, "borrowed data cannot travel: write owned types");
        }
    }
    let failing = Failing::of(&options, &mut found);
    let Failing { is_error, own_display } = failing;
    let code = error_code(&options, failing, "type", &mut found);
    if let Some(span) = options.error.filter(|_| !item.generics.params.is_empty()) {
        found.report_at(span, "an error has no generics: its name on the wire says it all");
    }
    let (ident, (_, arguments, _)) = (&item.ident, item.generics.split_for_impl());
    let own: Type = syn::parse_quote!(#ident #arguments);
    let is_enum = matches!(item.data, Data::Enum(_));
    let mut unknown = None;
    let body = match &item.data {
        Data::Struct(data) => struct_body(&data.fields, &own, &mut found),
        Data::Enum(data) => {
            let about = Enum { own: &own, failing, common: &code };
            let variants = variants(data, &about, &mut unknown, &mut found);
            let is_bare = |variant: &Variant<Rust>| matches!(variant.body, VariantBody::Unit);
            match !is_error && variants.iter().all(is_bare) {
                true => Some(Body::Enum(variants)),
                false => Some(Body::Union(variants)),
            }
        }
        Data::Union(data) => {
            found.report(data.union_token, "a union cannot travel: write an enum");
            None
        }
    };
    match (&item.data, &options.message) {
        (Data::Struct(data), message) => {
            check_message(message.as_ref(), &data.fields, &mut found);
        }
        (_, Some(message)) => {
            found.report_at(message.span, "each variant has its own message: write it there");
        }
        _ => {}
    }
    let declared = code.as_ref().is_some_and(|c| c.code.is_some());
    if is_error && !declared && !matches!(body, Some(Body::Union(_)) | None) {
        found.report(&item.ident, "say how it fails: `#[fluxar(error, code = \"not_found\")]`");
    }
    let name = name_of(&item.ident);
    let def = TypeDef {
        name: renamed(name, options.rename, options.called),
        docs: docs_of(&item.attrs),
        annotations: options.annotations,
        lifecycle: options.lifecycle,
        body: body.unwrap_or(Body::Unit),
        retired: options.retired,
        closed: !is_error && is_enum && unknown.is_none(),
        constraints: options.constraints,
        is_error,
        code,
        extra: RustExtra {
            generics: item.generics.clone(),
            unknown,
            own_display,
            ..RustExtra::default()
        },
    };
    let settings = Settings::new(options.krate, item.vis.clone());
    found.finish(DerivedType { def, settings })
}

fn struct_body(fields: &Fields, own: &Type, found: &mut Diagnostics) -> Option<Body<Rust>> {
    match fields {
        Fields::Unit => Some(Body::Unit),
        Fields::Named(named) => Some(Body::Record(read_fields(named.named.iter(), own, found))),
        Fields::Unnamed(_) => newtype(fields, own, found).map(|ty| Body::Newtype(Box::new(ty))),
    }
}

/// The one type of `(T)`.
fn newtype(fields: &Fields, own: &Type, found: &mut Diagnostics) -> Option<Type> {
    let mut types = fields.iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        found.report(fields, "fields are told apart by their names: write `{ name: T, … }`");
        return None;
    };
    refuse_options(only, found);
    let ty = payload::without_self(&only.ty, own);
    payload::check(&ty, found);
    Some(ty)
}

fn refuse_options(field: &syn::Field, found: &mut Diagnostics) {
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("fluxar")) {
        found.report(attribute, "a field without a name has no options: remove this");
    }
}

fn read_fields<'f>(
    fields: impl Iterator<Item = &'f syn::Field>,
    own: &Type,
    found: &mut Diagnostics,
) -> Vec<Field<Rust>> {
    let mut unique = Unique::new("field");
    let read = fields.filter_map(|field| {
        let ident = field.ident.as_ref()?;
        let options = Options::of(&field.attrs, Place::Field, found);
        let ty = payload::without_self(&field.ty, own);
        payload::check(&ty, found);
        let name = name_of(ident);
        unique.check(
            &renamed(name.clone(), options.rename.clone(), None),
            options.id.as_ref(),
            found,
        );
        Some(field_of(name, ty, options, docs_of(&field.attrs)))
    });
    read.collect()
}

/// The model of a field or parameter.
pub(super) fn field_of(name: Name, ty: Type, options: Options, docs: Docs) -> Field<Rust> {
    let defaulted = options.default.is_some();
    Field {
        name: renamed(name, options.rename, options.called),
        id: options.id.map(|id| id.value),
        docs,
        annotations: options.annotations,
        lifecycle: options.lifecycle,
        optional: arguments_of(&ty, "Option").is_some(),
        ty,
        defaulted,
        default: match options.default {
            Some(Missing::Value(value)) => Some(value),
            Some(Missing::OfType) | None => None,
        },
        constraints: options.constraints,
    }
}

/// What a type is as an error.
#[derive(Clone, Copy)]
struct Failing {
    is_error: bool,
    own_display: bool,
}

impl Failing {
    fn of(options: &Options, found: &mut Diagnostics) -> Self {
        let is_error = options.error.is_some();
        if let Some(span) = options.own_display.filter(|_| !is_error) {
            found.report_at(span, "only errors have a text: write `#[fluxar(error, own_display)]`");
        }
        Self { is_error, own_display: options.own_display.is_some() }
    }
}

/// The enum whose variants are read.
struct Enum<'i> {
    own: &'i Type,
    failing: Failing,
    common: &'i Option<ErrorCode>,
}

fn variants(
    data: &syn::DataEnum,
    about: &Enum<'_>,
    unknown: &mut Option<syn::Ident>,
    found: &mut Diagnostics,
) -> Vec<Variant<Rust>> {
    if data.variants.is_empty() {
        found.report(data.enum_token, "an enum without variants has no values: add a variant");
    }
    let has_common_code = about.common.as_ref().is_some_and(|common| common.code.is_some());
    let mut unique = Unique::new("variant");
    let mut variants = Vec::new();
    for variant in &data.variants {
        let options = Options::of(&variant.attrs, Place::Variant, found);
        if let Some(span) = options.unknown {
            let is_one = matches!(&variant.fields, Fields::Unnamed(f) if f.unnamed.len() == 1);
            if !is_one || unknown.replace(variant.ident.clone()).is_some() {
                let message = "one variant keeps what is unknown: `Unknown(fluxar::Unknown)`";
                found.report_at(span, message);
            }
            continue;
        }
        let code = error_code(&options, about.failing, "enum", found);
        if about.failing.is_error
            && !has_common_code
            && code.as_ref().is_none_or(|c| c.code.is_none())
        {
            found.report(&variant.ident, "say how it fails: `#[fluxar(code = \"not_found\")]`");
        }
        check_message(options.message.as_ref(), &variant.fields, found);
        let name = renamed(name_of(&variant.ident), options.rename, options.called);
        unique.check(&name, options.id.as_ref(), found);
        let body = match &variant.fields {
            Fields::Unit => VariantBody::Unit,
            Fields::Named(named) => {
                VariantBody::Record(read_fields(named.named.iter(), about.own, found))
            }
            Fields::Unnamed(_) => match newtype(&variant.fields, about.own, found) {
                Some(ty) => VariantBody::Newtype(Box::new(ty)),
                None => continue,
            },
        };
        variants.push(Variant {
            name,
            id: options.id.map(|id| id.value),
            docs: docs_of(&variant.attrs),
            annotations: options.annotations,
            lifecycle: options.lifecycle,
            retired: options.retired,
            body,
            code,
        });
    }
    variants
}

/// Code and message, where an error may have them.
fn error_code(
    options: &Options,
    failing: Failing,
    whose: &str,
    found: &mut Diagnostics,
) -> Option<ErrorCode> {
    let (code, message) = (options.code.as_ref(), options.message.as_ref());
    for placed in [code, message].into_iter().flatten().filter(|_| !failing.is_error) {
        found.report_at(
            placed.span,
            format!("only errors have codes and messages: write `#[fluxar(error)]` on the {whose}"),
        );
    }
    if let Some(message) = message.filter(|_| failing.own_display) {
        found.report_at(message.span, "`own_display` is the text of this error: keep one of both");
    }
    if let Some(code) = code.filter(|code| !CODES.contains(&code.value.as_str())) {
        found.report_at(code.span, format!("no such code: write one of {}", CODES.join(", ")));
    }
    if code.is_none() && message.is_none() && !options.retry {
        return None;
    }
    Some(ErrorCode {
        retry: options.retry,
        code: code.map(|code| code.value.clone()),
        message: message.map(|message| message.value.clone()),
    })
}

/// A message names only fields that are there.
fn check_message(message: Option<&Placed<String>>, fields: &Fields, found: &mut Diagnostics) {
    let Some(message) = message else { return };
    let names: Vec<String> = fields
        .iter()
        .map(|field| field.ident.as_ref().map_or_else(|| "0".to_owned(), |i| name_of(i).source))
        .collect();
    match pieces(&message.value) {
        Err(problem) => found.report_at(message.span, problem),
        Ok(pieces) => {
            for piece in pieces {
                if let Piece::Value { field, .. } = piece
                    && !names.contains(&field)
                {
                    found.report_at(message.span, format!("there is no field `{field}` here"));
                }
            }
        }
    }
}

/// The name on the wire and in contracts, where they are declared.
pub(super) fn renamed(
    mut name: Name,
    wire: Option<Placed<String>>,
    called: Option<Placed<String>>,
) -> Name {
    name.called = called.map(|called| called.value);
    match wire {
        Some(wire) => name.on_wire(wire.value),
        None => name,
    }
}

/// Names and numbers that are taken.
struct Unique {
    what: &'static str,
    names: HashSet<String>,
    ids: HashSet<u32>,
}

impl Unique {
    fn new(what: &'static str) -> Self {
        Self { what, names: HashSet::new(), ids: HashSet::new() }
    }

    fn check(&mut self, name: &Name, id: Option<&Placed<u32>>, found: &mut Diagnostics) {
        if !self.names.insert(name.wire.clone()) {
            let message = format!("another {} has the name `{}` on the wire", self.what, name.wire);
            found.report_at(name.span, message);
        }
        if let Some(id) = id.filter(|id| !self.ids.insert(id.value)) {
            found.report_at(id.span, format!("another {} has the id {}", self.what, id.value));
        }
    }
}
