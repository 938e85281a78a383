//! `#[fluxar(...)]` and the arguments of `#[fluxar::service(...)]`: one table of options.

use super::{carried, limits, literal};
use crate::diagnostics::Diagnostics;
use crate::emit::rust::Rust;
use crate::model::{Annotation, Constraints, Docs, Lifecycle, Retired, Value};
use proc_macro2::Span;
use std::time::Duration;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr, Meta};

/// What stands for a missing field.
#[derive(Clone, Debug)]
pub(super) enum Missing {
    /// The default of its type.
    OfType,
    /// This value.
    Value(Value),
}

/// An option's value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// Every option there is; [`Place`] says which ones fit where.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) krate: Option<syn::Path>,
    pub(super) name: Option<Placed<String>>,
    pub(super) package: Option<Placed<String>>,
    pub(super) rename: Option<Placed<String>>,
    /// The name in contracts, where that on the wire is another.
    pub(super) called: Option<Placed<String>>,
    pub(super) id: Option<Placed<u32>>,
    pub(super) default: Option<Missing>,
    pub(super) constraints: Constraints,
    pub(super) lifecycle: Lifecycle,
    pub(super) annotations: Vec<Annotation>,
    pub(super) retired: Vec<Retired<Rust>>,
    pub(super) unknown: Option<Span>,
    pub(super) retry: bool,
    pub(super) idempotent: bool,
    pub(super) resumable: bool,
    pub(super) cache: Option<Placed<Duration>>,
    pub(super) bytes_max: Option<Placed<u32>>,
    pub(super) error: Option<Span>,
    /// The author implements `Display` and `Error`.
    pub(super) own_display: Option<Span>,
    pub(super) code: Option<Placed<String>>,
    pub(super) message: Option<Placed<String>>,
    pub(super) notification: bool,
    pub(super) timeout: Option<Placed<Duration>>,
}

/// Where options are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Service,
    Method,
    Type,
    Field,
    Variant,
}

/// Options by name, as a person writes them.
type Known = [(&'static str, &'static str)];

/// Options that fit everywhere.
const LIFE: &Known = &[
    ("since", "since = 2"),
    ("removed", "removed = 3"),
    ("deprecated", "deprecated = \"…\""),
    ("deprecated_since", "deprecated_since = 3"),
    ("annotation", "annotation(scope, name = \"users\")"),
    ("called", "called = \"user_id\""),
];

/// Options of what has a value.
const BOUNDS: &Known = &[
    ("min", "min = 1"),
    ("max", "max = 5"),
    ("range", "range = \"1..=5\""),
    ("len", "len = \"1..=256\""),
    ("format", "format = \"email\""),
    ("pattern", "pattern = \"[a-z]+\""),
];

impl Place {
    /// The options that fit here.
    fn fitting(self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let bounds = matches!(self, Self::Type | Self::Field).then_some(BOUNDS);
        self.own().iter().chain(bounds.into_iter().flatten()).chain(LIFE)
    }

    /// The options that fit only here.
    fn own(self) -> &'static Known {
        match self {
            Self::Service => &[
                ("name", "name = \"users\""),
                ("package", "package = \"shop.v1\""),
                ("crate", "crate = \"::fluxar\""),
            ],
            Self::Method => &[
                ("notification", "notification"),
                ("timeout", "timeout = \"2s\""),
                ("rename", "rename = \"get\""),
                ("idempotent", "idempotent"),
                ("resumable", "resumable"),
                ("cache", "cache = \"30s\""),
                ("bytes_max", "bytes_max = 65536"),
            ],
            Self::Type => &[
                ("error", "error"),
                ("own_display", "own_display"),
                ("code", "code = \"not_found\""),
                ("message", "message = \"…\""),
                ("retry", "retry"),
                ("retired", "retired(7, phone: String, removed = 3)"),
                ("rename", "rename = \"…\""),
                ("crate", "crate = \"::fluxar\""),
            ],
            Self::Field => &[
                ("id", "id = 1"),
                ("rename", "rename = \"…\""),
                ("default", "default"),
                ("was", "was = \"old_name\""),
            ],
            Self::Variant => &[
                ("id", "id = 1"),
                ("rename", "rename = \"…\""),
                ("code", "code = \"not_found\""),
                ("message", "message = \"…\""),
                ("retry", "retry"),
                ("unknown", "unknown"),
                ("retired", "retired(7, phone: String, removed = 3)"),
                ("was", "was = \"old_name\""),
            ],
        }
    }

    fn list(self) -> String {
        let examples: Vec<String> =
            self.fitting().map(|(_, example)| format!("`{example}`")).collect();
        examples.join(", ")
    }
}

impl Options {
    /// The options in all `#[fluxar(...)]` among these attributes.
    pub(super) fn of(attributes: &[Attribute], place: Place, found: &mut Diagnostics) -> Self {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("fluxar")) {
            if !matches!(attribute.meta, Meta::List(_)) {
                found.report(attribute, format!("write `#[fluxar(…)]` with {}", place.list()));
                continue;
            }
            if let Err(error) = attribute.parse_nested_meta(|meta| options.take(&meta, place)) {
                found.add(error);
            }
        }
        options
    }

    /// Reads one option.
    ///
    /// # Errors
    /// An option that is unknown, does not fit here, is written twice or has a wrong value.
    pub(super) fn take(&mut self, meta: &ParseNestedMeta<'_>, place: Place) -> syn::Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if !place.fitting().any(|(name, _)| *name == key) {
            return Err(meta.error(format!("unknown option: write one of {}", place.list())));
        }
        let twice = || meta.error(format!("`{key}` is written twice: keep one"));
        match key.as_str() {
            "crate" => {
                let path = meta.value()?.parse::<LitStr>()?.parse()?;
                self.krate.replace(path).map_or(Ok(()), |_| Err(twice()))
            }
            "name" => self.name.replace(text(meta)?).map_or(Ok(()), |_| Err(twice())),
            "package" => self.package.replace(text(meta)?).map_or(Ok(()), |_| Err(twice())),
            "rename" => self.rename.replace(text(meta)?).map_or(Ok(()), |_| Err(twice())),
            "code" => self.code.replace(text(meta)?).map_or(Ok(()), |_| Err(twice())),
            "message" => self.message.replace(text(meta)?).map_or(Ok(()), |_| Err(twice())),
            "id" => self.id.replace(number(meta)?).map_or(Ok(()), |_| Err(twice())),
            "timeout" => {
                self.timeout.replace(duration(meta.value()?)?).map_or(Ok(()), |_| Err(twice()))
            }
            "error" => {
                let span = meta.path.get_ident().map_or_else(Span::call_site, |i| i.span());
                self.error.replace(span).map_or(Ok(()), |_| Err(twice()))
            }
            "own_display" => {
                let span = meta.path.get_ident().map_or_else(Span::call_site, |i| i.span());
                self.own_display.replace(span).map_or(Ok(()), |_| Err(twice()))
            }
            "default" => {
                let default = match meta.input.peek(syn::Token![=]) {
                    true => Missing::Value(literal::value(meta.value()?)?),
                    false => Missing::OfType,
                };
                self.default.replace(default).map_or(Ok(()), |_| Err(twice()))
            }
            "unknown" => {
                let span = meta.path.get_ident().map_or_else(Span::call_site, |i| i.span());
                self.unknown.replace(span).map_or(Ok(()), |_| Err(twice()))
            }
            "cache" => {
                self.cache.replace(duration(meta.value()?)?).map_or(Ok(()), |_| Err(twice()))
            }
            "bytes_max" => self.bytes_max.replace(number(meta)?).map_or(Ok(()), |_| Err(twice())),
            "retry" => flag(&mut self.retry).map_err(|()| twice()),
            "idempotent" => flag(&mut self.idempotent).map_err(|()| twice()),
            "resumable" => flag(&mut self.resumable).map_err(|()| twice()),
            "called" => self.called.replace(text(meta)?).map_or(Ok(()), |_| Err(twice())),
            "since" | "removed" | "deprecated" | "deprecated_since" | "annotation" => {
                self.take_life(&key, meta)
            }
            "retired" => {
                self.retired.push(carried::retired(meta)?);
                Ok(())
            }
            "was" => {
                self.lifecycle.was.push(text(meta)?.value);
                Ok(())
            }
            "min" | "max" | "range" | "len" | "format" | "pattern" => {
                limits::take(&mut self.constraints, &key, meta)
            }
            "notification" => flag(&mut self.notification).map_err(|()| twice()),
            _ => Err(meta.error("unknown option")),
        }
    }

    /// Reads an option that fits everywhere.
    fn take_life(&mut self, key: &str, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let twice = || meta.error(format!("`{key}` is written twice: keep one"));
        match key {
            "since" => {
                let level = number(meta)?.value;
                self.lifecycle.since.replace(level).map_or(Ok(()), |_| Err(twice()))
            }
            "removed" => {
                let level = number(meta)?.value;
                self.lifecycle.removed.replace(level).map_or(Ok(()), |_| Err(twice()))
            }
            "deprecated" => {
                let deprecated = self.lifecycle.deprecated.get_or_insert_default();
                if !meta.input.peek(syn::Token![=]) {
                    return Ok(());
                }
                let note = meta.value()?.parse::<LitStr>()?.value();
                deprecated.note.replace(note).map_or(Ok(()), |_| Err(twice()))
            }
            "deprecated_since" => {
                let level = number(meta)?.value;
                let deprecated = self.lifecycle.deprecated.get_or_insert_default();
                deprecated.since.replace(level).map_or(Ok(()), |_| Err(twice()))
            }
            _ => {
                self.annotations.push(carried::annotation(meta.input)?);
                Ok(())
            }
        }
    }
}

/// Sets a flag; an error when it was set already.
fn flag(flag: &mut bool) -> Result<(), ()> {
    if std::mem::replace(flag, true) { Err(()) } else { Ok(()) }
}

pub(super) fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<Placed<String>> {
    let literal: LitStr = meta.value()?.parse()?;
    if literal.value().is_empty() {
        return Err(syn::Error::new(literal.span(), "this may not be empty"));
    }
    Ok(Placed { value: literal.value(), span: literal.span() })
}

pub(super) fn number(meta: &ParseNestedMeta<'_>) -> syn::Result<Placed<u32>> {
    let literal: LitInt = meta.value()?.parse()?;
    match literal.base10_parse::<u32>() {
        Ok(value) if value > 0 => Ok(Placed { value, span: literal.span() }),
        _ => Err(syn::Error::new(literal.span(), "an id is a number from 1 to 4294967295")),
    }
}

pub(super) fn duration(input: ParseStream<'_>) -> syn::Result<Placed<Duration>> {
    let literal: LitStr = input.parse()?;
    let problem = "write a positive whole number and a unit: `500ms`, `2s`, `5m` or `1h`";
    match parse_duration(&literal.value()) {
        Some(value) => Ok(Placed { value, span: literal.span() }),
        None => Err(syn::Error::new(literal.span(), problem)),
    }
}

/// `500ms`, `2s`, `5m`, `1h`.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().ok().filter(|n| *n > 0)?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit_ms).map(Duration::from_millis)
}

/// The lines of the doc comments among these attributes.
pub(super) fn docs_of(attributes: &[Attribute]) -> Docs {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value {
            lines.extend(text.value().split('\n').map(str::to_owned));
        }
    }
    Docs { lines }
}

/// The attributes that are not ours.
pub(super) fn foreign(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|a| !a.path().is_ident("fluxar")).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use std::time::Duration;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("2s"), Some(Duration::from_secs(2)));
        assert_eq!(parse_duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("1h"), Some(Duration::from_secs(3600)));
        for wrong in ["", "2", "s", "0s", "-1s", "1.5s", "2 s", "2d", "99999999999999999999s"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
        assert_eq!(parse_duration("18446744073709551615h"), None);
    }
}
