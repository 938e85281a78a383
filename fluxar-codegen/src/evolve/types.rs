//! Types of two contracts, compared where they are used.

use super::index::{Gone, Members, Types};
use super::odds::{self, Reach, Shown, is_written};
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
    /// How often values of the old level, and of the new one, have something here.
    reach: [Reach; 2],
    /// True where constraints of the field, or of a list around, say which values there are.
    is_bounded: bool,
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
            reach: [Reach::TOP; 2],
            is_bounded: false,
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
        self.add(rule, place, message.into(), verdicts, Shown::default());
    }

    fn add(&mut self, rule: Rule, place: &str, message: String, verdicts: Verdicts, shown: Shown) {
        let findings = &mut self.report.findings;
        let place = place.to_owned();
        let at = *self.found.entry((rule, place.clone(), message.clone())).or_insert_with(|| {
            let verdicts = Verdicts::default();
            findings.push(Finding { package: None, rule, place, message, verdicts, shown });
            findings.len() - 1
        });
        // One type in two places: what it means adds up.
        if let Some(known) = findings.get_mut(at) {
            known.verdicts = known.verdicts.join(verdicts);
            known.shown = known.shown.join(shown);
        }
    }

    /// As [`Self::note`], of what random values show; `shown` is of those that come here.
    fn note_shown(
        &mut self,
        rule: Rule,
        place: &str,
        message: impl Into<String>,
        (at, forward, back): (Place, Verdict, Verdict),
        shown: Shown,
    ) {
        let [old, new] = self.reach;
        let shown = Shown { forward: old.shown(shown.forward), back: new.shown(shown.back) };
        self.add(rule, place, message.into(), at.verdicts(forward, back), shown);
    }

    /// Compares something inside, which values of the levels have this often.
    fn inside(&mut self, reach: [Reach; 2], is_bounded: bool, compare: impl FnOnce(&mut Self)) {
        let before = (self.reach, self.is_bounded);
        (self.reach, self.is_bounded) = (reach, is_bounded);
        compare(self);
        (self.reach, self.is_bounded) = before;
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
        let (old, old_limits, old_depth) = base(&self.old_types, old);
        let (new, new_limits, new_depth) = base(&self.new_types, new);
        let shown = match self.is_bounded || old != new {
            true => Shown::default(),
            false => Shown {
                forward: odds::bounds(&old, &old_limits, &new_limits),
                back: odds::bounds(&old, &new_limits, &old_limits),
            },
        };
        let [reach_old, reach_new] = self.reach;
        let reach = [reach_old.deeper(old_depth), reach_new.deeper(new_depth)];
        let is_bounded = [&old_limits, &new_limits].into_iter().any(odds::is_bounded);
        self.constraints(place, (&old_limits, &new_limits), shown, at);
        self.inside(reach, self.is_bounded || is_bounded, |walk| {
            walk.bases(place, &old, &new, at);
        });
    }

    /// Compares two types that are no newtypes.
    fn bases(&mut self, place: &str, old: &TypeRef, new: &TypeRef, at: Place) {
        let is_bounded = self.is_bounded;
        let [reach_old, reach_new] = self.reach;
        let perhaps = [reach_old.perhaps(), reach_new.perhaps()];
        let each = [reach_old.perhaps().deeper(1), reach_new.perhaps().deeper(1)];
        let always = [reach_old.deeper(1), reach_new.deeper(1)];
        let free = |one_in: Option<u32>| one_in.filter(|_| !is_bounded);
        let within = |walk: &mut Self, reach: [Reach; 2], one: &TypeRef, other: &TypeRef| {
            walk.inside(reach, is_bounded, |walk| walk.types(place, one, other, at));
        };
        match (old, new) {
            (TypeRef::Optional(one), TypeRef::Optional(other)) => {
                within(self, perhaps, one, other);
            }
            (TypeRef::List(one), TypeRef::List(other)) => within(self, each, one, other),
            (TypeRef::Optional(one), other) => {
                let message = "old peers may leave out what must be there now";
                let verdicts = (at, Break, Ok);
                let shown = Shown::forward(Some(2));
                self.note_shown(Rule::FieldTightened, place, message, verdicts, shown);
                within(self, [perhaps[0], reach_new], one, other);
            }
            (one, TypeRef::Optional(other)) => {
                let message = "old readers need what new peers may leave out";
                let shown = Shown::back(Some(2));
                self.note_shown(Rule::FieldRelaxed, place, message, (at, Ok, Break), shown);
                within(self, [reach_old, perhaps[1]], one, other);
            }
            (TypeRef::Array(one, n), TypeRef::Array(other, m)) if n == m => {
                within(self, always, one, other);
            }
            (TypeRef::Array(one, length), TypeRef::List(other)) => {
                let message = "a list of any length now: old readers want the fixed one";
                let shown = Shown::back(free(odds::any_length(*length)));
                self.note_shown(Rule::TypeWidened, place, message, (at, Ok, Break), shown);
                within(self, [always[0], each[1]], one, other);
            }
            (TypeRef::List(one), TypeRef::Array(other, length)) => {
                let message = "a list of a fixed length now: old peers write any";
                let shown = Shown::forward(free(odds::any_length(*length)));
                self.note_shown(Rule::TypeNarrowed, place, message, (at, Break, Ok), shown);
                within(self, [each[0], always[1]], one, other);
            }
            (TypeRef::Map(key, one), TypeRef::Map(other_key, other)) => {
                let keys = format!("{place}{{key}}");
                // Keys have no constraints but those of their types.
                self.inside(each, false, |walk| walk.types(&keys, key, other_key, at));
                within(self, each, one, other);
            }
            (TypeRef::Scalar(one), TypeRef::Scalar(other)) => self.scalars(place, *one, *other, at),
            (one, TypeRef::Scalar(Scalar::Any)) => {
                let message = "any value now: old readers want the old type";
                let shown = Shown::back(odds::any(one));
                self.note_shown(Rule::TypeWidened, place, message, (at, Ok, Break), shown);
            }
            (TypeRef::Scalar(Scalar::Any), other) => {
                let message = "was any value: old peers may write what is no longer read";
                let shown = Shown::forward(odds::any(other));
                self.note_shown(Rule::TypeNarrowed, place, message, (at, Break, Ok), shown);
            }
            (TypeRef::Named(one), TypeRef::Named(other)) => self.named(place, one, other, at),
            _ => self.changed(place, (old, new), at),
        }
    }

    /// Two things of other forms, which a reader may or may not take for each other.
    fn unlike(&mut self, place: &str, at: Place) {
        self.changed(place, (&TypeRef::Scalar(Scalar::Unit), &TypeRef::Scalar(Scalar::Unit)), at);
    }

    fn changed(&mut self, place: &str, (old, new): (&TypeRef, &TypeRef), at: Place) {
        let shown = odds::changed((old, &self.old_types), (new, &self.new_types));
        let message = "another type: add a field (or method) of the new type beside the old one";
        self.note_shown(Rule::TypeChanged, place, message, (at, Break, Break), shown);
    }

    fn scalars(&mut self, place: &str, old: Scalar, new: Scalar, at: Place) {
        let (old_name, new_name) = (old.name(), new.name());
        let free = |one_in: Option<u32>| one_in.filter(|_| !self.is_bounded);
        if old == new {
        } else if is_wider(new, old) {
            let message = format!("`{old_name}` became the wider `{new_name}`");
            let shown = Shown::back(match new {
                Scalar::Any => odds::any(&TypeRef::Scalar(old)),
                new => free(odds::wider(new, old)),
            });
            self.note_shown(Rule::TypeWidened, place, message, (at, Ok, Break), shown);
        } else if is_wider(old, new) {
            let message = format!("`{old_name}` became the narrower `{new_name}`");
            let shown = Shown::forward(match old {
                Scalar::Any => odds::any(&TypeRef::Scalar(new)),
                old => free(odds::wider(old, new)),
            });
            self.note_shown(Rule::TypeNarrowed, place, message, (at, Break, Ok), shown);
        } else {
            self.changed(place, (&TypeRef::Scalar(old), &TypeRef::Scalar(new)), at);
        }
    }

    fn named(&mut self, place: &str, old: &str, new: &str, at: Place) {
        if !self.seen.insert((old.to_owned(), new.to_owned(), at)) {
            return;
        }
        let (Some(before), Some(after)) = (self.old_types.named(old), self.new_types.named(new))
        else {
            return self.unlike(place, at);
        };
        let reach = self.reach.map(|reach| reach.deeper(1));
        self.inside(reach, false, |walk| match (&before.body, &after.body) {
            (Body::Record(one), Body::Record(other)) => {
                walk.fields(new, (one, &before.retired), (other, &after.retired), at);
            }
            (Body::Unit, Body::Unit) => {}
            (Body::Enum(one) | Body::Union(one), Body::Enum(other) | Body::Union(other)) => {
                walk.variants(new, (before, one), (after, other), at);
            }
            _ => walk.unlike(place, at),
        });
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
                (Some(after), same_name) => {
                    if after.name.wire != before.name.wire {
                        let was = &after.lifecycle.was;
                        let (names, kept) = (&before.name.wire, was.contains(&before.name.wire));
                        let is_lost = same_name.is_none() && olds.same_wire(after).is_none();
                        let are_written = is_lost && is_written(before) && is_written(after);
                        let names = (names.as_str(), after.name.wire.as_str());
                        self.renamed(&place, names, (kept, are_written), at);
                    }
                    self.field(&place, before, after, at);
                }
                (None, Some(after)) if after.id != before.id => {
                    // Whoever reads by number misses it, when nothing else has that number.
                    let is_lost = before.id.is_some() && olds.same_id(after).is_none();
                    let are_written = is_written(before) && is_written(after);
                    let shown = match after.id.is_some() && is_lost && are_written {
                        true => Shown::BOTH,
                        false => Shown::default(),
                    };
                    self.renumbered(&place, (before.id, after.id), shown, at);
                }
                (None, Some(after)) => self.field(&place, before, after, at),
                (None, None) => {
                    let needed = is_written(before);
                    let back = if needed { Break } else { Ok };
                    let shown = Shown::back(needed.then_some(1));
                    self.gone(&place, before.id, &new_gone, (at, Ok, back), shown);
                }
            }
        }
        for after in new {
            let place = format!("{owner}.{}", after.name.source);
            if olds.same_id(after).or_else(|| olds.same_wire(after)).is_some() {
                continue;
            }
            self.reuse(&place, (after.id, &after.name.wire), &old_gone, at);
            if is_written(after) {
                let message = "new and required: make it `T?` or give it a default";
                let shown = Shown::forward(Some(1));
                self.note_shown(Rule::FieldRequired, &place, message, (at, Break, Ok), shown);
            } else {
                let message = "new, and readers can do without it";
                self.note(Rule::FieldAdded, &place, message, (at, Ok, Ok));
            }
        }
    }

    fn field(&mut self, place: &str, before: &Field<Contract>, after: &Field<Contract>, at: Place) {
        match (is_written(before), is_written(after)) {
            (true, false) => {
                let message = "old readers need it, and new peers may leave it out";
                let shown = Shown::back(Some(2));
                self.note_shown(Rule::FieldRelaxed, place, message, (at, Ok, Break), shown);
            }
            (false, true) => {
                let message = "required now, and old peers may leave it out";
                let shown = Shown::forward(Some(2));
                self.note_shown(Rule::FieldTightened, place, message, (at, Break, Ok), shown);
            }
            (false, false) if before.default != after.default => {
                let message = "another default: old readers take what is left out for the old one";
                self.note(Rule::DefaultChanged, place, message, (at, Warn, Warn));
            }
            _ => {}
        }
        let (old, new) = (before.ty.required(), after.ty.required());
        let (limits, new_limits) = (&before.constraints, &after.constraints);
        let [reach_old, reach_new] = self.reach;
        let reach = [reach_old.field(is_written(before)), reach_new.field(is_written(after))];
        let shown = match old == new {
            true => Shown {
                forward: odds::bounds(old, limits, new_limits),
                back: odds::bounds(old, new_limits, limits),
            },
            false => Shown::default(),
        };
        let is_bounded = [limits, new_limits].into_iter().any(odds::is_bounded);
        self.inside(reach, is_bounded, |walk| {
            walk.constraints(place, (limits, new_limits), shown, at);
            walk.types(place, old, new, at);
        });
    }

    fn renamed(
        &mut self,
        place: &str,
        (old, new): (&str, &str),
        (is_kept, are_written): (bool, bool),
        at: Place,
    ) {
        // Whoever reads by name misses what must be there.
        let shown = if are_written && !is_kept { Shown::BOTH } else { Shown::default() };
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
        self.note_shown(Rule::Renamed, place, message, (at, forward, back), shown);
    }

    fn renumbered(
        &mut self,
        place: &str,
        ids: (Option<u32>, Option<u32>),
        shown: Shown,
        at: Place,
    ) {
        let text = |id: Option<u32>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let message =
            format!("its number {} became {}: give it back its number", text(ids.0), text(ids.1));
        self.note_shown(Rule::Renumbered, place, message, (at, Break, Break), shown);
    }

    /// Something with this number is not there any more.
    fn gone(
        &mut self,
        place: &str,
        id: Option<u32>,
        gone: &Gone<'_>,
        (at, forward, back): (Place, Verdict, Verdict),
        shown: Shown,
    ) {
        if gone.has_id(id) {
            let message = "retired: peers of the old contract may still need it";
            self.note_shown(Rule::FieldRetired, place, message, (at, forward, back), shown);
        } else {
            let number = id.map_or_else(String::new, |id| format!(" {id}"));
            let message = format!("removed: write `retired{number} …` in its place");
            self.note_shown(Rule::FieldDropped, place, message, (at, Break, Break), shown);
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
        let [reach_old, reach_new] = self.reach;
        let picked = [reach_old.one_of(old.len()), reach_new.one_of(new.len())];
        for one in old {
            let place = format!("{owner}.{}", one.name.source);
            match (news.same_id(one), news.same_wire(one)) {
                (Some(other), _) => {
                    if other.name.wire != one.name.wire {
                        let kept = other.lifecycle.was.contains(&one.name.wire);
                        let names = (one.name.wire.as_str(), other.name.wire.as_str());
                        self.renamed(&place, names, (kept, false), at);
                    }
                    self.inside(picked, false, |walk| walk.content(&place, one, other, at));
                }
                (None, Some(other)) if one.id != other.id => {
                    self.renumbered(&place, (one.id, other.id), Shown::default(), at);
                }
                (None, Some(other)) => {
                    self.inside(picked, false, |walk| walk.content(&place, one, other, at));
                }
                (None, None) => {
                    let forward = if is_closed(after) { Break } else { Warn };
                    let message = "removed: old peers may still write it";
                    self.inside(picked, false, |walk| {
                        let (verdicts, shown) = ((at, forward, Ok), Shown::forward(Some(1)));
                        walk.note_shown(Rule::VariantRemoved, &place, message, verdicts, shown);
                    });
                    self.gone(&place, one.id, &new_gone, (at, Ok, Ok), Shown::default());
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
            self.inside(picked, false, |walk| {
                let shown = Shown::back(Some(1));
                walk.note_shown(Rule::VariantAdded, &place, message, (at, Ok, back), shown);
            });
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
            _ => self.unlike(place, at),
        }
    }

    fn constraints(
        &mut self,
        place: &str,
        (old, new): (&Constraints, &Constraints),
        shown: Shown,
        at: Place,
    ) {
        if is_stricter(new, old) {
            let forward = if at.is_checked() { Break } else { Warn };
            let message = "stricter now: old peers may write what is refused";
            let shown = Shown::forward(shown.forward);
            self.note_shown(Rule::ConstraintTightened, place, message, (at, forward, Ok), shown);
        }
        if is_stricter(old, new) {
            let back = if at.is_checked() { Break } else { Warn };
            let message = "looser now: old readers refuse what new peers may write";
            let shown = Shown::back(shown.back);
            self.note_shown(Rule::ConstraintLoosened, place, message, (at, Ok, back), shown);
        }
    }
}

/// Newtypes nest no deeper than a file may; a circle of them ends here.
const NEWTYPES_MAX: usize = 64;

/// What is written for a type: newtypes are their base, with the limits of all on the way, and how
/// many there are.
fn base(types: &Types<'_>, ty: &TypeRef) -> (TypeRef, Constraints, usize) {
    let (mut ty, mut limits, mut levels) = (ty.clone(), Constraints::default(), 0);
    for _ in 0..NEWTYPES_MAX {
        let TypeRef::Named(name) = &ty else { break };
        let found = types.named(name);
        let Some(TypeDef { body: Body::Newtype(of), constraints, .. }) = found else { break };
        limits = limits.and(constraints);
        ty = (**of).clone();
        levels += 1;
    }
    (ty, limits, levels)
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
