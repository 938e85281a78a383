//! Methods, errors and topics of two contracts.

use super::index::{Services, Types};
use super::types::{Place, Walk};
use super::uses;
use super::{Rule, Verdict, Verdicts};
use crate::model::{Contract, Failure, Method, Service, Shape, Topic};

/// Compares what the packages offer.
pub(super) fn compare(walk: &mut Walk<'_>) {
    let (old, new) = (walk.old, walk.new);
    let (olds, news) = (Services::of(old), Services::of(new));
    for before in &old.services {
        let by_client = olds.is_of_client(before);
        match news.counterpart(before) {
            None => {
                for method in &before.methods {
                    removed(walk, before, method, by_client);
                }
            }
            Some(after) => compare_service(walk, before, after, by_client),
        }
    }
    for after in &new.services {
        if olds.counterpart(after).is_none() {
            for method in &after.methods {
                added(walk, after, method, news.is_of_client(after));
            }
        }
    }
    let topics = uses::topics(new);
    for before in &old.topics {
        match topics.get(before.name.source.as_str()) {
            Some(after) => compare_topic(walk, before, after),
            None => topic_removed(walk, before),
        }
    }
    let used = old.used_types();
    for one in uses::of_unused(old, new, &used) {
        one.compare(walk);
    }
    let types = Types::of(new);
    for before in &old.types {
        let name = &before.name.source;
        if !used.contains(name.as_str()) && types.named(name).is_none() {
            let message = "removed, and nothing used it: what was stored as it is no longer read";
            let verdicts = Verdicts { stored: Verdict::Warn, ..Verdicts::default() };
            walk.report(Rule::TypeRemoved, name, message, verdicts);
        }
    }
}

fn compare_service(
    walk: &mut Walk<'_>,
    before: &Service<Contract>,
    after: &Service<Contract>,
    by_client: bool,
) {
    let (olds, news) = (uses::methods(before), uses::methods(after));
    for method in &before.methods {
        match news.get(method.name.wire.as_str()) {
            Some(other) => compare_method(walk, before, (method, other), by_client),
            None => removed(walk, before, method, by_client),
        }
    }
    for method in &after.methods {
        if !olds.contains_key(method.name.wire.as_str()) {
            added(walk, after, method, by_client);
        }
    }
}

/// For the callee's side first: the two sides are exchanged where the client is the callee.
fn sides(callee_new: Verdict, callee_old: Verdict, by_client: bool) -> Verdicts {
    let (new_server_old_client, old_server_new_client) =
        if by_client { (callee_old, callee_new) } else { (callee_new, callee_old) };
    Verdicts { new_server_old_client, old_server_new_client, stored: Verdict::Ok }
}

fn removed(
    walk: &mut Walk<'_>,
    service: &Service<Contract>,
    method: &Method<Contract>,
    by_client: bool,
) {
    let place = service.target(method);
    let announced = method.lifecycle.removed.is_some();
    let verdict = if announced { Verdict::Warn } else { Verdict::Break };
    let message = if announced {
        "removed, as the old contract announced: make sure that no client of that level is left"
    } else {
        "removed: clients that call it get `unimplemented`; mark it @deprecated, then @removed, first"
    };
    let verdicts = sides(verdict, Verdict::Ok, by_client);
    walk.report(Rule::MethodRemoved, &place, message, verdicts);
}

fn added(
    walk: &mut Walk<'_>,
    service: &Service<Contract>,
    method: &Method<Contract>,
    by_client: bool,
) {
    let place = service.target(method);
    let verdicts = sides(Verdict::Ok, Verdict::Warn, by_client);
    let message = "new: peers of the old contract answer it with `unimplemented`";
    walk.report(Rule::MethodAdded, &place, message, verdicts);
}

fn compare_method(
    walk: &mut Walk<'_>,
    service: &Service<Contract>,
    (before, after): (&Method<Contract>, &Method<Contract>),
    by_client: bool,
) {
    let place = service.target(before);
    let both = sides(Verdict::Break, Verdict::Break, by_client);
    if before.shape() != after.shape() {
        let message = format!(
            "{} became {}: give it a new name, and serve both for a while",
            words(before.shape()),
            words(after.shape())
        );
        return walk.report(Rule::ShapeChanged, &place, message, both);
    }
    for one in uses::of_method(service, (before, after), by_client) {
        one.compare(walk);
    }
    let has_error = |method: &Method<Contract>| matches!(method.failure, Failure::App(_));
    if has_error(before) != has_error(after) {
        let message = "the error type came or went: one side sees a plain status";
        let verdicts = sides(Verdict::Warn, Verdict::Warn, by_client);
        walk.report(Rule::ErrorChanged, &place, message, verdicts);
    }
    if before.options.idempotent && !after.options.idempotent {
        let message = "no longer @idempotent: clients of the old contract may send it twice";
        let verdicts = sides(Verdict::Warn, Verdict::Ok, by_client);
        walk.report(Rule::IdempotencyLost, &place, message, verdicts);
    }
}

fn words(shape: Shape) -> &'static str {
    match shape {
        Shape::Notification => "a notification",
        Shape::Unary => "a call",
        Shape::ServerStream => "a stream of answers",
        Shape::ClientStream => "a stream of inputs with an answer",
        Shape::BothWays => "a stream both ways",
        Shape::StreamThen => "a stream of answers with a result",
        Shape::BothWaysThen => "a stream both ways with a result",
    }
}

const ALL: Verdicts = Verdicts {
    new_server_old_client: Verdict::Break,
    old_server_new_client: Verdict::Break,
    stored: Verdict::Break,
};

fn topic_removed(walk: &mut Walk<'_>, topic: &Topic<Contract>) {
    let message = "removed: its publishers and subscribers of the old contract meet nobody";
    walk.report(Rule::TopicRemoved, &topic.name.source, message, ALL);
}

fn compare_topic(walk: &mut Walk<'_>, before: &Topic<Contract>, after: &Topic<Contract>) {
    let place = before.name.source.clone();
    // The names of parameters do not travel; their number, their places and their types do.
    if before.filter() != after.filter() {
        let message = format!(
            "the path `{}` became `{}`: make a new topic instead",
            before.filter(),
            after.filter()
        );
        return walk.report(Rule::TopicPath, &place, message, ALL);
    }
    let types = before.params().zip(after.params());
    for ((name, one), (_, other)) in types {
        if one != other {
            let message =
                format!("the type of `{}` in its path changed: make a new topic", name.source);
            walk.report(Rule::TopicPath, &place, message, ALL);
        }
    }
    walk.types(&place, &before.payload, &after.payload, Place::Stored);
    if after.delivery.qos() < before.delivery.qos() {
        let message = format!(
            "@delivery(.{}) became .{}: subscribers of the old contract may miss events",
            before.delivery.name(),
            after.delivery.name()
        );
        let warn = Verdict::Warn;
        let verdicts = Verdicts {
            new_server_old_client: warn,
            old_server_new_client: Verdict::Ok,
            stored: Verdict::Ok,
        };
        walk.report(Rule::DeliveryLowered, &place, message, verdicts);
    }
}
