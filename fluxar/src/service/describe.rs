//! What types say about themselves at run time: the raw material of contracts and reflection.
//!
//! A macro sees tokens, not types, so the description is made by the running program: each type
//! describes its parts into a [`Registry`], which also ends the recursion of types that contain
//! themselves.

use super::probe::Probe;
use std::any::TypeId;
use std::collections::HashMap;

/// A type that can describe itself. `#[derive(fluxar::Type)]` implements it.
pub trait Type: 'static {
    /// Describes the type and what it is made of, and returns the way to refer to it.
    fn describe(registry: &mut Registry) -> TypeRef;
}

/// The way to refer to a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TypeRef {
    /// A built-in type, by its name in contracts: `bool`, `u32`, `string`, `any`.
    Scalar(&'static str),
    /// A value or nothing.
    Optional(Box<Self>),
    /// A list.
    List(Box<Self>),
    /// A list of a fixed length.
    Array(Box<Self>, u32),
    /// A map.
    Map(Box<Self>, Box<Self>),
    /// A type of the registry, by its name there.
    Named(String),
}

/// A named type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeDef {
    /// The name; unique in its registry.
    pub name: String,
    /// The documentation.
    pub docs: String,
    /// True when methods fail with it.
    pub is_error: bool,
    /// What it is made of.
    pub body: TypeBody,
}

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeBody {
    /// Nothing.
    Unit,
    /// Another type under a new name.
    Newtype(TypeRef),
    /// Named fields.
    Record(Vec<FieldDef>),
    /// One of several.
    Union(Vec<VariantDef>),
}

impl TypeBody {
    /// Nothing.
    #[must_use]
    pub fn unit() -> Self {
        Self::Unit
    }

    /// Another type under a new name.
    #[must_use]
    pub fn newtype(of: TypeRef) -> Self {
        Self::Newtype(of)
    }

    /// Named fields.
    pub fn record(fields: impl IntoIterator<Item = FieldDef>) -> Self {
        Self::Record(fields.into_iter().collect())
    }

    /// One of several.
    pub fn union(variants: impl IntoIterator<Item = VariantDef>) -> Self {
        Self::Union(variants.into_iter().collect())
    }
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldDef {
    /// The name on the wire.
    pub name: &'static str,
    /// The number on the wire; 0 when none is declared.
    pub id: u32,
    /// The documentation.
    pub docs: &'static str,
    /// The type.
    pub ty: TypeRef,
    /// True when a missing field reads as the type's default.
    pub defaulted: bool,
}

impl FieldDef {
    /// A field without number and documentation.
    #[must_use]
    pub fn new(name: &'static str, ty: TypeRef) -> Self {
        Self { name, id: 0, docs: "", ty, defaulted: false }
    }

    /// With this number.
    #[must_use]
    pub fn id(mut self, id: u32) -> Self {
        self.id = id;
        self
    }

    /// With this documentation.
    #[must_use]
    pub fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Says whether a missing field reads as the type's default.
    #[must_use]
    pub fn defaulted(mut self, defaulted: bool) -> Self {
        self.defaulted = defaulted;
        self
    }
}

/// A variant of a union.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariantDef {
    /// The name on the wire.
    pub name: &'static str,
    /// The number on the wire; 0 when none is declared.
    pub id: u32,
    /// The documentation.
    pub docs: &'static str,
    /// What it carries.
    pub body: TypeBody,
}

impl VariantDef {
    /// A variant without number and documentation.
    #[must_use]
    pub fn new(name: &'static str, body: TypeBody) -> Self {
        Self { name, id: 0, docs: "", body }
    }

    /// With this number.
    #[must_use]
    pub fn id(mut self, id: u32) -> Self {
        self.id = id;
        self
    }

    /// With this documentation.
    #[must_use]
    pub fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }
}

/// The types that have described themselves. Its size is that of the program's own types.
#[derive(Debug, Default)]
pub struct Registry {
    /// In the order of first mention; empty where a description is under way.
    types: Vec<Option<TypeDef>>,
    names: HashMap<TypeId, String>,
}

impl Registry {
    /// No types yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Describes a named type once. `body` runs at the first mention only, with the type known
    /// already, so that it may refer to itself.
    ///
    /// Two types of one name (or two instances of a generic type) get different names here: the
    /// second is `name_2`.
    pub fn define<T: 'static>(
        &mut self,
        name: &str,
        docs: &str,
        is_error: bool,
        body: impl FnOnce(&mut Self) -> TypeBody,
    ) -> TypeRef {
        if let Some(known) = self.names.get(&TypeId::of::<T>()) {
            return TypeRef::Named(known.clone());
        }
        let name = self.unique(name);
        self.names.insert(TypeId::of::<T>(), name.clone());
        let place = self.types.len();
        self.types.push(None);
        let body = body(self);
        let def = TypeDef { name: name.clone(), docs: docs.to_owned(), is_error, body };
        if let Some(slot) = self.types.get_mut(place) {
            *slot = Some(def);
        }
        TypeRef::Named(name)
    }

    /// The types in the order of their first mention.
    pub fn types(&self) -> impl Iterator<Item = &TypeDef> {
        self.types.iter().flatten()
    }

    fn unique(&self, name: &str) -> String {
        let taken = |name: &str| self.names.values().any(|known| known == name);
        if !taken(name) {
            return name.to_owned();
        }
        let numbered = (2_usize..).map(|number| format!("{name}_{number}"));
        let free = numbered.into_iter().find(|name| !taken(name));
        free.unwrap_or_else(|| name.to_owned())
    }
}

macro_rules! scalars {
    ($($name:literal: $($ty:ty),+;)*) => {
        $($(impl Type for $ty {
            fn describe(_registry: &mut Registry) -> TypeRef {
                TypeRef::Scalar($name)
            }
        })+)*
    };
}

scalars! {
    "bool": bool;
    "u8": u8;
    "u16": u16;
    "u32": u32;
    "u64": u64, usize;
    "i8": i8;
    "i16": i16;
    "i32": i32;
    "i64": i64, isize;
    "f32": f32;
    "f64": f64;
    "string": String, Box<str>, char;
    "bytes": bytes::Bytes;
    "unit": ();
}

macro_rules! described_as {
    ($($(#[$about:meta])* $ty:ty, $($parameter:ident),+ => $make:expr;)*) => {
        $($(#[$about])* impl<$($parameter: Type),+> Type for $ty {
            fn describe(registry: &mut Registry) -> TypeRef {
                let make: fn(&mut Registry) -> TypeRef = $make;
                make(registry)
            }
        })*
    };
}

described_as! {
    Option<T>, T => |r| TypeRef::Optional(Box::new(T::describe(r)));
    Vec<T>, T => |r| TypeRef::List(Box::new(T::describe(r)));
    std::collections::VecDeque<T>, T => |r| TypeRef::List(Box::new(T::describe(r)));
    std::collections::BTreeSet<T>, T => |r| TypeRef::List(Box::new(T::describe(r)));
    std::collections::BTreeMap<K, V>, K, V => {
        |r| TypeRef::Map(Box::new(K::describe(r)), Box::new(V::describe(r)))
    };
    Box<T>, T => T::describe;
}

impl<T: Type, H: 'static> Type for std::collections::HashSet<T, H> {
    fn describe(registry: &mut Registry) -> TypeRef {
        TypeRef::List(Box::new(T::describe(registry)))
    }
}

impl<K: Type, V: Type, H: 'static> Type for HashMap<K, V, H> {
    fn describe(registry: &mut Registry) -> TypeRef {
        TypeRef::Map(Box::new(K::describe(registry)), Box::new(V::describe(registry)))
    }
}

impl<T: Type, const N: usize> Type for [T; N] {
    fn describe(registry: &mut Registry) -> TypeRef {
        let length = u32::try_from(N).unwrap_or(u32::MAX);
        TypeRef::Array(Box::new(T::describe(registry)), length)
    }
}

/// A probe of a type that describes itself. Found before [`DescribeAny`], because that one needs
/// one more reference.
pub trait DescribeKnown {
    /// What the type says.
    fn describe(&self, registry: &mut Registry) -> TypeRef;
}

impl<T: Type> DescribeKnown for Probe<T> {
    fn describe(&self, registry: &mut Registry) -> TypeRef {
        T::describe(registry)
    }
}

/// A probe of a type that does not describe itself, as hand-written serde types: `any`.
pub trait DescribeAny {
    /// `any`.
    fn describe(&self, registry: &mut Registry) -> TypeRef;
}

impl<T> DescribeAny for &Probe<T> {
    fn describe(&self, _registry: &mut Registry) -> TypeRef {
        TypeRef::Scalar("any")
    }
}
