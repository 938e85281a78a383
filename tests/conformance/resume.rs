//! L4: a session that is made, cut off and resumed, byte by byte.

use crate::exchanges::plain;
use crate::receiver::{NOW, Side, config};
use crate::vectors::{Case, cases, check_all, hex, unhex};
use fluxar::engine::event::{Event, Request};
use fluxar::engine::session::auth::Identity;
use fluxar::engine::session::resume::LinkFacts;
use fluxar::engine::{Engine, Role};
use fluxar::{Code, Status};

/// A side on a link of the story.
fn linked(role: Role, facts: LinkFacts) -> Side {
    let mut engine = Engine::new(config(role, plain()), role, NOW);
    engine.handle_link_up_with(NOW, facts);
    Side::of(engine)
}

/// What both engines say in turn, by the random bytes of the story.
fn told(case: &Case) -> Vec<String> {
    let bytes = |value: &serde_json::Value| -> Option<[u8; 32]> {
        value.as_str().map(|text| unhex(text).try_into().unwrap())
    };
    let binding = bytes(&case.json["binding"]);
    let facts = |at: usize| {
        let facts = LinkFacts::random(bytes(&case.json["randoms"][at]).unwrap());
        match binding {
            Some(binding) => facts.binding(binding),
            None => facts,
        }
    };
    let mut said = Vec::new();
    let mut dialer = linked(Role::Dialer, facts(0));
    let mut acceptor = linked(Role::Acceptor, facts(1));
    let mut tell = |from: &mut Side, to: Option<&mut Side>| {
        let bytes = from.sends();
        said.push(hex(&bytes));
        to.into_iter().for_each(|to| to.take(&bytes));
    };
    tell(&mut dialer, Some(&mut acceptor));
    acceptor.engine.accept(NOW, Identity::anonymous());
    tell(&mut acceptor, Some(&mut dialer));
    tell(&mut dialer, Some(&mut acceptor));
    let request = Request { target: "a.b", payload: Some(b"x"), ..Request::default() };
    dialer.engine.notify(NOW, &request).unwrap();
    tell(&mut dialer, None);
    let cut = Status::new(Code::Unavailable, "cut");
    dialer.engine.handle_link_down(NOW, &cut);
    acceptor.engine.handle_link_down(NOW, &cut);
    dialer.engine.handle_link_up_with(NOW, facts(2));
    let mut gate = linked(Role::Acceptor, facts(3));
    tell(&mut dialer, Some(&mut gate));
    gate.engine.accept_resume(NOW, acceptor.engine.ticket().unwrap());
    tell(&mut gate, Some(&mut dialer));
    tell(&mut dialer, Some(&mut gate));
    let Some(Event::Handover { attachment }) = gate.events.last() else {
        panic!("{:?}", gate.events)
    };
    assert!(acceptor.engine.attach(NOW, attachment));
    said
}

#[test]
fn sessions_are_resumed_as_the_vectors_say() {
    check_all(&cases("resume", |_| true), |case| {
        let want: Vec<String> = case.json["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["hex"].as_str().unwrap().to_owned())
            .collect();
        let said = told(case);
        let differs = said.iter().zip(&want).position(|(said, want)| said != want);
        match differs {
            None if said.len() == want.len() => Ok(()),
            None => Err(format!("{} steps", said.len())),
            Some(at) => Err(format!("step {at}: {}", said[at])),
        }
    });
}
