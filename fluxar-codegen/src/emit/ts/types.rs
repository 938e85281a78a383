//! Named types: newtypes, enums, unions and errors. Records are in `record`.

use super::checks;
use super::names::upper_camel;
use super::record::Record;
use super::spell::{Speller, kinds};
use super::text::{Lines, list, quote};
use crate::model::{
    Body, Contract, Docs, ErrorCode, Lifecycle, Package, TypeDef, TypeRef, Variant, VariantBody,
};

/// Everything about the types of a package.
pub(super) fn types(to: &mut Lines, package: &Package<Contract>, speller: &mut Speller<'_>) {
    for def in &package.types {
        let ty = speller.names.class(&def.name.source).to_owned();
        match &def.body {
            Body::Record(fields) => record(to, def, &ty, fields, speller),
            Body::Newtype(of) => newtype(to, def, &ty, of, speller),
            Body::Unit => unit(to, def, &ty),
            Body::Enum(variants) => enumeration(to, def, &ty, variants),
            Body::Union(variants) => union(to, def, &ty, variants, speller),
        }
        check(to, def, &ty, speller);
        codec(to, def, &ty, speller);
        if def.is_error {
            error(to, def, &ty, speller);
        }
        to.line("");
    }
}

fn record(
    to: &mut Lines,
    def: &TypeDef<Contract>,
    ty: &str,
    fields: &[crate::model::Field<Contract>],
    speller: &Speller<'_>,
) {
    let record = Record { speller, ty, fields };
    to.docs(&def.docs, &def.lifecycle, "");
    to.block(&format!("export interface {ty}"), "", |to| record.members(to, false));
    record.functions(to);
}

fn newtype(to: &mut Lines, def: &TypeDef<Contract>, ty: &str, of: &TypeRef, speller: &Speller<'_>) {
    let base = speller.unbranded(of);
    to.docs(&def.docs, &def.lifecycle, "");
    to.line(format!("export type {ty} = $.Brand<{base}, {}>;", quote(ty)));
    to.line(format!("export const {ty} = (value: {base}): {ty} => value as {ty};"));
    to.line(format!(
        "function read${ty}(r: $.Reader): {ty} {{ return {} as unknown as {ty}; }}",
        speller.read(of)
    ));
    let write = speller.write(of, &cast(of, "v", speller));
    to.line(format!("function write${ty}(w: $.Writer, v: {ty}): void {{ {write}; }}"));
}

/// The value of a newtype, as what it is a newtype of.
fn cast(of: &TypeRef, value: &str, speller: &Speller<'_>) -> String {
    match of {
        TypeRef::Named(_) => format!("{value} as unknown as {}", speller.ty(of)),
        _ => value.to_owned(),
    }
}

fn unit(to: &mut Lines, def: &TypeDef<Contract>, ty: &str) {
    to.docs(&def.docs, &def.lifecycle, "");
    to.line(format!("export type {ty} = null;"));
    to.line(format!("function read${ty}(r: $.Reader): {ty} {{ r.skip(); return null; }}"));
    to.line(format!("function write${ty}(w: $.Writer, _: {ty}): void {{ w.null(); }}"));
}

fn number(variant: &Variant<Contract>) -> u32 {
    variant.id.unwrap_or_default()
}

fn enumeration(to: &mut Lines, def: &TypeDef<Contract>, ty: &str, variants: &[Variant<Contract>]) {
    let open = !def.closed;
    let names = kinds(variants);
    to.docs(&def.docs, &def.lifecycle, "");
    let mut members: Vec<String> = names.iter().map(|name| quote(name)).collect();
    if open {
        members.push("$.UnknownKey".to_owned());
    }
    let members = if members.is_empty() { "never".to_owned() } else { members.join(" | ") };
    to.line(format!("export type {ty} = {members};"));
    let mut rows: Vec<String> = Vec::new();
    for (variant, name) in variants.iter().zip(&names) {
        let number = number(variant).to_string();
        rows.push(list([number.clone(), quote(&variant.name.wire), quote(name)]));
    }
    // Old names are read, and never written.
    let old: Vec<String> = variants
        .iter()
        .zip(&names)
        .flat_map(|(variant, name)| {
            variant
                .lifecycle
                .was
                .iter()
                .map(|was| list([quote(was), quote(name)]))
                .collect::<Vec<_>>()
        })
        .collect();
    to.line(format!("const {ty}$table = $.enumTable({open}, {}, {});", list(rows), list(old)));
    to.line(format!(
        "function read${ty}(r: $.Reader): {ty} {{ return $.readEnum(r, {ty}$table) as {ty}; }}"
    ));
    to.line(format!(
        "function write${ty}(w: $.Writer, v: {ty}): void {{ $.writeEnum(w, {ty}$table, v); }}"
    ));
}

fn union(
    to: &mut Lines,
    def: &TypeDef<Contract>,
    ty: &str,
    variants: &[Variant<Contract>],
    speller: &mut Speller<'_>,
) {
    let names = kinds(variants);
    let mut inline = Vec::new();
    for variant in variants {
        let VariantBody::Record(fields) = &variant.body else {
            inline.push(None);
            continue;
        };
        let content = speller.names.claim(&format!("{ty}{}", upper_camel(&variant.name.source)));
        let record = Record { speller, ty: &content, fields };
        to.docs(
            &variant.docs,
            &Lifecycle::default(),
            &format!("What `{}` carries.", variant.name.wire),
        );
        to.block(&format!("export interface {content}"), "", |to| record.members(to, false));
        record.functions(to);
        inline.push(Some(content));
    }
    to.docs(&def.docs, &def.lifecycle, "");
    to.line(format!("export type {ty} ="));
    to.deeper(|to| {
        for ((variant, name), inline) in variants.iter().zip(&names).zip(&inline) {
            to.docs(&variant.docs, &variant.lifecycle, "");
            let content = content_type(variant, inline.as_deref(), speller);
            let content = content.map_or_else(String::new, |ty| format!("; readonly value: {ty}"));
            to.line(format!("| {{ readonly kind: {}{content} }}", quote(name)));
        }
        to.line(if def.closed && !variants.is_empty() {
            "| never;"
        } else {
            "| $.UnknownVariant;"
        });
    });
    let mut keys = Vec::new();
    for variant in variants {
        let (number, wire) = (number(variant), &variant.name.wire);
        to.line(format!("const {ty}${number} = $.key({number}, {});", quote(wire)));
        keys.push(list([quote(wire), number.to_string()]));
        keys.extend(variant.lifecycle.was.iter().map(|was| list([quote(was), number.to_string()])));
    }
    to.line(format!("const {ty}$names: $.Names = $.names({});", list(keys)));
    let numbers = list(variants.iter().map(|variant| number(variant).to_string()));
    to.line(format!("const {ty}$numbers: ReadonlySet<number> = new Set({numbers});"));
    let one = Union { def, ty, variants, names: &names, inline: &inline, speller };
    one.reader(to);
    one.writer(to);
}

fn content_type(
    variant: &Variant<Contract>,
    inline: Option<&str>,
    speller: &Speller<'_>,
) -> Option<String> {
    match &variant.body {
        VariantBody::Unit => None,
        VariantBody::Newtype(of) => Some(speller.ty(of)),
        VariantBody::Record(_) => inline.map(str::to_owned),
    }
}

struct Union<'u, 'p> {
    def: &'u TypeDef<Contract>,
    ty: &'u str,
    variants: &'u [Variant<Contract>],
    names: &'u [String],
    /// The types of the records that variants carry.
    inline: &'u [Option<String>],
    speller: &'u Speller<'p>,
}

impl Union<'_, '_> {
    fn each(&self) -> impl Iterator<Item = (&Variant<Contract>, &String, Option<&str>)> {
        let inline = self.inline.iter().map(Option::as_deref);
        self.variants
            .iter()
            .zip(self.names)
            .zip(inline)
            .map(|((variant, name), inline)| (variant, name, inline))
    }

    fn reader(&self, to: &mut Lines) {
        let ty = self.ty;
        to.block(&format!("function read${ty}(r: $.Reader): {ty}"), "", |to| {
            to.line(format!("const k = r.variant({ty}$names, {ty}$numbers);"));
            to.line("const { hasContent, isOpenEnded } = r;");
            to.line(format!("let v: {ty};"));
            to.block("try", "", |to| {
                to.block("switch (k)", "", |to| {
                    for (variant, name, inline) in self.each() {
                        let read = match (&variant.body, inline) {
                            (VariantBody::Newtype(of), _) => Some(self.speller.read(of)),
                            (VariantBody::Record(_), Some(inline)) => {
                                Some(format!("read${inline}(r)"))
                            }
                            _ => None,
                        };
                        to.line(format!("case {}:", number(variant)));
                        to.deeper(|to| {
                            match read {
                                Some(read) => {
                                    to.line("r.needContent();");
                                    to.line(format!(
                                        "v = {{ kind: {}, value: {read} }};",
                                        quote(name)
                                    ));
                                }
                                None => {
                                    to.line("if (hasContent) r.skip();");
                                    to.line(format!("v = {{ kind: {} }};", quote(name)));
                                }
                            }
                            to.line("break;");
                        });
                    }
                    to.line("default:");
                    to.deeper(|to| {
                        let open = !self.def.closed || self.def.is_error;
                        let cast = if open { String::new() } else { " as never".to_owned() };
                        to.line(format!("return $.readUnknown(r, {open}){cast};"));
                    });
                });
            });
            to.block("catch (thrown)", "", |to| {
                to.line(format!("throw r.within(thrown, $.nameOf({ty}$names, k));"));
            });
            to.line("if (hasContent) r.endVariant(isOpenEnded);");
            to.line("return v;");
        });
    }

    fn writer(&self, to: &mut Lines) {
        let ty = self.ty;
        to.block(&format!("function write${ty}(w: $.Writer, v: {ty}): void"), "", |to| {
            to.block("switch (v.kind)", "", |to| {
                for (variant, name, inline) in self.each() {
                    let write = match (&variant.body, inline) {
                        (VariantBody::Newtype(of), _) => Some(self.speller.write(of, "v.value")),
                        (VariantBody::Record(_), Some(inline)) => {
                            Some(format!("write${inline}(w, v.value)"))
                        }
                        _ => None,
                    };
                    to.line(format!("case {}:", quote(name)));
                    to.deeper(|to| {
                        if write.is_some() {
                            to.line("$.writeMapHead(w, 1);");
                        }
                        to.line(format!("$.writeKey(w, {ty}${});", number(variant)));
                        if let Some(write) = write {
                            to.line(format!("{write};"));
                        }
                        to.line("return;");
                    });
                }
                to.line("default:");
                to.deeper(|to| {
                    let open = !self.def.closed || self.def.is_error;
                    to.line(format!("$.writeUnknown(w, v, {open});"));
                });
            });
        });
    }
}

/// The function that checks constraints, where there are any.
fn check(to: &mut Lines, def: &TypeDef<Contract>, ty: &str, speller: &Speller<'_>) {
    if !speller.is_checked(&TypeRef::Named(def.name.source.clone())) {
        return;
    }
    let of = match &def.body {
        Body::Record(_) => format!("$.Lenient<{ty}>"),
        _ => ty.to_owned(),
    };
    to.block(&format!("function check${ty}(v: {of}, path: string): void"), "", |to| {
        match &def.body {
            Body::Record(fields) => {
                checks::fields(speller, fields).iter().for_each(|line| to.line(line))
            }
            Body::Newtype(of) => {
                let mut value = "v".to_owned();
                if let TypeRef::Named(_) = &**of {
                    value = format!("(v as unknown as {})", speller.ty(of));
                }
                let lines = checks::value(speller, of, Some(&def.constraints), &value, "path");
                lines.iter().for_each(|line| to.line(line));
            }
            Body::Union(variants) => {
                for (variant, name) in variants.iter().zip(kinds(variants)) {
                    let lines = match &variant.body {
                        VariantBody::Unit => Vec::new(),
                        VariantBody::Newtype(of) => {
                            let at = format!("$.at(path, {})", quote(&variant.name.wire));
                            checks::value(speller, of, None, "c", &at)
                        }
                        VariantBody::Record(fields) => {
                            let lines = checks::fields(speller, fields).join(" ");
                            if lines.is_empty() {
                                Vec::new()
                            } else {
                                let at = format!("$.at(path, {})", quote(&variant.name.wire));
                                vec![format!(
                                    "((v: typeof c, path: string) => {{ {lines} }})(c, {at});"
                                )]
                            }
                        }
                    };
                    if !lines.is_empty() {
                        let body = lines.join(" ");
                        to.line(format!(
                            "if (v.kind === {}) {{ const c = v.value; {body} }}",
                            quote(&name)
                        ));
                    }
                }
            }
            Body::Unit | Body::Enum(_) => {}
        }
    });
}

fn codec(to: &mut Lines, def: &TypeDef<Contract>, ty: &str, speller: &Speller<'_>) {
    let name = speller.names.derived("codec", &def.name.source);
    let checked = speller.is_checked(&TypeRef::Named(def.name.source.clone()));
    let check = if checked { format!(", check: check${ty}") } else { String::new() };
    let functions = format!("read: read${ty}, write: write${ty}{check}");
    if def.is_error {
        to.block(&format!("export const {name}: $.ErrorCodec<{ty}> ="), ";", |to| {
            to.line(format!("typeName: {},", quote(&def.name.wire)));
            to.line(format!("{functions},"));
            code(to, def);
        });
    } else {
        to.line(format!("export const {name}: $.Codec<{ty}> = {{ {functions} }};"));
    }
}

fn code(to: &mut Lines, def: &TypeDef<Contract>) {
    let named = |code: Option<&ErrorCode>| code.and_then(|code| code.code.clone());
    let own = named(def.code.as_ref()).unwrap_or_else(|| "unknown".to_owned());
    let Body::Union(variants) = &def.body else {
        to.line(format!("code: () => {},", quote(&own)));
        return;
    };
    to.block("code: (error) =>", ",", |to| {
        to.block("switch (error.kind)", "", |to| {
            for (variant, name) in variants.iter().zip(kinds(variants)) {
                if let Some(code) = named(variant.code.as_ref()) {
                    to.line(format!("case {}: return {};", quote(&name), quote(&code)));
                }
            }
            to.line(format!("default: return {};", quote(&own)));
        });
    });
}

fn error(to: &mut Lines, def: &TypeDef<Contract>, ty: &str, speller: &Speller<'_>) {
    let codec = speller.names.derived("codec", &def.name.source);
    let is = speller.names.derived("is", &def.name.source);
    let make = speller.names.derived("make", &def.name.source);
    let none = Docs::default();
    to.docs(&none, &Lifecycle::default(), &format!("Whether something that was thrown is a {ty}."));
    let guard = format!("thrown is $.FluxarError & {{ readonly detail: {ty} }}");
    to.block(&format!("export function {is}(thrown: unknown): {guard}"), "", |to| {
        to.line(format!("return $.isAppError(thrown, {codec});"));
    });
    to.docs(&none, &Lifecycle::default(), "The error, to be thrown by a handler.");
    to.block(
        &format!("export function {make}(detail: {ty}, message?: string): $.FluxarError"),
        "",
        |to| {
            to.line(format!("return $.appError({codec}, detail, message);"));
        },
    );
}
