//! Types of two contracts, compared where they are used.

use super::index::{Gone, Members, Types};
use super::{Finding, Report, Rule, Verdict, Verdicts};
use crate::model::{
    Body, Constraints, Contract, Field, Number, Package, Retired, Scalar, TypeDef, TypeRef,
    Variant, VariantBody,
};
use std::collections::{HashMap, HashSet};

use Verdict::{Break, Ok, Warn};

/// Where a value travels, or is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// From a caller to a callee; whether the client of the contract is the callee.
    Input { by_client: bool },
    /// From a callee to its caller.
    Output { by_client: bool },
    /// From publishers to subscribers, now and later, or from whoever stores a value to whoever
    /// reads it back.
    Stored,
}

impl Place {
    /// The directions of a deploy, from what is read of what: by `forward` new readers have what
    /// old peers wrote, by `back` the reverse.
    fn verdicts(self, forward: Verdict, back: Verdict) -> Verdicts {
        let (one, other, stored) = match self {
            Self::Input { by_client: false } | Self::Output { by_client: true } => {
                (forward, back, Ok)
            }
            Self::Output { by_client: false } | Self::Input { by_client: true } => {
                (back, forward, Ok)
            }
            // Both sides publish and subscribe. Old subscribers are no stored data: a warning.
            Self::Stored => (Ok, Ok, forward.max(back.min(Warn))),
        };
        Verdicts { new_server_old_client: one, old_server_new_client: other, stored }
    }

    /// Callers do not check what callees answer, unless they ask for it.
    pub(super) fn is_checked(self) -> bool {
        !matches!(self, Self::Output { .. })
    }
}

/// Fields with what is retired beside them.
type Fields<'a> = (&'a [Field<Contract>], &'a [Retired<Contract>]);

/// The comparison under way.
pub(super) struct Walk<'p> {
    pub(super) old: &'p Package<Contract>,
    pub(super) new: &'p Package<Contract>,
    /// Pairs of types that were compared, or are being compared, where they are used.
    seen: HashSet<(String, String, Place)>,
    old_types: Types<'p>,
    new_types: Types<'p>,
    report: Report,
    /// Where in the report a finding is, by rule, place and message.
    found: HashMap<(Rule, String, String), usize>,
}

impl<'p> Walk<'p> {
    pub(super) fn new(old: &'p Package<Contract>, new: &'p Package<Contract>) -> Self {
        Self {
            old,
            new,
            seen: HashSet::new(),
            old_types: Types::of(old),
            new_types: Types::of(new),
            report: Report::default(),
            found: HashMap::new(),
        }
    }

    pub(super) fn finish(self) -> Report {
        self.report
    }

    pub(super) fn report(
        &mut self,
        rule: Rule,
        place: &str,
        message: impl Into<String>,
        verdicts: Verdicts,
    ) {
        let findings = &mut self.report.findings;
        let (place, message) = (place.to_owned(), message.into());
        let at = *self.found.entry((rule, place.clone(), message.clone())).or_insert_with(|| {
            let verdicts = Verdicts::default();
            findings.push(Finding { package: None, rule, place, message, verdicts });
            findings.len() - 1
        });
        // One type in two places: what it means adds up.
        if let Some(known) = findings.get_mut(at) {
            known.verdicts = known.verdicts.join(verdicts);
        }
    }

    fn note(
        &mut self,
        rule: Rule,
        place: &str,
        message: impl Into<String>,
        (at, forward, back): (Place, Verdict, Verdict),
    ) {
        self.report(rule, place, message, at.verdicts(forward, back));
    }

    /// Compares two uses of types.
    pub(super) fn types(&mut self, place: &str, old: &TypeRef, new: &TypeRef, at: Place) {
        let (old, old_limits) = base(&self.old_types, old);
        let (new, new_limits) = base(&self.new_types, new);
        self.constraints(place, &old_limits, &new_limits, at);
        match (&old, &new) {
            (TypeRef::Optional(one), TypeRef::Optional(other))
            | (TypeRef::List(one), TypeRef::List(other)) => self.types(place, one, other, at),
            (TypeRef::Optional(one), other) => {
                let message = "old peers may leave out what must be there now";
                self.note(Rule::FieldTightened, place, message, (at, Break, Ok));
                self.types(place, one, other, at);
            }
            (one, TypeRef::Optional(other)) => {
                let message = "old readers need what new peers may leave out";
                self.note(Rule::FieldRelaxed, place, message, (at, Ok, Break));
                self.types(place, one, other, at);
            }
            (TypeRef::Array(one, n), TypeRef::Array(other, m)) if n == m => {
                self.types(place, one, other, at);
            }
            (TypeRef::Array(one, _), TypeRef::List(other)) => {
                let message = "a list of any length now: old readers want the fixed one";
                self.note(Rule::TypeWidened, place, message, (at, Ok, Break));
                self.types(place, one, other, at);
            }
            (TypeRef::List(one), TypeRef::Array(other, _)) => {
                let message = "a list of a fixed length now: old peers write any";
                self.note(Rule::TypeNarrowed, place, message, (at, Break, Ok));
                self.types(place, one, other, at);
            }
            (TypeRef::Map(key, one), TypeRef::Map(other_key, other)) => {
                self.types(&format!("{place}{{key}}"), key, other_key, at);
                self.types(place, one, other, at);
            }
            (TypeRef::Scalar(one), TypeRef::Scalar(other)) => self.scalars(place, *one, *other, at),
            (_, TypeRef::Scalar(Scalar::Any)) => {
                let message = "any value now: old readers want the old type";
                self.note(Rule::TypeWidened, place, message, (at, Ok, Break));
            }
            (TypeRef::Scalar(Scalar::Any), _) => {
                let message = "was any value: old peers may write what is no longer read";
                self.note(Rule::TypeNarrowed, place, message, (at, Break, Ok));
            }
            (TypeRef::Named(one), TypeRef::Named(other)) => self.named(place, one, other, at),
            _ => self.changed(place, at),
        }
    }

    fn changed(&mut self, place: &str, at: Place) {
        let message = "another type: add a field (or method) of the new type beside the old one";
        self.note(Rule::TypeChanged, place, message, (at, Break, Break));
    }

    fn scalars(&mut self, place: &str, old: Scalar, new: Scalar, at: Place) {
        let (old_name, new_name) = (old.name(), new.name());
        if old == new {
        } else if is_wider(new, old) {
            let message = format!("`{old_name}` became the wider `{new_name}`");
            self.note(Rule::TypeWidened, place, message, (at, Ok, Break));
        } else if is_wider(old, new) {
            let message = format!("`{old_name}` became the narrower `{new_name}`");
            self.note(Rule::TypeNarrowed, place, message, (at, Break, Ok));
        } else {
            self.changed(place, at);
        }
    }

    fn named(&mut self, place: &str, old: &str, new: &str, at: Place) {
        if !self.seen.insert((old.to_owned(), new.to_owned(), at)) {
            return;
        }
        let (Some(before), Some(after)) = (self.old_types.named(old), self.new_types.named(new))
        else {
            return self.changed(place, at);
        };
        let (old_retired, new_retired) = (&before.retired[..], &after.retired[..]);
        match (&before.body, &after.body) {
            (Body::Record(one), Body::Record(other)) => {
                self.fields(new, (one, old_retired), (other, new_retired), at);
            }
            (Body::Unit, Body::Unit) => {}
            (Body::Enum(one) | Body::Union(one), Body::Enum(other) | Body::Union(other)) => {
                self.variants(new, (before, one), (after, other), at);
            }
            _ => self.changed(place, at),
        }
    }

    /// Compares the fields of a record, or the parameters of a method.
    pub(super) fn fields(&mut self, owner: &str, old: Fields<'_>, new: Fields<'_>, at: Place) {
        let (old, old_retired) = old;
        let (new, new_retired) = new;
        let (olds, news) = (Members::new(old), Members::new(new));
        let (old_gone, new_gone) = (Gone::new(old_retired), Gone::new(new_retired));
        for before in old {
            let place = format!("{owner}.{}", before.name.source);
            match (news.same_id(before), news.same_wire(before)) {
                (Some(after), _) => {
                    if after.name.wire != before.name.wire {
                        let was = &after.lifecycle.was;
                        let (names, kept) = (&before.name.wire, was.contains(&before.name.wire));
                        self.renamed(&place, (names, &after.name.wire), kept, at);
                    }
                    self.field(&place, before, after, at);
                }
                (None, Some(after)) if after.id != before.id => {
                    self.renumbered(&place, (before.id, after.id), at);
                }
                (None, Some(after)) => self.field(&place, before, after, at),
                (None, None) => {
                    let back = if is_required(before) { Break } else { Ok };
                    self.gone(&place, before.id, &new_gone, (at, Ok, back));
                }
            }
        }
        for after in new {
            let place = format!("{owner}.{}", after.name.source);
            if olds.same_id(after).or_else(|| olds.same_wire(after)).is_some() {
                continue;
            }
            self.reuse(&place, (after.id, &after.name.wire), &old_gone, at);
            if is_required(after) {
                let message = "new and required: make it `T?` or give it a default";
                self.note(Rule::FieldRequired, &place, message, (at, Break, Ok));
            } else {
                let message = "new, and readers can do without it";
                self.note(Rule::FieldAdded, &place, message, (at, Ok, Ok));
            }
        }
    }

    fn field(&mut self, place: &str, before: &Field<Contract>, after: &Field<Contract>, at: Place) {
        match (is_required(before), is_required(after)) {
            (true, false) => {
                let message = "old readers need it, and new peers may leave it out";
                self.note(Rule::FieldRelaxed, place, message, (at, Ok, Break));
            }
            (false, true) => {
                let message = "required now, and old peers may leave it out";
                self.note(Rule::FieldTightened, place, message, (at, Break, Ok));
            }
            (false, false) if before.default != after.default => {
                let message = "another default: old readers take what is left out for the old one";
                self.note(Rule::DefaultChanged, place, message, (at, Warn, Warn));
            }
            _ => {}
        }
        self.constraints(place, &before.constraints, &after.constraints, at);
        self.types(place, before.ty.required(), after.ty.required(), at);
    }

    fn renamed(&mut self, place: &str, names: (&str, &str), is_kept: bool, at: Place) {
        let (old, new) = names;
        let (message, forward, back) = if is_kept {
            let text = format!("`{old}` became `{new}`: old readers of names do not know that");
            (text, Ok, Warn)
        } else {
            let text = format!(
                "`{old}` became `{new}`: add @was(\"{old}\"), or peers that write names are not \
                 understood"
            );
            (text, Break, Break)
        };
        self.note(Rule::Renamed, place, message, (at, forward, back));
    }

    fn renumbered(&mut self, place: &str, ids: (Option<u32>, Option<u32>), at: Place) {
        let text = |id: Option<u32>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let message =
            format!("its number {} became {}: give it back its number", text(ids.0), text(ids.1));
        self.note(Rule::Renumbered, place, message, (at, Break, Break));
    }

    /// Something with this number is not there any more.
    fn gone(
        &mut self,
        place: &str,
        id: Option<u32>,
        gone: &Gone<'_>,
        (at, forward, back): (Place, Verdict, Verdict),
    ) {
        if gone.has_id(id) {
            let message = "retired: peers of the old contract may still need it";
            self.note(Rule::FieldRetired, place, message, (at, forward, back));
        } else {
            let number = id.map_or_else(String::new, |id| format!(" {id}"));
            let message = format!("removed: write `retired{number} …` in its place");
            self.note(Rule::FieldDropped, place, message, (at, Break, Break));
        }
    }

    fn reuse(&mut self, place: &str, (id, name): (Option<u32>, &str), gone: &Gone<'_>, at: Place) {
        if gone.has_id(id) || gone.has_name(name) {
            let message = "its number or name is retired: take one that never was in use";
            self.note(Rule::Reused, place, message, (at, Break, Break));
        }
    }

    fn variants(
        &mut self,
        owner: &str,
        (before, old): (&TypeDef<Contract>, &[Variant<Contract>]),
        (after, new): (&TypeDef<Contract>, &[Variant<Contract>]),
        at: Place,
    ) {
        let is_closed = |def: &TypeDef<Contract>| def.closed && !def.is_error;
        if is_closed(after) && !is_closed(before) {
            let message = "closed now: values that old peers pass on unread are refused";
            self.note(Rule::Openness, owner, message, (at, Warn, Ok));
        }
        let (olds, news) = (Members::new(old), Members::new(new));
        let (old_gone, new_gone) = (Gone::new(&before.retired), Gone::new(&after.retired));
        for one in old {
            let place = format!("{owner}.{}", one.name.source);
            match (news.same_id(one), news.same_wire(one)) {
                (Some(other), _) => {
                    if other.name.wire != one.name.wire {
                        let kept = other.lifecycle.was.contains(&one.name.wire);
                        self.renamed(&place, (&one.name.wire, &other.name.wire), kept, at);
                    }
                    self.content(&place, one, other, at);
                }
                (None, Some(other)) if one.id != other.id => {
                    self.renumbered(&place, (one.id, other.id), at);
                }
                (None, Some(other)) => self.content(&place, one, other, at),
                (None, None) => {
                    let forward = if is_closed(after) { Break } else { Warn };
                    let message = "removed: old peers may still write it";
                    self.note(Rule::VariantRemoved, &place, message, (at, forward, Ok));
                    self.gone(&place, one.id, &new_gone, (at, Ok, Ok));
                }
            }
        }
        for other in new {
            if olds.same_id(other).or_else(|| olds.same_wire(other)).is_some() {
                continue;
            }
            let place = format!("{owner}.{}", other.name.source);
            self.reuse(&place, (other.id, &other.name.wire), &old_gone, at);
            let back = if is_closed(before) { Break } else { Ok };
            let message = match back {
                Break => "new in a closed type: old readers refuse it",
                _ => "new: old readers keep it as unknown",
            };
            self.note(Rule::VariantAdded, &place, message, (at, Ok, back));
        }
    }

    fn content(
        &mut self,
        place: &str,
        one: &Variant<Contract>,
        other: &Variant<Contract>,
        at: Place,
    ) {
        match (&one.body, &other.body) {
            (VariantBody::Unit, VariantBody::Unit) => {}
            (VariantBody::Newtype(one), VariantBody::Newtype(other)) => {
                self.types(place, one, other, at);
            }
            (VariantBody::Record(fields), VariantBody::Record(others)) => {
                self.fields(place, (fields, &one.retired), (others, &other.retired), at);
            }
            _ => self.changed(place, at),
        }
    }

    fn constraints(&mut self, place: &str, old: &Constraints, new: &Constraints, at: Place) {
        if is_stricter(new, old) {
            let forward = if at.is_checked() { Break } else { Warn };
            let message = "stricter now: old peers may write what is refused";
            self.note(Rule::ConstraintTightened, place, message, (at, forward, Ok));
        }
        if is_stricter(old, new) {
            let back = if at.is_checked() { Break } else { Warn };
            let message = "looser now: old readers refuse what new peers may write";
            self.note(Rule::ConstraintLoosened, place, message, (at, Ok, back));
        }
    }
}

fn is_required(field: &Field<Contract>) -> bool {
    !field.optional && !field.defaulted && field.default.is_none()
}

/// Newtypes nest no deeper than a file may; a circle of them ends here.
const NEWTYPES_MAX: usize = 64;

/// What is written for a type: newtypes are their base, with the limits of all on the way.
fn base(types: &Types<'_>, ty: &TypeRef) -> (TypeRef, Constraints) {
    let (mut ty, mut limits) = (ty.clone(), Constraints::default());
    for _ in 0..NEWTYPES_MAX {
        let TypeRef::Named(name) = &ty else { break };
        let found = types.named(name);
        let Some(TypeDef { body: Body::Newtype(of), constraints, .. }) = found else { break };
        limits = limits.and(constraints);
        ty = (**of).clone();
    }
    (ty, limits)
}

/// Whether `new` refuses something that `old` allows.
fn is_stricter(new: &Constraints, old: &Constraints) -> bool {
    let least = |limit: Option<Number>| limit.map_or(f64::NEG_INFINITY, Number::as_f64);
    let most = |limit: Option<Number>| limit.map_or(f64::INFINITY, Number::as_f64);
    least(new.min) > least(old.min)
        || most(new.max) < most(old.max)
        || new.len_min.unwrap_or(0) > old.len_min.unwrap_or(0)
        || new.len_max.unwrap_or(u64::MAX) < old.len_max.unwrap_or(u64::MAX)
        || (new.format.is_some() && new.format != old.format)
        || (new.pattern.is_some() && new.pattern != old.pattern)
}

/// Whether every value of `narrow` is read as the same value of `wide`.
fn is_wider(wide: Scalar, narrow: Scalar) -> bool {
    const EXACT_F32: i128 = 1 << 24;
    const EXACT_F64: i128 = 1 << 53;
    let within =
        |max: i128| narrow.int_range().is_some_and(|(least, most)| -max <= least && most <= max);
    match (wide, narrow) {
        (Scalar::Any, _) | (Scalar::F64, Scalar::F32) => true,
        (Scalar::F64, _) => within(EXACT_F64),
        (Scalar::F32, _) => within(EXACT_F32),
        (Scalar::String, Scalar::Url | Scalar::Decimal) => true,
        _ => match (wide.int_range(), narrow.int_range()) {
            (Some(wide), Some(narrow)) => wide.0 <= narrow.0 && narrow.1 <= wide.1,
            _ => false,
        },
    }
}
