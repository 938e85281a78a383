//! Annotations that contracts declare for themselves. The built-in ones are fields of the model.

use super::{Docs, Name, Spelling, Value};

/// The use of a declared annotation, `@scope("users")`.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// The name without the `@`.
    pub name: String,
    /// Arguments by the names of the declaration, in its order. One that is not written is not
    /// here: its default is in the declaration.
    pub arguments: Vec<(String, Value)>,
}

/// `annotation scope(name: string) on method, service`
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationDef<S: Spelling> {
    /// Its name.
    pub name: Name,
    /// Its documentation.
    pub docs: Docs,
    /// What may be written in its parentheses.
    pub parameters: Vec<AnnotationParameter<S>>,
    /// Where it may stand, in the order of [`Target::ALL`].
    pub targets: Vec<Target>,
}

/// A parameter of a declared annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationParameter<S: Spelling> {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: S::Type,
    /// What it is when not written.
    pub default: Option<Value>,
}

/// Where an annotation may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The package.
    Package,
    /// A newtype.
    Newtype,
    /// A record.
    Record,
    /// A field of a record or of a variant.
    Field,
    /// An enum.
    Enum,
    /// A union.
    Union,
    /// An error.
    Error,
    /// A member of an enum, a variant of a union or of an error.
    Variant,
    /// A service.
    Service,
    /// A method.
    Method,
    /// A parameter of a method.
    Param,
    /// A topic.
    Topic,
    /// A contract.
    Contract,
}

impl Target {
    /// Every target, in the order of their numbers in descriptors (from 0).
    pub const ALL: [Self; 13] = [
        Self::Package,
        Self::Newtype,
        Self::Record,
        Self::Field,
        Self::Enum,
        Self::Union,
        Self::Error,
        Self::Variant,
        Self::Service,
        Self::Method,
        Self::Param,
        Self::Topic,
        Self::Contract,
    ];

    /// Its name in contracts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Newtype => "newtype",
            Self::Record => "record",
            Self::Field => "field",
            Self::Enum => "enum",
            Self::Union => "union",
            Self::Error => "error",
            Self::Variant => "variant",
            Self::Service => "service",
            Self::Method => "method",
            Self::Param => "param",
            Self::Topic => "topic",
            Self::Contract => "contract",
        }
    }

    /// The target of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}
