//! The types that travel.

use super::{Annotation, Docs, Name, Spelling};

/// A named type.
#[derive(Clone, Debug)]
pub struct TypeDef<S: Spelling> {
    /// Its name. The name is not on the wire, except as the name of an error's type.
    pub name: Name,
    /// Its documentation.
    pub docs: Docs,
    /// Annotations of the contract's language.
    pub annotations: Vec<Annotation>,
    /// What it is made of.
    pub body: Body<S>,
    /// True when methods may fail with it.
    pub is_error: bool,
    /// The code of an error that is not a union, and of variants that name none.
    pub code: Option<ErrorCode>,
    /// What only the front end knows.
    pub extra: S::Extra,
}

/// What a named type is made of.
#[derive(Clone, Debug)]
pub enum Body<S: Spelling> {
    /// Named fields: a map on the wire.
    Record(Vec<Field<S>>),
    /// Another type under a new name: that type on the wire.
    Newtype(Box<S::Type>),
    /// Nothing.
    Unit,
    /// One of several: a text for a variant without content, a map of one entry otherwise.
    Union(Vec<Variant<S>>),
}

/// A field of a record, or a parameter of a method.
#[derive(Clone, Debug)]
pub struct Field<S: Spelling> {
    /// Its name.
    pub name: Name,
    /// Its number on the wire, where names are not wanted.
    pub id: Option<u32>,
    /// Its documentation.
    pub docs: Docs,
    /// Annotations of the contract's language.
    pub annotations: Vec<Annotation>,
    /// Its type.
    pub ty: S::Type,
    /// True when it is left out where there is no value.
    pub optional: bool,
    /// True when a missing field reads as its type's default.
    pub defaulted: bool,
}

/// A variant of a union.
#[derive(Clone, Debug)]
pub struct Variant<S: Spelling> {
    /// Its name.
    pub name: Name,
    /// Its number on the wire, where names are not wanted.
    pub id: Option<u32>,
    /// Its documentation.
    pub docs: Docs,
    /// Annotations of the contract's language.
    pub annotations: Vec<Annotation>,
    /// What it carries.
    pub body: VariantBody<S>,
    /// In an error: the status code.
    pub code: Option<ErrorCode>,
}

/// What a variant carries.
#[derive(Clone, Debug)]
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
}

/// A type as a contract names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypeRef {
    /// A built-in type without parameters, by its name in the IDL: `bool`, `u32`, `string`.
    Scalar(String),
    /// `T?`
    Optional(Box<Self>),
    /// `[T]`
    List(Box<Self>),
    /// `[T*3]`
    Array(Box<Self>, u32),
    /// `map<K, V>`
    Map(Box<Self>, Box<Self>),
    /// A type of a package, with its arguments.
    Named(String, Vec<Self>),
}
