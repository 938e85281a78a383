//! Types as written → types of the model.

use super::build::{Builder, Scope, Wanted, name};
use super::world::Symbol;
use crate::front::pascal_case;
use crate::model::{Body, Contract, Model, Scalar, Target, TypeDef, TypeRef};
use crate::syntax::ast::{Item, ItemKind, Type, TypeKind};
use std::collections::HashMap;

/// The largest length of an array.
const ARRAY_MAX: u64 = 65_535;
/// The most types and spreads that are resolved for one model.
const STEPS_MAX: usize = 200_000;

impl Builder<'_> {
    /// The type, or nothing when it is reported.
    pub(super) fn ty(&mut self, ty: &Type, scope: Scope<'_>) -> Option<TypeRef> {
        self.step(ty, scope.unit)?;
        let found = self.ty_inner(ty, scope)?;
        if depth(&found) > crate::syntax::DEPTH_MAX {
            let message = "this type nests too deep".to_owned();
            self.reports.add("too-large", self.at(scope.unit, ty.span), message);
            return None;
        }
        Some(found)
    }

    /// One step of the work that a contract may make: aliases that double at each level would
    /// make it without end.
    pub(super) fn step(&mut self, ty: &Type, unit: usize) -> Option<()> {
        self.steps += 1;
        let is_deep = self.following.len() > crate::syntax::DEPTH_MAX;
        if self.steps > STEPS_MAX || is_deep {
            let message = "this takes too many steps to resolve".to_owned();
            self.reports.add("too-large", self.at(unit, ty.span), message);
            return None;
        }
        Some(())
    }

    fn ty_inner(&mut self, ty: &Type, scope: Scope<'_>) -> Option<TypeRef> {
        match &ty.kind {
            TypeKind::Wrong => None,
            TypeKind::List(of) => Some(TypeRef::List(Box::new(self.ty(of, scope)?))),
            TypeKind::Optional(of) => match self.ty(of, scope)? {
                TypeRef::Optional(_) => {
                    let message = "the type under this `?` is optional already".to_owned();
                    self.reports.add("double-optional", self.at(scope.unit, ty.span), message);
                    None
                }
                of => Some(TypeRef::Optional(Box::new(of))),
            },
            TypeKind::Array(of, length) => {
                let of = self.ty(of, scope)?;
                if length.value == 0 || length.value > ARRAY_MAX {
                    let place = self.at(scope.unit, length.span);
                    self.reports.add("array-length", place, "an array cannot be this long");
                }
                let length = u32::try_from(length.value.clamp(1, ARRAY_MAX)).unwrap_or(1);
                Some(TypeRef::Array(Box::new(of), length))
            }
            TypeKind::Map(key, value) => {
                let at = key.span;
                let (key, value) = (self.ty(key, scope), self.ty(value, scope)?);
                let key = key?;
                if self.known.is_some_and(|known| !is_key(&key, known, 0)) {
                    let message = format!("`{}` cannot be a key", crate::emit::idl::ty(&key));
                    self.reports.add("map-key", self.at(scope.unit, at), message);
                }
                Some(TypeRef::Map(Box::new(key), Box::new(value)))
            }
            TypeKind::Named(path, arguments) => {
                if let [only] = path.segments.as_slice() {
                    let argument = scope.arguments.get(&only.text).cloned();
                    let scalar = Scalar::named(&only.text).filter(|s| *s != Scalar::Unit);
                    let found = argument.or_else(|| scalar.map(TypeRef::Scalar));
                    if found.is_some() {
                        self.expect_arguments(ty, arguments, 0, scope.unit)?;
                        return found;
                    }
                }
                let Some(symbol) = self.world.lookup(scope.unit, path) else {
                    self.unknown(ty, &path.text(), scope.unit);
                    return None;
                };
                let mut resolved = Vec::new();
                for argument in arguments {
                    resolved.push(self.ty(argument, scope)?);
                }
                self.named(ty, symbol, resolved, scope)
            }
        }
    }

    fn unknown(&mut self, ty: &Type, name: &str, unit: usize) {
        let message = format!("nothing is called `{name}`");
        let place = self.at(unit, ty.span);
        if self.reports.is_full() {
            // Nobody will read what to do about it, and looking for it takes time.
            return self.reports.add("unknown-name", place, message);
        }
        let similar = |known: &&str| known.eq_ignore_ascii_case(name);
        let names = Scalar::ALL.iter().map(|scalar| scalar.name());
        let own = &self.world.units[unit].file.items;
        let mut names = names.chain(own.iter().map(|item| item.name.text.as_str()));
        let fix = match names.find(similar) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "declare it, or import it with `use`".to_owned(),
        };
        self.reports.add_with_fix("unknown-name", place, message, fix);
    }

    fn expect_arguments(
        &mut self,
        ty: &Type,
        arguments: &[impl Sized],
        count: usize,
        unit: usize,
    ) -> Option<()> {
        if arguments.len() == count {
            return Some(());
        }
        let message = match count {
            0 => "this type has no parameters".to_owned(),
            1 => "this type has one parameter".to_owned(),
            _ => format!("this type has {count} parameters"),
        };
        self.reports.add("type-arguments", self.at(unit, ty.span), message);
        None
    }

    fn named(
        &mut self,
        ty: &Type,
        symbol: Symbol,
        arguments: Vec<TypeRef>,
        scope: Scope<'_>,
    ) -> Option<TypeRef> {
        let world = self.world;
        let item = world.item(symbol);
        let count = match &item.kind {
            ItemKind::Newtype(_) => 0,
            ItemKind::Record { generics, .. }
            | ItemKind::Choice { generics, .. }
            | ItemKind::Alias { generics, .. } => generics.len(),
            _ => {
                let message = format!("`{}` is no type", item.name.text);
                self.reports.add("type-wrong", self.at(scope.unit, ty.span), message);
                return None;
            }
        };
        self.expect_arguments(ty, &arguments, count, scope.unit)?;
        if let ItemKind::Alias { generics, ty: of } = &item.kind {
            if self.following.contains(&symbol) {
                let place = self.at(symbol.unit, item.name.span);
                let message = format!("`{}` stands for itself", item.name.text);
                self.reports.add("alias-cycle", place, message);
                return None;
            }
            let names = generics.iter().map(|generic| generic.text.clone());
            let arguments: HashMap<String, TypeRef> = names.zip(arguments).collect();
            self.following.push(symbol);
            let found = self.ty(of, Scope { unit: symbol.unit, arguments: &arguments });
            self.following.pop();
            return found;
        }
        self.instance(ty, symbol, arguments, scope.unit)
    }

    /// The name of an instance in the model, which is built later when it is new.
    fn instance(
        &mut self,
        ty: &Type,
        symbol: Symbol,
        arguments: Vec<TypeRef>,
        unit: usize,
    ) -> Option<TypeRef> {
        let key = (symbol, arguments);
        if let Some(known) = self.names.get(&key) {
            return Some(TypeRef::Named(known.clone()));
        }
        if key.1.iter().any(|argument| depth(argument) > crate::syntax::DEPTH_MAX / 2)
            || self.wanted.len() > super::TYPES_MAX
        {
            let message = "instances of this type go on without end".to_owned();
            self.reports.add("instance-limit", self.at(unit, ty.span), message);
            return None;
        }
        let base = &self.world.item(symbol).name.text;
        let mut made: String = key.1.iter().map(word).collect();
        made.insert_str(0, base);
        if made.len() > 128 {
            let message = "the name of this instance is too long".to_owned();
            self.reports.add("instance-limit", self.at(unit, ty.span), message);
            return None;
        }
        if self.taken.contains(&made) && key.1.is_empty() {
            // Another package has a type of the same name.
            let package = self.world.package_of(symbol.unit).unwrap_or("other");
            made = format!("{}{base}", pascal_case(package));
        }
        if !self.taken.insert(made.clone()) {
            let message = format!("this type is called `{made}`, as another one is");
            self.reports.add("name-collision", self.at(unit, ty.span), message);
            return None;
        }
        self.names.insert(key.clone(), made.clone());
        let (symbol, arguments) = key;
        self.wanted.push(Wanted { symbol, arguments, name: made.clone() });
        Some(TypeRef::Named(made))
    }

    pub(super) fn newtype(
        &mut self,
        item: &Item,
        model_name: &str,
        ty: &Type,
        scope: Scope<'_>,
    ) -> Option<TypeDef<Contract>> {
        let base = self.ty(ty, scope)?;
        if matches!(base, TypeRef::Optional(_)) {
            let message = "a newtype is not optional: write the `?` where it is used".to_owned();
            self.reports.add("type-wrong", self.at(scope.unit, ty.span), message);
        }
        let marks = self.marks(&item.head, Target::Newtype, Some(&base), scope.unit);
        let is_error = marks.code.is_some();
        let mut def = self.empty_type(item, model_name, marks, is_error, scope.unit);
        def.body = Body::Newtype(Box::new(base));
        self.check_message(def.code.as_ref(), &[name("0")], &item.head, scope.unit);
        Some(def)
    }
}

fn depth(ty: &TypeRef) -> usize {
    match ty {
        TypeRef::Scalar(_) | TypeRef::Named(_) => 1,
        TypeRef::Optional(of) | TypeRef::List(of) | TypeRef::Array(of, _) => 1 + depth(of),
        TypeRef::Map(key, value) => 1 + depth(key).max(depth(value)),
    }
}

/// A type as a part of a name: `ListUser`.
fn word(ty: &TypeRef) -> String {
    match ty {
        TypeRef::Scalar(scalar) => pascal_case(scalar.name()),
        TypeRef::Optional(of) => format!("Maybe{}", word(of)),
        TypeRef::List(of) => format!("List{}", word(of)),
        TypeRef::Array(of, length) => format!("Array{length}{}", word(of)),
        TypeRef::Map(key, value) => format!("Map{}{}", word(key), word(value)),
        TypeRef::Named(name) => name.clone(),
    }
}

/// True for what may be the key of a map.
pub(super) fn is_key(ty: &TypeRef, model: &Model, depth: usize) -> bool {
    match ty {
        TypeRef::Scalar(scalar) => {
            scalar.int_range().is_some() || matches!(scalar, Scalar::String | Scalar::Uuid)
        }
        TypeRef::Named(name) if depth < 64 => match model.type_named(name).map(|def| &def.body) {
            Some(Body::Enum(_)) => true,
            Some(Body::Newtype(of)) => is_key(of, model, depth + 1),
            _ => false,
        },
        _ => false,
    }
}

/// The type under newtypes and, when asked for, `?` and lists.
pub(super) fn base<'t>(mut ty: &'t TypeRef, model: &'t Model, in_lists: bool) -> &'t TypeRef {
    for _ in 0..64 {
        ty = match ty {
            TypeRef::Optional(of) => of,
            TypeRef::List(of) | TypeRef::Array(of, _) if in_lists => of,
            TypeRef::Named(name) => match model.type_named(name).map(|def| &def.body) {
                Some(Body::Newtype(of)) => of,
                _ => return ty,
            },
            _ => return ty,
        };
    }
    ty
}
