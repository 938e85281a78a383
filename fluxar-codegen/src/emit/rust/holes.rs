//! A description is bytes with holes: a macro knows everything but what the tokens of a type mean.
//!
//! The description of an item is made by the one writer that contract files go through. Types are
//! first replaced by names that no contract can have; where they turn up in the bytes, the running
//! program fills in what the types say about themselves.

use super::RustSpelling;
use crate::model::{
    Answer, Argument, Body, Contract, Failure, Field, Method, Name, Retired, Segment, Service,
    Topic, TypeDef, TypeRef, Variant, VariantBody,
};

/// Begins the name that stands for a type; its number of four digits follows.
const MARK: char = '\u{1}';
/// The name that stands for the type's own, which may be another at run time.
const OWN: &str = "\u{1}self";
/// Bytes of such a name with its head.
const MARKED_BYTES: usize = 6;

/// A piece of a description.
#[derive(Debug)]
pub(super) enum Part {
    /// As they stand.
    Bytes(Vec<u8>),
    /// The type's own name.
    OwnName,
    /// What the type of this number says.
    Type(usize),
}

/// The types that were replaced, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Holes<S: RustSpelling> {
    pub(super) types: Vec<S::Type>,
}

impl<S: RustSpelling> Holes<S> {
    pub(super) fn new() -> Self {
        Self { types: Vec::new() }
    }

    /// The name that stands for the described type's own.
    pub(super) fn own_name(&self) -> String {
        OWN.to_owned()
    }

    /// The bytes of a description, taken apart at the holes.
    pub(super) fn parts(&self, bytes: &[u8]) -> Vec<Part> {
        let mut parts = Vec::new();
        let (mut done, mut at) = (0, 0);
        while let Some(item) = bytes.get(at..at + MARKED_BYTES) {
            let hole = match item {
                // A text of five bytes that begins with the mark.
                [0x65, 1, name @ ..] => {
                    std::str::from_utf8(name).ok().and_then(|name| match name.parse() {
                        Ok(number) => Some(Part::Type(number)),
                        Err(_) => (name == &OWN[1..]).then_some(Part::OwnName),
                    })
                }
                _ => None,
            };
            let Some(hole) = hole else {
                at += 1;
                continue;
            };
            parts.push(Part::Bytes(bytes[done..at].to_vec()));
            parts.push(hole);
            at += MARKED_BYTES;
            done = at;
        }
        parts.push(Part::Bytes(bytes[done..].to_vec()));
        parts
    }

    fn ty(&mut self, ty: &S::Type) -> TypeRef {
        let number = self.types.len();
        self.types.push(ty.clone());
        TypeRef::Named(format!("{MARK}{number:04}"))
    }

    fn retired(&mut self, retired: &[Retired<S>]) -> Vec<Retired<Contract>> {
        let one = |retired: &Retired<S>| Retired {
            ids: retired.ids.clone(),
            name: retired.name.clone(),
            ty: retired.ty.as_ref().map(|ty| self.ty(ty)),
            removed: retired.removed,
        };
        retired.iter().map(one).collect()
    }

    fn field(&mut self, field: &Field<S>) -> Field<Contract> {
        Field {
            name: contract_name(&field.name),
            id: field.id,
            docs: field.docs.clone(),
            annotations: field.annotations.clone(),
            lifecycle: field.lifecycle.clone(),
            ty: self.ty(&field.ty),
            optional: field.optional,
            defaulted: field.defaulted,
            default: field.default.clone(),
            constraints: field.constraints.clone(),
        }
    }

    fn fields(&mut self, fields: &[Field<S>]) -> Vec<Field<Contract>> {
        fields.iter().map(|field| self.field(field)).collect()
    }

    fn variants(&mut self, variants: &[Variant<S>]) -> Vec<Variant<Contract>> {
        let one = |variant: &Variant<S>| Variant {
            name: contract_name(&variant.name),
            id: variant.id,
            docs: variant.docs.clone(),
            annotations: variant.annotations.clone(),
            lifecycle: variant.lifecycle.clone(),
            body: match &variant.body {
                VariantBody::Unit => VariantBody::Unit,
                VariantBody::Newtype(ty) => VariantBody::Newtype(Box::new(self.ty(ty))),
                VariantBody::Record(fields) => VariantBody::Record(self.fields(fields)),
            },
            retired: self.retired(&variant.retired),
            code: variant.code.clone(),
        };
        variants.iter().map(one).collect()
    }

    /// A type's definition.
    pub(super) fn type_def(&mut self, def: &TypeDef<S>) -> TypeDef<Contract> {
        TypeDef {
            name: contract_name(&def.name),
            docs: def.docs.clone(),
            annotations: def.annotations.clone(),
            lifecycle: def.lifecycle.clone(),
            body: match &def.body {
                Body::Record(fields) => Body::Record(self.fields(fields)),
                Body::Newtype(ty) => Body::Newtype(Box::new(self.ty(ty))),
                Body::Unit => Body::Unit,
                Body::Enum(variants) => Body::Enum(self.variants(variants)),
                Body::Union(variants) => Body::Union(self.variants(variants)),
            },
            retired: self.retired(&def.retired),
            closed: def.closed,
            constraints: def.constraints.clone(),
            is_error: def.is_error,
            code: def.code.clone(),
            extra: (),
        }
    }

    fn method(&mut self, method: &Method<S>) -> Method<Contract> {
        let mut place = 0;
        let mut arguments = Vec::new();
        for argument in &method.arguments {
            arguments.extend(match argument {
                // Contracts do not know of it.
                Argument::Context { .. } => None,
                Argument::Value(field) => {
                    place += 1;
                    let mut field = self.field(field);
                    field.id = field.id.or(Some(place));
                    Some(Argument::Value(field))
                }
                Argument::Input { name, item, .. } => Some(Argument::Input {
                    name: contract_name(name),
                    item: self.ty(item),
                    extra: (),
                }),
                Argument::Output { name, item, .. } => Some(Argument::Output {
                    name: contract_name(name),
                    item: self.ty(item),
                    extra: (),
                }),
            });
        }
        Method {
            name: contract_name(&method.name),
            docs: method.docs.clone(),
            annotations: method.annotations.clone(),
            lifecycle: method.lifecycle.clone(),
            arguments,
            answer: match &method.answer {
                Answer::Nothing => Answer::Nothing,
                Answer::Value(ty) => Answer::Value(self.ty(ty)),
                Answer::Items(ty) => Answer::Items(self.ty(ty)),
            },
            failure: match &method.failure {
                Failure::Never => Failure::Never,
                Failure::Status => Failure::Status,
                Failure::App(ty) => match S::is_status(ty) {
                    true => Failure::Status,
                    false => Failure::App(self.ty(ty)),
                },
            },
            timeout: method.timeout,
            options: method.options.clone(),
            extra: (),
        }
    }

    /// A service.
    pub(super) fn service(&mut self, service: &Service<S>) -> Service<Contract> {
        Service {
            name: service.name.clone(),
            package: service.package.clone(),
            docs: service.docs.clone(),
            annotations: service.annotations.clone(),
            lifecycle: service.lifecycle.clone(),
            methods: described_methods(service).map(|method| self.method(method)).collect(),
            extra: (),
        }
    }

    /// A topic.
    pub(super) fn topic(&mut self, topic: &Topic<S>) -> Topic<Contract> {
        let segment = |segment: &Segment<S>| match segment {
            Segment::Literal(text) => Segment::Literal(text.clone()),
            Segment::Param { name, ty } => {
                Segment::Param { name: contract_name(name), ty: self.ty(ty) }
            }
        };
        Topic {
            segments: topic.segments.iter().map(segment).collect(),
            name: topic.name.clone(),
            docs: topic.docs.clone(),
            annotations: topic.annotations.clone(),
            lifecycle: topic.lifecycle.clone(),
            payload: self.ty(&topic.payload),
            delivery: topic.delivery,
            retain: topic.retain,
            replay: topic.replay,
            key: topic.key.clone(),
            extra: (),
        }
    }
}

/// The methods that a description has: one that is there under conditions may be of types that are
/// not there, and is described as what closures serve.
pub(super) fn described_methods<S: RustSpelling>(
    service: &Service<S>,
) -> impl Iterator<Item = &Method<S>> {
    service.methods.iter().filter(|method| S::conditions(&method.extra).is_empty())
}

/// The name that the contract has: where Rust needed another one, that of the wire.
fn contract_name(name: &Name) -> Name {
    let last = || name.wire.rsplit('.').next().unwrap_or(&name.wire);
    Name::new(name.called.as_deref().unwrap_or_else(last), name.span).on_wire(&name.wire)
}
