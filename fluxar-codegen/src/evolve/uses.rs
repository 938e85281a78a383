//! Where values travel or are kept, in two contracts: what is compared, and what can be tried.

use super::index::{Services, Types};
use super::types::{Place, Walk};
use super::{Report, Verdict};
use crate::model::{
    Answer, Body, Constraints, Contract, Docs, Failure, Field, Lifecycle, Method, Name, Package,
    Service, Topic, TypeDef, TypeRef,
};
use proc_macro2::Span;
use std::collections::{HashMap, HashSet};

/// One place where both contracts have a value.
#[derive(Clone, Debug)]
pub struct Use {
    place: String,
    at: Place,
    what: What,
}

/// What is there, in the old contract and in the new one.
#[derive(Clone, Debug)]
enum What {
    Params(Vec<Field<Contract>>, Vec<Field<Contract>>),
    Types(TypeRef, TypeRef),
}

/// What the rules say about one use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether what peers of the old contract write is read by those of the new one.
    pub forward: Verdict,
    /// The reverse.
    pub back: Verdict,
    /// Why.
    pub report: Report,
}

/// Every place where both contracts have a value: parameters, items, results and errors of the
/// methods that both have, payloads of their topics, and types that nothing else uses.
#[must_use]
pub fn uses(old: &Package<Contract>, new: &Package<Contract>) -> Vec<Use> {
    let mut found = Vec::new();
    let (olds, news) = (Services::of(old), Services::of(new));
    for before in &old.services {
        let Some(after) = news.counterpart(before) else { continue };
        let by_client = olds.is_of_client(before);
        let others = methods(after);
        for method in &before.methods {
            let other = others.get(method.name.wire.as_str());
            if let Some(other) = other.filter(|other| other.shape() == method.shape()) {
                found.extend(of_method(before, (method, other), by_client));
            }
        }
    }
    let others = topics(new);
    for before in &old.topics {
        let after = others.get(before.name.source.as_str());
        if let Some(after) = after.filter(|after| after.filter() == before.filter()) {
            let types = (&before.payload, &after.payload);
            found.push(Use::of_types(before.name.source.clone(), Place::Stored, types));
        }
    }
    found.extend(of_unused(old, new, &old.used_types()));
    found
}

/// The methods of a service by their names on the wire.
pub(super) fn methods(service: &Service<Contract>) -> HashMap<&str, &Method<Contract>> {
    service.methods.iter().rev().map(|method| (method.name.wire.as_str(), method)).collect()
}

/// The topics of a package by name.
pub(super) fn topics(package: &Package<Contract>) -> HashMap<&str, &Topic<Contract>> {
    package.topics.iter().rev().map(|topic| (topic.name.source.as_str(), topic)).collect()
}

/// What travels when a method is called; its shape is the same in both contracts.
pub(super) fn of_method(
    service: &Service<Contract>,
    (before, after): (&Method<Contract>, &Method<Contract>),
    by_client: bool,
) -> Vec<Use> {
    let place = service.target(before);
    let (input, output) = (Place::Input { by_client }, Place::Output { by_client });
    let params = |method: &Method<Contract>| method.params().cloned().collect::<Vec<_>>();
    let what = What::Params(params(before), params(after));
    let mut found = vec![Use { place: place.clone(), at: input, what }];
    let mut add = |place: String, at, types: (Option<&TypeRef>, Option<&TypeRef>)| {
        if let (Some(one), Some(other)) = types {
            found.push(Use::of_types(place, at, (one, other)));
        }
    };
    add(format!("{place}(stream)"), input, (before.input(), after.input()));
    add(format!("{place} -> stream"), output, (before.items(), after.items()));
    if let (Answer::Value(one), Answer::Value(other)) = (&before.answer, &after.answer) {
        add(format!("{place} ->"), output, (Some(one), Some(other)));
    }
    if let (Failure::App(one), Failure::App(other)) = (&before.failure, &after.failure) {
        add(format!("{place} !"), output, (Some(one), Some(other)));
    }
    found
}

/// Types that no service and no topic uses: someone may store values of them.
pub(super) fn of_unused(
    old: &Package<Contract>,
    new: &Package<Contract>,
    used: &HashSet<&str>,
) -> Vec<Use> {
    let others = Types::of(new);
    let unused = old
        .types
        .iter()
        .map(|def| &def.name.source)
        .filter(|name| !used.contains(name.as_str()) && others.named(name).is_some());
    let as_use = |name: &String| {
        let own = TypeRef::Named(name.clone());
        Use::of_types(name.clone(), Place::Stored, (&own, &own))
    };
    unused.map(as_use).collect()
}

impl Use {
    pub(super) fn of_types(place: String, at: Place, (old, new): (&TypeRef, &TypeRef)) -> Self {
        Self { place, at, what: What::Types(old.clone(), new.clone()) }
    }

    /// Where: `shop.v1.users.get`, `shop.v1.users.get ->`, `OrderEvents`, `Order`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// True when readers check constraints here.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.at.is_checked()
    }

    pub(super) fn compare(&self, walk: &mut Walk<'_>) {
        match &self.what {
            What::Params(old, new) => walk.fields(&self.place, (old, &[]), (new, &[]), self.at),
            What::Types(old, new) => walk.types(&self.place, old, new, self.at),
        }
    }

    /// What the rules say about this place alone.
    #[must_use]
    pub fn judge(&self, old: &Package<Contract>, new: &Package<Contract>) -> Judged {
        // Where the first two columns of the table are: new reads old, old reads new.
        let at = match self.is_checked() {
            true => Place::Input { by_client: false },
            false => Place::Output { by_client: true },
        };
        let mut walk = Walk::new(old, new);
        Self { at, ..self.clone() }.compare(&mut walk);
        let report = walk.finish();
        let verdicts = report.verdicts();
        let (forward, back) = (verdicts.new_server_old_client, verdicts.old_server_new_client);
        Judged { forward, back, report }
    }

    /// A record of this name, in the old contract and in the new one, that holds what is here and
    /// nothing else: code for it is code for this place.
    #[must_use]
    pub fn records(&self, name: &str) -> [TypeDef<Contract>; 2] {
        match &self.what {
            What::Params(old, new) => [old, new].map(|fields| record(name, fields.clone())),
            What::Types(old, new) => [old, new].map(|ty| record(name, vec![value(ty)])),
        }
    }
}

fn value(ty: &TypeRef) -> Field<Contract> {
    Field {
        name: Name::new("value", Span::call_site()),
        id: Some(1),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        ty: ty.clone(),
        optional: matches!(ty, TypeRef::Optional(_)),
        defaulted: false,
        default: None,
        constraints: Constraints::default(),
    }
}

fn record(name: &str, fields: Vec<Field<Contract>>) -> TypeDef<Contract> {
    TypeDef {
        name: Name::new(name, Span::call_site()),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        body: Body::Record(fields),
        retired: Vec::new(),
        closed: false,
        constraints: Constraints::default(),
        is_error: false,
        code: None,
        extra: (),
    }
}
