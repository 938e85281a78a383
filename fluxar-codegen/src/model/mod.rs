//! The resolved contract: what every front end produces and every emitter reads.
//!
//! A front end knows one way to *spell* types: an IDL file names them ([`TypeRef`]), a Rust trait
//! shows tokens. Everything else is the same, so the model is generic over the [`Spelling`] and
//! there is one emitter for a language, not one for each front end.

mod annotation;
mod codes;
pub(crate) mod descriptor;
mod message;
mod method;
mod number;
mod scalar;
mod topic;
mod types;
mod undeclared;
mod value;

pub use annotation::{Annotation, AnnotationDef, AnnotationParameter, Target};
pub use codes::CODES;
pub use descriptor::{BYTES_MAX as DESCRIPTOR_BYTES_MAX, DescriptorError};
pub use message::{Piece, pieces};
pub use method::{Answer, Argument, Failure, Method, MethodOptions, Shape, sink_name};
pub use scalar::Scalar;
pub use topic::{ContractDef, Delivery, Segment, Topic};
pub use types::{Body, ErrorCode, Field, Retired, TypeDef, TypeRef, Variant, VariantBody};
pub use value::{Constraints, Deprecated, Format, Lifecycle, Number, Value};

use proc_macro2::Span;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// How a front end spells what the model leaves open.
pub trait Spelling: Clone + fmt::Debug + PartialEq {
    /// A type in a field, a parameter or an answer.
    type Type: Clone + fmt::Debug + PartialEq;
    /// What only this front end knows about an item and its own emitter wants back.
    type Extra: Clone + fmt::Debug + Default + PartialEq;
}

/// The spelling of a contract file: types by name, nothing extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract;

impl Spelling for Contract {
    type Type = TypeRef;
    type Extra = ();
}

/// The resolved contract of one package, as files, emitters, descriptors and tools share it.
pub type Model = Package<Contract>;

/// A package: the unit of naming and of versions, closed over what it imports.
#[derive(Clone, Debug, PartialEq)]
pub struct Package<S: Spelling> {
    /// The dotted name, `shop.v1`, or nothing.
    pub name: Option<String>,
    /// `@level(4)`: how many revisions were published.
    pub level: Option<u32>,
    /// Its documentation.
    pub docs: Docs,
    /// Annotations of the contract's language.
    pub annotations: Vec<Annotation>,
    /// In the order of the source.
    pub types: Vec<TypeDef<S>>,
    /// In the order of the source.
    pub services: Vec<Service<S>>,
    /// In the order of the source.
    pub topics: Vec<Topic<S>>,
    /// In the order of the source.
    pub contracts: Vec<ContractDef>,
    /// Annotations that the package declares for itself, in the order of the source.
    pub declared: Vec<AnnotationDef<S>>,
}

impl<S: Spelling> Package<S> {
    /// A package with nothing in it.
    #[must_use]
    pub fn empty(name: Option<String>) -> Self {
        Self {
            name,
            level: None,
            docs: Docs::default(),
            annotations: Vec::new(),
            types: Vec::new(),
            services: Vec::new(),
            topics: Vec::new(),
            contracts: Vec::new(),
            declared: Vec::new(),
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn type_named(&self, name: &str) -> Option<&TypeDef<S>> {
        self.types.iter().find(|def| def.name.source == name)
    }

    /// The service of that name (`Users`).
    #[must_use]
    pub fn service_named(&self, name: &str) -> Option<&Service<S>> {
        self.services.iter().find(|service| service.name.source == name)
    }
}

impl Package<Contract> {
    /// The same service here, of another level of this package.
    #[must_use]
    pub fn counterpart(&self, service: &Service<Contract>) -> Option<&Service<Contract>> {
        let is_same = |other: &&Service<Contract>| {
            other.name.wire == service.name.wire && other.package == service.package
        };
        self.services.iter().find(is_same)
    }

    /// The names of the services that only the dialing side offers.
    #[must_use]
    pub fn services_of_client(&self) -> HashSet<&str> {
        let names = |side: fn(&ContractDef) -> &Vec<String>| {
            self.contracts.iter().flat_map(side).map(String::as_str).collect::<HashSet<&str>>()
        };
        let server = names(|contract| &contract.server);
        names(|contract| &contract.client).into_iter().filter(|n| !server.contains(n)).collect()
    }

    /// The types that its services and topics say, and those that these are made of, by name.
    #[must_use]
    pub fn used_types(&self) -> HashSet<&str> {
        self.reachable(Vec::new())
    }

    /// Drops the types that are neither used nor named here, nor part of such a one.
    pub fn drop_unused_types(&mut self, kept: &[&str]) {
        let used: HashSet<String> =
            self.reachable(kept.to_vec()).into_iter().map(str::to_owned).collect();
        self.types.retain(|def| used.contains(&def.name.source));
    }

    /// What is said by services, by topics and by these types.
    fn reachable<'m>(&'m self, mut next: Vec<&'m str>) -> HashSet<&'m str> {
        let mut parts: HashMap<&str, Vec<&str>> = HashMap::new();
        for def in &self.types {
            let found = parts.entry(&def.name.source).or_default();
            def.each_type(&mut |ty| ty.each_name(&mut |name| found.push(name)));
        }
        let mut said: Vec<&TypeRef> = Vec::new();
        for method in self.services.iter().flat_map(|service| &service.methods) {
            method.each_type(&mut |ty| said.push(ty));
        }
        for topic in &self.topics {
            said.push(&topic.payload);
            said.extend(topic.params().map(|(_, ty)| ty));
        }
        said.into_iter().for_each(|ty| ty.each_name(&mut |name| next.push(name)));
        let mut used = HashSet::new();
        while let Some(name) = next.pop() {
            if used.insert(name) {
                next.extend(parts.get(name).into_iter().flatten());
            }
        }
        used
    }
}

/// A service: methods under one name, which either side may offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Service<S: Spelling> {
    /// `Users` in the source, `users` on the wire.
    pub name: Name,
    /// The dotted package that stands before the wire name.
    pub package: Option<String>,
    /// Its documentation.
    pub docs: Docs,
    /// Annotations of the contract's language.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// In the order of the source.
    pub methods: Vec<Method<S>>,
    /// What only the front end knows.
    pub extra: S::Extra,
}

impl<S: Spelling> Service<S> {
    /// The target that calls this method: `[package.]service.method`.
    #[must_use]
    pub fn target(&self, method: &Method<S>) -> String {
        match &self.package {
            Some(package) => format!("{package}.{}.{}", self.name.wire, method.name.wire),
            None => format!("{}.{}", self.name.wire, method.name.wire),
        }
    }
}

/// A name in the source and on the wire.
#[derive(Clone)]
pub struct Name {
    /// As the source says it, without `r#`.
    pub source: String,
    /// As it travels.
    pub wire: String,
    /// As contracts call it, where neither of the two says it.
    pub called: Option<String>,
    /// Where the source says it, for messages and for editors.
    pub span: Span,
}

impl Name {
    /// A name that travels as it is written.
    #[must_use]
    pub fn new(source: impl Into<String>, span: Span) -> Self {
        let source = source.into();
        Self { wire: source.clone(), source, called: None, span }
    }

    /// The same name, travelling as `wire`.
    #[must_use]
    pub fn on_wire(mut self, wire: impl Into<String>) -> Self {
        self.wire = wire.into();
        self
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source == self.wire {
            write!(f, "{}", self.source)
        } else {
            write!(f, "{} as {:?}", self.source, self.wire)
        }
    }
}

impl PartialEq for Name {
    /// Where a name stands does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.wire == other.wire
    }
}

impl Eq for Name {}

/// Documentation, one entry a line, without the comment marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// The lines as written (a leading space is kept: Markdown may need it).
    pub lines: Vec<String>,
}

impl Docs {
    /// The first line that says something, trimmed.
    #[must_use]
    pub fn summary(&self) -> Option<&str> {
        self.lines.iter().map(|line| line.trim()).find(|line| !line.is_empty())
    }
}
