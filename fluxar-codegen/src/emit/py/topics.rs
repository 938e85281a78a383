//! Typed topics.

use super::names::parameter;
use super::spell::{Speller, tuple};
use super::types::docs;
use super::writer::{Writer, text};
use crate::model::{Contract, Package, Segment, Topic};
use std::collections::HashSet;

/// A key, a definition and a client for each topic.
pub(super) fn topics(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    for topic in &package.topics {
        One { topic, speller }.write(to);
    }
}

struct One<'m> {
    topic: &'m Topic<Contract>,
    speller: &'m Speller<'m>,
}

impl One<'_> {
    /// Name and type of each path parameter.
    fn params(&self) -> Vec<(String, String)> {
        let names = &self.speller.names;
        self.topic
            .params()
            .map(|(name, ty)| {
                (parameter(&name.source, names), self.speller.ty(ty, &HashSet::new()))
            })
            .collect()
    }

    fn write(&self, to: &mut Writer) {
        let names = &self.speller.names;
        let source = &self.topic.name.source;
        let (key, class) = (names.derived("key", source), names.derived("topic", source));
        let payload = self.speller.ty(&self.topic.payload, &HashSet::new());
        let params = self.params();
        to.line("@_dataclass(frozen=True, slots=True, kw_only=True)");
        to.block(format!("class {key}:"), |to| {
            to.line(format!("\"\"\"The path of an event of `{}`.\"\"\"", self.topic.filter()));
            if !params.is_empty() {
                to.blank(1);
            }
            params.iter().for_each(|(name, ty)| to.line(format!("{name}: {ty}")));
        });
        to.blank(2);
        self.definition(to, key, class, &payload);
        to.block(format!("class {class}(_tp.TopicClient[{key}, {payload}]):"), |to| {
            if !to.docstring(&docs(&self.topic.docs, &self.topic.lifecycle)) {
                to.line("\"\"\"A topic at the other side.\"\"\"");
            }
            to.blank(1);
            to.block("def __init__(self, peer: _tp.TopicHost) -> None:", |to| {
                to.line(format!("super().__init__(peer, _t_{class})"));
            });
            self.client(to, key, &payload, &params);
        });
        to.blank(2);
    }

    fn definition(&self, to: &mut Writer, key: &str, class: &str, payload: &str) {
        let names = &self.speller.names;
        let segments = tuple(self.topic.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => text(literal),
            Segment::Param { name, ty } => {
                let name = parameter(&name.source, names);
                format!("({}, {})", text(&name), self.speller.codec(ty))
            }
        }));
        let codec = self.speller.codec(&self.topic.payload);
        let retain =
            if self.topic.retain.is_some_and(|count| count > 0) { "True" } else { "False" };
        to.line(format!(
            "_t_{class}: _tp.TopicDef[{key}, {payload}] = \
             _tp.TopicDef({segments}, {key}, {codec}, retain={retain})"
        ));
        to.blank(2);
    }

    fn client(&self, to: &mut Writer, key: &str, payload: &str, params: &[(String, String)]) {
        let star = if params.is_empty() { "" } else { "*, " };
        let named: String = params.iter().map(|(name, ty)| format!("{name}: {ty}, ")).collect();
        let any: String =
            params.iter().map(|(name, ty)| format!("{name}: {ty} | None = None, ")).collect();
        let values: Vec<String> =
            params.iter().map(|(name, _)| format!("{}: {name}", text(name))).collect();
        let values = format!("{{{}}}", values.join(", "));
        to.blank(1);
        to.block(
            format!(
                "async def publish(self, value: {payload}, *, {named}\
                 retain: bool | None = None, meta: dict[str, str] | None = None) -> None:"
            ),
            |to| {
                to.line("\"\"\"Publishes an event, at most once.\"\"\"");
                to.line(format!("await self._publish(value, {values}, retain, meta)"));
            },
        );
        to.blank(1);
        let signature = format!("self, {star}{named}").trim_end_matches([' ', ',']).to_owned();
        to.block(format!("async def clear({signature}) -> None:"), |to| {
            to.line("\"\"\"Removes the retained value.\"\"\"");
            to.line(format!("await self._clear({values})"));
        });
        to.blank(1);
        to.block(
            format!(
                "def subscribe(self, *, {any}group: str | None = None, overflow: int = 0, \
                 credit: int | None = None) -> _tp.Subscription[{key}, {payload}]:"
            ),
            |to| {
                to.line("\"\"\"Events of the paths that have these parameters.\"\"\"");
                to.line(format!("return self._subscribe({values}, group, overflow, credit)"));
            },
        );
    }
}
