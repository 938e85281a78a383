//! What types, services and topics say about themselves at run time: the raw material of
//! reflection.
//!
//! A macro sees tokens, not types, so the description is finished by the running program: it is
//! bytes in the canonical form of contracts, with holes where types stand. Each type fills them
//! through a [`Registry`], which also ends the recursion of types that contain themselves.

use super::probe::Probe;
use crate::payload::{self, Mode, Value, Writer};
use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The version of the canonical form, `docs/spec/contract.md`.
const FORM: u64 = 1;

/// A type that can describe itself. `#[derive(fluxar::Type)]` implements it.
pub trait Type: 'static {
    /// Describes the type and what it is made of, and returns the way to refer to it.
    fn describe(registry: &mut Registry) -> TypeRef;
}

/// A service or topic that can describe itself: clients and topics of contracts.
pub trait Described {
    /// Describes it and the types that it needs.
    fn describe(registry: &mut Registry);
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

/// The built-in types in the order of their numbers.
const SCALARS: [&str; 21] = [
    "unit",
    "bool",
    "u8",
    "u16",
    "u32",
    "u64",
    "i8",
    "i16",
    "i32",
    "i64",
    "int",
    "f32",
    "f64",
    "string",
    "bytes",
    "uuid",
    "timestamp",
    "duration",
    "decimal",
    "url",
    "any",
];

impl TypeRef {
    /// As a part of another type's name: `PageUser`.
    fn words(&self) -> String {
        match self {
            Self::Scalar(name) => {
                let mut letters = name.chars();
                letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
            }
            Self::Optional(of) => format!("Optional{}", of.words()),
            Self::List(of) => format!("List{}", of.words()),
            Self::Array(of, length) => format!("Array{}{length}", of.words()),
            Self::Map(key, value) => format!("Map{}{}", key.words(), value.words()),
            Self::Named(name) => name.clone(),
        }
    }

    fn write(&self, to: &mut Writer) {
        match self {
            Self::Scalar(name) => {
                let number = SCALARS.iter().position(|known| known == name);
                to.uint(number.unwrap_or(SCALARS.len() - 1) as u64);
            }
            Self::Optional(of) => Self::nested(to, 0, &[of]),
            Self::List(of) => Self::nested(to, 1, &[of]),
            Self::Array(of, length) => {
                to.list(3);
                to.uint(2);
                of.write(to);
                to.uint(u64::from(*length));
            }
            Self::Map(key, value) => Self::nested(to, 3, &[key, value]),
            Self::Named(name) => to.text(name),
        }
    }

    fn nested(to: &mut Writer, kind: u64, parts: &[&Self]) {
        to.list(1 + parts.len());
        to.uint(kind);
        parts.iter().for_each(|part| part.write(to));
    }
}

fn item(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, write);
    bytes
}

fn append(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Writer)) {
    let mut writer = Writer::new(std::mem::take(bytes), Mode::PLAIN);
    write(&mut writer);
    *bytes = writer.finish();
}

/// Appends the reference to a type.
pub fn put_type(bytes: &mut Vec<u8>, ty: &TypeRef) {
    append(bytes, |to| ty.write(to));
}

/// Appends a name.
pub fn put_name(bytes: &mut Vec<u8>, name: &str) {
    append(bytes, |to| to.text(name));
}

/// The descriptions of one package. Its size is that of the program's own types.
#[derive(Debug, Default)]
pub struct Registry {
    /// Empty where a description is under way.
    types: BTreeMap<String, Vec<u8>>,
    names: HashMap<TypeId, String>,
    services: BTreeMap<String, Vec<u8>>,
    topics: BTreeMap<String, Vec<u8>>,
    contracts: BTreeMap<String, Vec<u8>>,
    /// The names here of the services that have them.
    targets: HashMap<&'static str, String>,
    /// What the services and topics that were described last are called here, by their own names:
    /// those of the contract that follows.
    called: HashMap<String, String>,
    /// The packages of the services.
    packages: BTreeSet<&'static str>,
    /// By the names of their packages.
    heads: BTreeMap<Option<&'static str>, Head>,
}

/// What a contract says about its package, beside its items; CBOR where it is bytes.
#[derive(Clone, Copy, Debug, Default)]
#[doc(hidden)]
#[expect(clippy::exhaustive_structs, reason = "only generated code makes one")]
pub struct Head {
    /// The dotted name.
    pub name: Option<&'static str>,
    /// The packages in which its services are on the wire.
    pub packages: &'static [&'static str],
    /// How many revisions were published.
    pub level: Option<u32>,
    /// The declared annotations.
    pub declared: Option<&'static [u8]>,
    /// The uses of annotations.
    pub annotations: Option<&'static [u8]>,
    /// The documentation.
    pub docs: Option<&'static [u8]>,
}

impl Registry {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Describes a named type once. `body` runs at the first mention only, with the type known
    /// already, so that it may refer to itself.
    ///
    /// An instance of a generic type has the names of its arguments in its own, `PageUser`; of
    /// two types of one name the second is `name_2`.
    pub fn define<T: 'static>(
        &mut self,
        name: &str,
        arguments: &[TypeRef],
        body: impl FnOnce(&mut Self, &str) -> Vec<u8>,
    ) -> TypeRef {
        if let Some(known) = self.names.get(&TypeId::of::<T>()) {
            return TypeRef::Named(known.clone());
        }
        let arguments: String = arguments.iter().map(TypeRef::words).collect();
        let name = free_name(&self.types, &format!("{name}{arguments}"));
        self.names.insert(TypeId::of::<T>(), name.clone());
        self.types.insert(name.clone(), Vec::new());
        let body = body(self, &name);
        self.types.insert(name.clone(), body);
        TypeRef::Named(name)
    }

    /// Describes a service once. One of the same name in another package gets another name here:
    /// its targets say what it is.
    pub fn service(
        &mut self,
        name: &str,
        package: Option<&'static str>,
        targets: &[&'static str],
        body: impl FnOnce(&mut Self, &str) -> Vec<u8>,
    ) {
        // One without methods is known by its name alone.
        let is_known = match targets {
            [] => self.services.contains_key(name),
            targets => targets.iter().all(|target| self.targets.contains_key(target)),
        };
        if is_known {
            let known = targets.first().map_or(name, |target| &self.targets[target]);
            self.called.insert(name.to_owned(), known.to_owned());
            return;
        }
        self.packages.extend(package);
        let free = free_name(&self.services, name);
        self.targets.extend(targets.iter().map(|target| (*target, free.clone())));
        self.called.insert(name.to_owned(), free.clone());
        let body = body(self, &free);
        self.services.insert(free, body);
    }

    /// Says what the whole contract is called, in place of what its services say.
    #[doc(hidden)]
    pub fn head(&mut self, head: Head) {
        self.heads.insert(head.name, head);
    }

    /// Describes a topic once. Another one of the same name gets another name here.
    pub fn topic(&mut self, name: &str, body: impl FnOnce(&mut Self) -> Vec<u8>) {
        let body = body(self);
        let placed = place(&mut self.topics, name, body);
        self.called.insert(name.to_owned(), placed);
    }

    /// Adds a contract, which is nothing but names: of services and topics that were described just
    /// before. Another one of the same name gets another name here.
    pub fn contract(&mut self, name: &str, body: &[u8]) {
        let called = &self.called;
        let body = changed(body, |key, value| match value {
            Value::List(names) if (2..=4).contains(&key) => {
                let own = names.iter().filter_map(|name| match name {
                    Value::Text(name) => Some(called.get(name).unwrap_or(name).clone()),
                    _ => None,
                });
                let mut here: Vec<String> = own.collect();
                here.sort();
                *names = here.into_iter().map(Value::Text).collect();
            }
            _ => {}
        });
        place(&mut self.contracts, name, body);
    }

    /// The targets of the services so far.
    #[cfg(feature = "tokio")]
    pub(crate) fn targets(&self) -> impl Iterator<Item = &'static str> {
        self.targets.keys().copied()
    }

    /// Describes what is served by closures: what they take and give, nobody knows. Targets that
    /// are no names of a contract cannot be said and are left out.
    #[cfg(feature = "tokio")]
    pub(crate) fn raw<'t>(&mut self, targets: impl Iterator<Item = &'t str>) {
        let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for target in targets {
            let (service, method) = target.rsplit_once('.').unwrap_or(("", target));
            if is_name(method) && service.split('.').all(is_name) {
                services.entry(service).or_default().push(method);
            }
        }
        for (target, mut methods) in services {
            methods.sort_unstable();
            let (package, wire) = match target.rsplit_once('.') {
                Some((package, wire)) => (Some(package), wire),
                None => (None, target),
            };
            let name = free_name(&self.services, wire);
            let mut bytes = Vec::new();
            append(&mut bytes, |to| {
                let renamed = name != wire;
                to.map(2 + usize::from(renamed) + usize::from(package.is_some()));
                to.uint(0);
                to.text(&name);
                if renamed {
                    to.uint(1);
                    to.text(wire);
                }
                if let Some(package) = package {
                    to.uint(2);
                    to.text(package);
                }
                to.uint(3);
                to.list(methods.len());
                for method in methods {
                    raw_method(to, method);
                }
            });
            self.services.insert(name, bytes);
        }
    }

    /// The canonical description of everything so far. Of services of one package that is its
    /// name; of several it has none.
    #[must_use]
    pub fn descriptor(&self) -> Vec<u8> {
        let mut packages = self.packages.iter().copied();
        let only = packages.next().filter(|_| packages.next().is_none());
        // Of several contracts none speaks for all.
        let speaks = |head: &&Head| {
            self.heads.len() == 1 && self.packages.iter().all(|of| head.packages.contains(of))
        };
        let head = self.heads.values().next().filter(speaks).copied();
        let head = head.unwrap_or_else(|| Head { name: only, ..Head::default() });
        let mut entries = vec![(0, item(|to| to.uint(FORM)))];
        entries.extend(head.name.map(|name| (1, item(|to| to.text(name)))));
        entries.extend(head.level.map(|level| (2, item(|to| to.uint(level.into())))));
        let kinds = [&self.types, &self.services, &self.topics, &self.contracts];
        for (key, kind) in (3..).zip(kinds).filter(|(_, kind)| !kind.is_empty()) {
            let list = item(|to| {
                to.list(kind.len());
                kind.values().for_each(|item| to.raw(item));
            });
            entries.push((key, list));
        }
        let rest = [(7, head.declared), (10, head.annotations), (15, head.docs)];
        entries.extend(rest.into_iter().filter_map(|(key, bytes)| Some((key, bytes?.to_vec()))));
        item(|to| {
            to.map(entries.len());
            for (key, value) in &entries {
                to.uint(*key);
                to.raw(value);
            }
        })
    }
}

/// The name, or with a number behind it when it is taken.
fn free_name<V>(taken: &BTreeMap<String, V>, wanted: &str) -> String {
    let free = candidates(wanted).find(|name| !taken.contains_key(name));
    free.unwrap_or_else(|| wanted.to_owned())
}

fn candidates(wanted: &str) -> impl Iterator<Item = String> {
    let numbered = (2_usize..).map(move |number| format!("{wanted}_{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered)
}

/// Adds a description, unless it is there; under another name when something else has its own.
/// Gives the name.
fn place(items: &mut BTreeMap<String, Vec<u8>>, wanted: &str, body: Vec<u8>) -> String {
    for name in candidates(wanted) {
        let body = match name == wanted {
            true => body.clone(),
            false => changed(&body, |key, value| {
                if key == 0 {
                    *value = Value::Text(name.clone());
                }
            }),
        };
        if items.get(&name).is_none_or(|other| *other == body) {
            items.insert(name.clone(), body);
            return name;
        }
    }
    wanted.to_owned()
}

/// A description whose entries were changed. What cannot be read stays as it is: macros made it.
fn changed(body: &[u8], mut change: impl FnMut(i128, &mut Value)) -> Vec<u8> {
    let Ok(Value::Map(mut entries)) = payload::decode(body) else { return body.to_vec() };
    for (key, value) in &mut entries {
        if let Value::Int(key) = key {
            change(*key, value);
        }
    }
    payload::encode(&Value::Map(entries)).unwrap_or_else(|_| body.to_vec())
}

/// A letter or `_`, then letters, digits and `_`.
#[cfg(feature = "tokio")]
fn is_name(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|b| is_letter(b) || b.is_ascii_digit())
}

/// A method that answers with anything.
#[cfg(feature = "tokio")]
fn raw_method(to: &mut Writer, name: &str) {
    to.map(3);
    to.uint(0);
    to.text(name);
    to.uint(5);
    to.list(2);
    to.uint(0);
    TypeRef::Scalar("any").write(to);
    to.uint(15);
    to.list(1);
    to.text(" Served by a closure: what it takes and gives is not described.");
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
    "int": payload::Int;
    "uuid": payload::Uuid;
    "timestamp": payload::Timestamp;
    "duration": std::time::Duration;
    "decimal": payload::Decimal;
    "url": payload::Url;
    "any": Value;
}

macro_rules! described_as {
    ($($ty:ty, $($parameter:ident),+ => $make:expr;)*) => {
        $(impl<$($parameter: Type),+> Type for $ty {
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
    BTreeSet<T>, T => |r| TypeRef::List(Box::new(T::describe(r)));
    BTreeMap<K, V>, K, V => {
        |r| TypeRef::Map(Box::new(K::describe(r)), Box::new(V::describe(r)))
    };
    Box<T>, T => T::describe;
}

impl<T: Type, H: 'static> Type for HashSet<T, H> {
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
