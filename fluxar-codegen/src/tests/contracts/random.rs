//! Contracts that nobody wrote: everything that the model can say, from a seed.

use crate::model::{
    Annotation, AnnotationDef, AnnotationParameter, Answer, Argument, Body, CODES, Constraints,
    Contract, ContractDef, Delivery, Deprecated, Docs, ErrorCode, Failure, Field, Format,
    Lifecycle, Method, MethodOptions, Model, Name, Number, Package, Retired, Scalar, Segment,
    Service, Target, Topic, TypeDef, TypeRef, Value, Variant, VariantBody,
};
pub(super) use crate::sample::Rng;
use proc_macro2::Span;
use std::time::Duration;

/// Names that mean something elsewhere, and some that do not.
const NAMES: [&str; 20] = [
    "type",
    "await",
    "constructor",
    "__proto__",
    "None",
    "self",
    "import",
    "topics",
    "stream",
    "retired",
    "record",
    "then",
    "map",
    "on",
    "closed",
    "user_id",
    "x",
    "a1",
    "string",
    "null",
];

impl Rng {
    fn some<T>(&mut self, one_in: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(one_in).then(|| make(self))
    }

    fn level(&mut self) -> u32 {
        1 + u32::try_from(self.below(9)).unwrap()
    }

    fn text(&mut self) -> String {
        let parts = ["a", " ", "\"", "\\", "\n", "é", "{", "//", "\u{1}", "\t", "😀", "..", "@x"];
        (0..self.below(4)).map(|_| *self.pick(&parts)).collect()
    }

    fn docs(&mut self) -> Docs {
        let lines = (0..self.below(3)).map(|_| format!(" {} /// \"x\" {{", self.below(99)));
        Docs { lines: lines.collect() }
    }

    fn names(&mut self, count: usize) -> Vec<Name> {
        let mut names: Vec<&str> = NAMES.to_vec();
        (0..count.min(names.len())).map(|_| name(names.remove(self.below(names.len())))).collect()
    }
}

fn name(text: &str) -> Name {
    Name::new(text, Span::call_site())
}

/// What has been made so far.
struct Maker {
    rng: Rng,
    model: Model,
}

/// The contract of a seed.
pub(super) fn model(seed: u64) -> Model {
    let mut maker = Maker { rng: Rng(seed), model: Package::empty(None) };
    maker.package();
    for index in 0..maker.rng.below(8) {
        let def = maker.type_def(&format!("T{index}"));
        maker.model.types.push(def);
    }
    for index in 0..maker.rng.below(3) {
        let service = maker.service(&format!("Service{index}"));
        maker.model.services.push(service);
    }
    for index in 0..maker.rng.below(3) {
        let topic = maker.topic(&format!("Topic{index}"));
        maker.model.topics.push(topic);
    }
    maker.contract();
    maker.model
}

impl Maker {
    fn package(&mut self) {
        self.model.name = self.rng.some(2, |rng| format!("a.b_{}.v1", rng.below(5)));
        if self.model.name.is_some() {
            self.model.docs = self.rng.docs();
            self.model.level = self.rng.some(2, |_| 9);
        }
        if self.rng.chance(2) {
            self.model.declared.push(AnnotationDef {
                name: name("scope"),
                docs: self.rng.docs(),
                parameters: vec![
                    AnnotationParameter {
                        name: name("name"),
                        ty: TypeRef::Scalar(Scalar::String),
                        default: None,
                    },
                    AnnotationParameter {
                        name: name("for"),
                        ty: TypeRef::Optional(Box::new(TypeRef::Scalar(Scalar::Duration))),
                        default: Some(Value::Int(3_600_000_000)),
                    },
                ],
                targets: Target::ALL[1..].to_vec(),
            });
        }
    }

    fn uses(&mut self) -> Vec<Annotation> {
        if self.model.declared.is_empty() || !self.rng.chance(4) {
            return Vec::new();
        }
        let mut arguments = vec![("name".to_owned(), Value::Text(self.rng.text()))];
        if self.rng.chance(2) {
            arguments.push(("for".to_owned(), Value::Int(1500)));
        }
        vec![Annotation { name: "scope".to_owned(), arguments }]
    }

    fn life(&mut self) -> Lifecycle {
        let rng = &mut self.rng;
        if !rng.chance(4) {
            return Lifecycle::default();
        }
        let since = rng.some(2, Rng::level);
        let deprecated = rng.some(3, |rng| Deprecated { note: rng.some(2, Rng::text), since });
        Lifecycle { since, removed: rng.some(4, |_| 9), deprecated, was: Vec::new() }
    }

    /// A type of those that are there.
    fn ty(&mut self, depth: usize) -> TypeRef {
        let scalars = &Scalar::ALL[1..];
        match self.rng.below(if depth > 2 { 4 } else { 9 }) {
            4 => TypeRef::List(Box::new(self.ty(depth + 1))),
            5 => TypeRef::Array(Box::new(self.ty(depth + 1)), 1 + self.rng.level()),
            6 => {
                let keys = [Scalar::String, Scalar::U8, Scalar::Int, Scalar::Uuid, Scalar::I64];
                let key = TypeRef::Scalar(*self.rng.pick(&keys));
                TypeRef::Map(Box::new(key), Box::new(self.ty(depth + 1)))
            }
            7 => match self.ty(depth + 1) {
                TypeRef::Optional(of) => TypeRef::Optional(of),
                other => TypeRef::Optional(Box::new(other)),
            },
            8 if !self.model.types.is_empty() => {
                let at = self.rng.below(self.model.types.len());
                TypeRef::Named(self.model.types[at].name.source.clone())
            }
            _ => TypeRef::Scalar(*self.rng.pick(scalars)),
        }
    }

    fn field(&mut self, name: Name, id: u32) -> Field<Contract> {
        let ty = self.ty(0);
        let optional = matches!(ty, TypeRef::Optional(_));
        let default = if optional || self.rng.chance(2) { None } else { self.value(&ty) };
        let constraints = match &default {
            None => self.constraints(&ty),
            Some(_) => Constraints::default(),
        };
        let mut lifecycle = self.life();
        if self.rng.chance(6) {
            lifecycle.was = vec![format!("old_{}", name.source)];
        }
        let wire =
            if self.rng.chance(8) { format!("w_{}", name.source) } else { name.wire.clone() };
        Field {
            name: name.on_wire(wire),
            id: Some(id),
            docs: self.rng.docs(),
            annotations: self.uses(),
            lifecycle,
            optional,
            defaulted: default.is_some(),
            default,
            ty,
            constraints,
        }
    }

    fn constraints(&mut self, ty: &TypeRef) -> Constraints {
        let mut found = Constraints::default();
        if self.rng.chance(2) {
            return found;
        }
        let inner = match ty.required() {
            TypeRef::List(of) => {
                found.len_min = self.rng.some(2, |rng| u64::from(rng.level()));
                found.len_max = self.rng.some(2, |_| 99);
                of.required()
            }
            other => other,
        };
        match inner {
            TypeRef::Scalar(Scalar::String) => {
                found.format = self.rng.some(3, |rng| *rng.pick(&Format::ALL));
                found.pattern = self.rng.some(3, |_| "[a-z\\\\\\-]{2,3}(?:x|\\.)?".to_owned());
            }
            TypeRef::Scalar(Scalar::U16 | Scalar::Int | Scalar::Duration) => {
                found.min = self.rng.some(2, |rng| Number::Int(rng.level().into()));
                found.max = self.rng.some(2, |_| Number::Int(1000));
            }
            TypeRef::Scalar(Scalar::F64) => {
                found.min = self.rng.some(2, |_| Number::Float(-0.5));
                found.max = self.rng.some(2, |_| Number::Float(1e300));
            }
            _ => {}
        }
        found
    }

    /// A literal of a type, where there is one.
    fn value(&mut self, ty: &TypeRef) -> Option<Value> {
        Some(match ty {
            TypeRef::Optional(of) if self.rng.chance(2) => self.value(of)?,
            TypeRef::Optional(_) => Value::Null,
            TypeRef::List(of) => {
                let items: Option<Vec<Value>> =
                    (0..self.rng.below(3)).map(|_| self.value(of)).collect();
                Value::List(items?)
            }
            TypeRef::Array(of, length) => {
                let items: Option<Vec<Value>> = (0..*length).map(|_| self.value(of)).collect();
                Value::List(items?)
            }
            TypeRef::Map(key, of) if **key == TypeRef::Scalar(Scalar::String) => {
                let key = self.rng.text();
                Value::Map(vec![(key, self.value(of)?)])
            }
            TypeRef::Map(..) => Value::Map(Vec::new()),
            TypeRef::Named(name) => {
                let def = self.model.type_named(name)?.clone();
                match &def.body {
                    Body::Newtype(of) => self.value(of)?,
                    Body::Enum(variants) | Body::Union(variants) => {
                        let bare = |v: &&Variant<Contract>| matches!(v.body, VariantBody::Unit);
                        Value::Name(variants.iter().find(bare)?.name.source.clone())
                    }
                    Body::Record(fields) => {
                        let needed = fields.iter().filter(|f| !f.optional && !f.defaulted);
                        let values: Option<Vec<(String, Value)>> = needed
                            .map(|f| Some((f.name.source.clone(), self.value(&f.ty)?)))
                            .collect();
                        Value::Record(values?)
                    }
                    Body::Unit => return None,
                }
            }
            TypeRef::Scalar(scalar) => self.scalar(*scalar)?,
        })
    }

    fn scalar(&mut self, scalar: Scalar) -> Option<Value> {
        Some(match scalar {
            Scalar::Unit => return None,
            Scalar::Bool => Value::Bool(self.rng.chance(2)),
            Scalar::F32 => Value::Float(0.5),
            Scalar::F64 => Value::Float(*self.rng.pick(&[0.0, -1.5, 1e300, 5e-324, 0.1])),
            Scalar::String | Scalar::Url => Value::Text(self.rng.text()),
            Scalar::Bytes => Value::Bytes(self.rng.text().into_bytes()),
            Scalar::Decimal => Value::Text("-0.10".to_owned()),
            Scalar::Uuid => Value::Text("0190a0f0-0000-7000-8000-00000000000a".to_owned()),
            Scalar::Any => Value::Null,
            Scalar::Duration | Scalar::Timestamp => {
                Value::Int((*self.rng.pick(&[0, 1, -1500, 30_000_000, 86_400_000_000_i64])).into())
            }
            other => {
                let (min, max) = other.int_range()?;
                Value::Int(*self.rng.pick(&[min, max, 0, 1]))
            }
        })
    }

    fn fields(&mut self) -> (Vec<Field<Contract>>, Vec<Retired<Contract>>) {
        let count = self.rng.below(5);
        let names = self.rng.names(count);
        let mut id = 0;
        let fields = names
            .into_iter()
            .map(|name| {
                id += self.rng.level();
                self.field(name, id)
            })
            .collect();
        (fields, self.retired(id + 1))
    }

    fn retired(&mut self, free: u32) -> Vec<Retired<Contract>> {
        match self.rng.below(4) {
            0 => vec![Retired { ids: free..=free + 3, name: None, ty: None, removed: None }],
            1 => vec![Retired {
                ids: free..=free,
                name: Some("gone".to_owned()),
                ty: self.rng.chance(2).then(|| self.ty(1)),
                removed: self.rng.some(2, Rng::level),
            }],
            _ => Vec::new(),
        }
    }

    fn code(&mut self, fields: &[&str], must: bool) -> Option<ErrorCode> {
        if !must && self.rng.chance(2) {
            return None;
        }
        let message = self.rng.some(2, |_| match fields.first() {
            Some(field) => format!("it is {{{field}}}, {{{{so}}}}"),
            None => "no".to_owned(),
        });
        Some(ErrorCode {
            code: Some((*self.rng.pick(&CODES)).to_owned()),
            message,
            retry: self.rng.chance(3),
        })
    }

    fn variants(&mut self, kind: usize) -> (Vec<Variant<Contract>>, Vec<Retired<Contract>>) {
        let count = 1 + self.rng.below(4);
        let names = self.rng.names(count);
        let mut id = 0;
        let mut variants = Vec::new();
        for (at, name) in names.into_iter().enumerate() {
            id += self.rng.level();
            let mut retired = Vec::new();
            let body = match self.rng.below(3) {
                // The first has no content, so that the type is finite.
                1 if kind > 0 && at > 0 => VariantBody::Newtype(Box::new(self.ty(1))),
                2 if kind > 0 && at > 0 => {
                    let (fields, gone) = self.fields();
                    retired = gone;
                    VariantBody::Record(fields)
                }
                _ => VariantBody::Unit,
            };
            let fields: Vec<&str> = match &body {
                VariantBody::Record(fields) => {
                    fields.iter().map(|f| f.name.source.as_str()).collect()
                }
                VariantBody::Newtype(_) => vec!["0"],
                VariantBody::Unit => Vec::new(),
            };
            let code = if kind == 2 { self.code(&fields, true) } else { None };
            variants.push(Variant {
                name,
                id: Some(id),
                docs: self.rng.docs(),
                annotations: self.uses(),
                lifecycle: self.life(),
                body,
                retired,
                code,
            });
        }
        (variants, self.retired(id + 1))
    }

    fn type_def(&mut self, own: &str) -> TypeDef<Contract> {
        let mut def = TypeDef {
            name: name(own),
            docs: self.rng.docs(),
            annotations: self.uses(),
            lifecycle: self.life(),
            body: Body::Unit,
            retired: Vec::new(),
            closed: false,
            constraints: Constraints::default(),
            is_error: false,
            code: None,
            extra: (),
        };
        match self.rng.below(6) {
            0 => {
                let base = match self.ty(0) {
                    TypeRef::Optional(of) => *of,
                    other => other,
                };
                def.constraints = self.constraints(&base);
                def.body = Body::Newtype(Box::new(base));
            }
            1 => {
                let (variants, retired) = self.variants(0);
                def.closed = self.rng.chance(2);
                (def.body, def.retired) = (Body::Enum(variants), retired);
            }
            2 => {
                let (variants, retired) = self.variants(1);
                def.closed = self.rng.chance(2);
                (def.body, def.retired) = (Body::Union(variants), retired);
            }
            3 => {
                let (variants, retired) = self.variants(2);
                (def.body, def.retired, def.is_error) = (Body::Union(variants), retired, true);
            }
            _ => {
                let (mut fields, retired) = self.fields();
                if let Some(id) = fields.last().and_then(|field| field.id) {
                    // A type may hold itself behind a `?`.
                    let own = TypeRef::Optional(Box::new(TypeRef::Named(own.to_owned())));
                    let mut again = self.field(name("again"), id + 100);
                    again.ty = own;
                    (again.optional, again.defaulted, again.default) = (true, false, None);
                    again.constraints = Constraints::default();
                    fields.push(again);
                }
                let names: Vec<&str> = fields.iter().map(|f| f.name.source.as_str()).collect();
                def.code = if self.rng.chance(5) { self.code(&names, true) } else { None };
                def.is_error = def.code.is_some();
                (def.body, def.retired) = (Body::Record(fields), retired);
            }
        }
        if def.is_error
            && let Some(package) = &self.model.name
        {
            def.name.wire = format!("{package}.{own}");
        }
        if self.rng.chance(9) {
            def.name.wire = format!("other.v2.{own}");
        }
        def
    }

    fn service(&mut self, own: &str) -> Service<Contract> {
        let count = self.rng.below(5);
        let methods = self.rng.names(count).into_iter().map(|name| self.method(name)).collect();
        let wire = format!("service{}", own.trim_start_matches("Service"));
        let mut service = Service {
            name: name(own).on_wire(wire),
            package: self.model.name.clone(),
            docs: self.rng.docs(),
            annotations: self.uses(),
            lifecycle: self.life(),
            methods,
            extra: (),
        };
        if self.rng.chance(4) {
            service.name.wire = format!("other_{}", service.name.wire);
            service.package = self.rng.some(2, |_| "else.where".to_owned());
        }
        service
    }

    fn method(&mut self, name: Name) -> Method<Contract> {
        let shape = self.rng.below(7);
        let count = self.rng.below(4);
        let mut id = 0;
        let mut arguments: Vec<Argument<Contract>> = Vec::new();
        for own in self.rng.names(count + 1).split_off(1) {
            id += if self.rng.chance(3) { 10 } else { 1 };
            arguments.push(Argument::Value(self.field(own, id)));
        }
        if matches!(shape, 3 | 4 | 6) {
            let at = self.rng.below(arguments.len() + 1);
            let item = self.ty(0);
            arguments.insert(at, Argument::Input { name: self::name("items"), item, extra: () });
        }
        if shape >= 5 {
            let item = self.ty(0);
            arguments.push(Argument::Output { name: self::name("out"), item, extra: () });
        }
        let answer = match shape {
            0 => Answer::Nothing,
            2 | 4 => Answer::Items(self.ty(0)),
            _ if self.rng.chance(3) => Answer::Value(TypeRef::Scalar(Scalar::Unit)),
            _ => Answer::Value(self.ty(0)),
        };
        let errors: Vec<&TypeDef<Contract>> =
            self.model.types.iter().filter(|def| def.is_error).collect();
        let failure = match errors.is_empty() || shape == 0 {
            true => Failure::Status,
            false => Failure::App(TypeRef::Named(self.rng.pick(&errors).name.source.clone())),
        };
        let rng = &mut self.rng;
        let length = |rng: &mut Rng| Duration::from_micros(u64::from(rng.level()) * 500_000);
        let options = MethodOptions {
            idempotent: rng.chance(3),
            resumable: rng.chance(3),
            cache: rng.some(3, length),
            bytes_max: rng.some(3, |rng| u64::from(rng.level()) << (10 * rng.below(3))),
        };
        let timeout = if shape == 0 { None } else { rng.some(3, length) };
        let wire = if rng.chance(6) { format!("w_{}", name.source) } else { name.wire.clone() };
        Method {
            name: name.on_wire(wire),
            docs: rng.docs(),
            annotations: self.uses(),
            lifecycle: self.life(),
            arguments,
            answer,
            failure,
            timeout,
            options,
            extra: (),
        }
    }

    fn topic(&mut self, own: &str) -> Topic<Contract> {
        let mut segments = vec![Segment::Literal("orders".to_owned())];
        let count = self.rng.below(3);
        for name in self.rng.names(count) {
            let scalars = [Scalar::String, Scalar::U8, Scalar::Int, Scalar::Bool, Scalar::Uuid];
            let ty = TypeRef::Scalar(*self.rng.pick(&scalars));
            segments.push(Segment::Param { name, ty });
            segments.push(Segment::Literal("topic".to_owned()));
        }
        let mut topic = Topic {
            name: name(own),
            docs: self.rng.docs(),
            annotations: self.uses(),
            lifecycle: self.life(),
            segments,
            payload: self.ty(0),
            delivery: *self.rng.pick(&Delivery::ALL),
            retain: self.rng.some(2, Rng::level),
            replay: self.rng.some(2, |rng| Duration::from_millis(rng.level().into())),
            key: None,
            extra: (),
        };
        let first = topic.params().next().map(|(name, _)| name.source.clone());
        topic.key = first;
        topic.name.wire = topic.filter();
        topic
    }

    fn contract(&mut self) {
        let services: Vec<String> =
            self.model.services.iter().map(|service| service.name.source.clone()).collect();
        let topics = self.model.topics.iter().map(|topic| topic.name.source.clone()).collect();
        if self.rng.chance(2) {
            let split = self.rng.below(services.len() + 1);
            let (server, client) = services.split_at(split);
            let contract = ContractDef {
                name: name("Everything"),
                docs: self.rng.docs(),
                annotations: self.uses(),
                lifecycle: self.life(),
                server: server.to_vec(),
                client: client.to_vec(),
                topics,
            };
            self.model.contracts.push(contract);
        }
    }
}
