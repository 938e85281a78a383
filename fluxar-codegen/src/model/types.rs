//! The types that travel.

use super::{Annotation, Constraints, Docs, Lifecycle, Name, Scalar, Spelling, Value};
use std::ops::RangeInclusive;

/// A named type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeDef<S: Spelling> {
    /// Its name. On the wire, where only the names of errors are, with its package:
    /// `shop.v1.UserError`. An imported type keeps the package it comes from.
    pub name: Name,
    /// Its documentation.
    pub docs: Docs,
    /// Uses of declared annotations.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// What it is made of.
    pub body: Body<S>,
    /// Numbers and names that fields, members or variants may not take again.
    pub retired: Vec<Retired<S>>,
    /// True when a decoder refuses members and variants that it does not know. An open enum or
    /// union keeps them. Errors are always open.
    pub closed: bool,
    /// Of a newtype: what its values must be.
    pub constraints: Constraints,
    /// True when methods may fail with it.
    pub is_error: bool,
    /// The code of an error that is not a union, and of variants that name none.
    pub code: Option<ErrorCode>,
    /// What only the front end knows.
    pub extra: S::Extra,
}

impl<S: Spelling> TypeDef<S> {
    /// Calls `visit` with every type that its body says: of fields, of variants, its base.
    pub fn each_type<'t>(&'t self, visit: &mut impl FnMut(&'t S::Type)) {
        match &self.body {
            Body::Record(fields) => fields.iter().for_each(|field| visit(&field.ty)),
            Body::Newtype(ty) => visit(ty),
            Body::Unit => {}
            Body::Enum(variants) | Body::Union(variants) => {
                for variant in variants {
                    match &variant.body {
                        VariantBody::Unit => {}
                        VariantBody::Newtype(ty) => visit(ty),
                        VariantBody::Record(fields) => {
                            fields.iter().for_each(|field| visit(&field.ty));
                        }
                    }
                }
            }
        }
    }
}

/// What a named type is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<S: Spelling> {
    /// Named fields: a map on the wire.
    Record(Vec<Field<S>>),
    /// Another type under a new name: that type on the wire.
    Newtype(Box<S::Type>),
    /// Nothing.
    Unit,
    /// One of several names: its number or name on the wire. No variant has content.
    Enum(Vec<Variant<S>>),
    /// One of several: a bare key for a variant without content, a map of one entry otherwise.
    Union(Vec<Variant<S>>),
}

/// A field of a record, or a parameter of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<S: Spelling> {
    /// Its name.
    pub name: Name,
    /// Its number on the wire, where names are not wanted. Contract files always have one:
    /// parameters without a number get their place among the values, from 1.
    pub id: Option<u32>,
    /// Its documentation.
    pub docs: Docs,
    /// Uses of declared annotations.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// Its type.
    pub ty: S::Type,
    /// True when it is left out where there is no value: the type is `T?`.
    pub optional: bool,
    /// True when a missing field reads as its type's default, or as `default` where that is set.
    pub defaulted: bool,
    /// What a missing field reads as, and what is left out when writing.
    pub default: Option<Value>,
    /// What its values must be.
    pub constraints: Constraints,
}

/// A variant of a union.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant<S: Spelling> {
    /// Its name.
    pub name: Name,
    /// Its number on the wire, where names are not wanted.
    pub id: Option<u32>,
    /// Its documentation.
    pub docs: Docs,
    /// Uses of declared annotations.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// What it carries.
    pub body: VariantBody<S>,
    /// Of a record's fields: numbers and names that may not be taken again.
    pub retired: Vec<Retired<S>>,
    /// In an error: the status code.
    pub code: Option<ErrorCode>,
}

/// What a variant carries.
#[derive(Clone, Debug, PartialEq)]
pub enum VariantBody<S: Spelling> {
    /// Nothing.
    Unit,
    /// One value.
    Newtype(Box<S::Type>),
    /// Named fields.
    Record(Vec<Field<S>>),
}

/// What an application error says in words and in codes that need no type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The code's name in `snake_case`, if one is declared.
    pub code: Option<String>,
    /// The message, with `{field}` where a field's value goes, if one is declared.
    pub message: Option<String>,
    /// `@retry`: the same call may succeed later.
    pub retry: bool,
}

/// Numbers, and perhaps a name, that once meant something: `retired 7 phone: string @removed(3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Retired<S: Spelling> {
    /// One number, or all of `8..12`.
    pub ids: RangeInclusive<u32>,
    /// The name that is taken. A range has none.
    pub name: Option<String>,
    /// The type that it had, where the contract says it.
    pub ty: Option<S::Type>,
    /// The revision that removed it.
    pub removed: Option<u32>,
}

/// A type as a contract names it, resolved: without aliases and without generics
/// (`Page<User>` is the record `PageUser` of the model).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TypeRef {
    /// A built-in type.
    Scalar(Scalar),
    /// `T?`
    Optional(Box<Self>),
    /// `[T]`
    List(Box<Self>),
    /// `[T*3]`
    Array(Box<Self>, u32),
    /// `map<K, V>`: the key is `string`, an integer, `uuid`, an enum, or a newtype of these.
    Map(Box<Self>, Box<Self>),
    /// A type of the model, by the source of its name.
    Named(String),
}

impl TypeRef {
    /// The type under a `?`, or this one.
    #[must_use]
    pub fn required(&self) -> &Self {
        match self {
            Self::Optional(of) => of,
            other => other,
        }
    }

    /// Calls `visit` with every named type in it.
    pub fn each_name<'t>(&'t self, visit: &mut impl FnMut(&'t str)) {
        match self {
            Self::Scalar(_) => {}
            Self::Optional(of) | Self::List(of) | Self::Array(of, _) => of.each_name(visit),
            Self::Map(key, value) => {
                key.each_name(visit);
                value.each_name(visit);
            }
            Self::Named(name) => visit(name),
        }
    }
}
