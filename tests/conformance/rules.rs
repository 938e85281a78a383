//! Rules that no single vector shows: what a sender does, and what happens over time.

use crate::receiver::{NOW, Side, envelopes};
use fluxar::engine::event::{Event, Refusal, Request, SubscribeOptions};
use fluxar::engine::frame::{self, GROUP, MORE};
use fluxar::engine::message::Form;
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::session::auth::Identity;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::time::Time;
use fluxar::engine::violation::Violation;
use fluxar::engine::{Engine, Role};
use fluxar::{Code, Context, Credential, Limits, PublishOptions, Status};
use std::time::Duration;

/// Two sides that are Ready.
fn ready(dialer: Limits, acceptor: Limits) -> (Side, Side) {
    let mut dialer = Side::new(Role::Dialer, dialer);
    let mut acceptor = Side::new(Role::Acceptor, acceptor);
    acceptor.take(&dialer.sends());
    acceptor.engine.accept(NOW, Identity::anonymous());
    dialer.take(&acceptor.sends());
    acceptor.take(&dialer.sends());
    assert_eq!((dialer.engine.phase(), acceptor.engine.phase()), (Phase::Ready, Phase::Ready));
    dialer.events.clear();
    acceptor.events.clear();
    (dialer, acceptor)
}

/// The defaults, but for something.
fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn defaults() -> (Side, Side) {
    ready(Limits::default(), Limits::default())
}

fn request(target: &str) -> Request<'_> {
    Request { target, ..Request::default() }
}

fn forms(bytes: &[u8]) -> Vec<Form> {
    let list = envelopes(bytes);
    list.iter().map(|bytes| Form::of(&Envelope::decode(bytes).unwrap()).unwrap()).collect()
}

#[test]
fn an_acceptor_waits_for_the_offer() {
    // [L4.hello.1]
    let mut dialer = Side::new(Role::Dialer, Limits::default());
    let mut acceptor = Side::new(Role::Acceptor, Limits::default());
    assert!(acceptor.sends().is_empty());
    assert_eq!(forms(&dialer.sends()), [Form::Offer]);
}

#[test]
fn a_broken_offer_is_answered_with_a_goodbye() {
    // [L4.violation.3]
    let mut acceptor = Side::new(Role::Acceptor, Limits::default());
    acceptor.take(&[0, 0, 0, 1, 0x80]);
    assert_eq!(forms(&acceptor.sends()), [Form::Goodbye]);
}

#[test]
fn nothing_after_a_violation_is_acted_on() {
    // [L4.violation.2]
    let (mut dialer, mut acceptor) = defaults();
    dialer.engine.call(NOW, &request("a.b")).unwrap();
    let mut bytes = vec![0, 0, 0, 0];
    bytes.extend(dialer.sends());
    acceptor.take(&bytes);
    acceptor.take(&bytes);
    assert!(matches!(acceptor.events[..], [Event::Closed { .. }]), "{:?}", acceptor.events);
    assert_eq!(forms(&acceptor.sends()), [Form::Goodbye]);
}

#[test]
fn a_long_message_is_cut_to_what_the_receiver_takes() {
    // [L1.order.2], [L4.limits.1], [L4.bound.3]
    let small = limits(|limits| limits.frame_bytes_max = 2048);
    for (acceptor_limits, longest) in [(Limits::default(), 16 << 10), (small, 2048)] {
        let (mut dialer, mut acceptor) = ready(Limits::default(), acceptor_limits);
        let payload = vec![1; 100_000];
        let long = Request { payload: Some(&payload), ..request("a.b") };
        dialer.engine.call(NOW, &long).unwrap();
        let bytes = dialer.sends();
        let mut rest = &bytes[..];
        while let Some(whole) = frame::whole_len(rest, u32::MAX).unwrap() {
            let part = frame::decode(&rest[frame::LEN_BYTES..whole]).unwrap();
            assert!(part.body.len() <= longest && part.flags & GROUP != 0, "{}", part.body.len());
            assert_eq!(part.flags & MORE == 0, rest.len() == whole);
            rest = &rest[whole..];
        }
        acceptor.take(&bytes);
        assert!(matches!(acceptor.events[..], [Event::Call { .. }]));
    }
}

#[test]
fn a_sender_goes_by_what_was_declared() {
    // [L4.limits.1], [L4.bound.3]
    let one = limits(|limits| {
        (limits.calls_max, limits.streams_max, limits.subscriptions_max) = (1, 1, 1);
    });
    let (mut dialer, _acceptor) = ready(Limits::default(), one);
    let engine = &mut dialer.engine;
    engine.call(NOW, &request("a.b")).unwrap();
    assert_eq!(engine.call(NOW, &request("a.b")), Err(Refusal::Blocked));
    engine.open_stream(NOW, &request("a.b"), true, None).unwrap();
    assert_eq!(engine.open_stream(NOW, &request("a.b"), true, None), Err(Refusal::Blocked));
    let options = SubscribeOptions::default();
    engine.subscribe(NOW, "a.b", &options).unwrap();
    assert!(matches!(engine.subscribe(NOW, "a.b", &options), Err(Refusal::Status(_))));
}

#[test]
fn a_receiver_holds_to_its_own_limits() {
    // [L4.limits.2]: what the dialer declares gives it nothing.
    let huge = limits(|limits| limits.frame_bytes_max = u32::MAX);
    let (_dialer, mut acceptor) = ready(huge, Limits::default());
    acceptor.take(&(2_u32 << 20).to_be_bytes());
    assert_eq!(acceptor.engine.phase(), Phase::Closed);
}

#[test]
fn an_application_that_does_not_answer_stops_nobody() {
    // [L4.bound.2]
    let (mut dialer, mut acceptor) = defaults();
    for _ in 0..1000 {
        dialer.engine.call(NOW, &request("a.b")).unwrap();
    }
    dialer.engine.ping(NOW);
    acceptor.take(&dialer.sends());
    assert_eq!(forms(&acceptor.sends()), [Form::Pong]);
}

#[test]
fn a_stuck_subscription_delays_no_other() {
    // [L5.overflow.2]
    let (mut dialer, mut acceptor) = defaults();
    let tight = SubscribeOptions { credit: Some(1), ..SubscribeOptions::default() };
    let stuck = dialer.engine.subscribe(NOW, "a.b", &tight).unwrap();
    let quick = dialer.engine.subscribe(NOW, "a.b", &SubscribeOptions::default()).unwrap();
    acceptor.take(&dialer.sends());
    let payload = vec![0; 1000].into();
    for id in [stuck, quick] {
        acceptor.engine.grant(NOW, id);
    }
    for _ in 0..100 {
        acceptor.engine.deliver(NOW, stuck, "a.b", &payload, &PublishOptions::new());
        acceptor.engine.deliver(NOW, quick, "a.b", &payload, &PublishOptions::new());
    }
    dialer.take(&acceptor.sends());
    let came = |wanted: u64| {
        let is = |event: &&Event| matches!(event, Event::Delivery { id, .. } if *id == wanted);
        dialer.events.iter().filter(is).count()
    };
    assert_eq!((came(stuck), came(quick)), (1, 100));
}

#[test]
fn credit_is_granted_in_halves_of_the_window() {
    // [L5.credit.4], [L4.calm.2]
    let (mut dialer, mut acceptor) = defaults();
    let window = 64_000;
    let id = dialer.engine.open_stream(NOW, &request("a.b"), true, Some(window)).unwrap();
    acceptor.take(&dialer.sends());
    let mut grants = 0;
    for _ in 0..1000 {
        acceptor.engine.send_item(NOW, id, &[0; 608]).unwrap();
        dialer.take(&acceptor.sends());
        dialer.engine.consumed(NOW, id, 608);
        let granted = dialer.sends();
        grants += forms(&granted).len();
        acceptor.take(&granted);
    }
    // 1,000 items of 640 make 640,000; half a window is 32,000.
    assert_eq!(grants, 20);
}

#[test]
fn a_deadline_travels_as_whole_milliseconds_left() {
    // [L5.deadline.1]
    let (mut dialer, mut acceptor) = defaults();
    let deadline = Some(NOW + Duration::from_micros(1_999));
    dialer.engine.call(NOW, &Request { deadline, ..request("a.b") }).unwrap();
    let bytes = dialer.sends();
    let sent = envelopes(&bytes);
    assert_eq!(Envelope::decode(&sent[0]).unwrap().meta.deadline_ms, Some(1));
    acceptor.take(&bytes);
    let Some(Event::Call { deadline, .. }) = acceptor.events.first() else { panic!("no call") };
    assert_eq!(*deadline, Some(NOW + Duration::from_millis(1)));
}

#[test]
fn a_draining_side_answers_unavailable_before_any_handler() {
    // [L3.code.1], [L4.bye.3]
    let (mut dialer, mut acceptor) = defaults();
    dialer.engine.call(NOW, &request("a.b")).unwrap();
    acceptor.take(&dialer.sends());
    acceptor.engine.close(NOW, None);
    dialer.engine.call(NOW, &request("a.late")).unwrap();
    acceptor.take(&dialer.sends());
    let calls = acceptor.events.iter().filter(|event| matches!(event, Event::Call { .. })).count();
    assert_eq!(calls, 1);
    dialer.take(&acceptor.sends());
    let refused = dialer.events.iter().find_map(|event| match event {
        Event::Response { outcome: Err(status), .. } => Some(status.code()),
        _ => None,
    });
    assert_eq!(refused, Some(Code::Unavailable));
}

#[test]
fn nobody_is_told_what_nobody_knows() {
    // [L3.code.2]
    assert!(Violation::ALL.iter().all(|violation| violation.code() != Code::Indeterminate));
}

#[test]
fn draining_has_an_end() {
    // [L4.bye.5]
    let (mut dialer, mut acceptor) = defaults();
    let id = dialer.engine.call(NOW, &request("a.b")).unwrap();
    acceptor.take(&dialer.sends());
    dialer.engine.close(NOW, None);
    acceptor.take(&dialer.sends());
    dialer.take(&acceptor.sends());
    assert_eq!(dialer.engine.phase(), Phase::Draining);
    let end = until(&mut dialer.engine, |engine| engine.phase() == Phase::Closed);
    assert_eq!(end.since(NOW), Limits::default().drain_timeout);
    dialer.drain();
    let outcome = dialer.events.iter().find_map(|event| match event {
        Event::Response { id: ended, outcome: Err(status) } if *ended == id => Some(status.code()),
        _ => None,
    });
    assert_eq!(outcome, Some(Code::Indeterminate), "[L4.lost.1]");
}

/// Lets time pass, timer by timer.
fn until(engine: &mut Engine, done: impl Fn(&Engine) -> bool) -> Time {
    let mut now = NOW;
    while !done(engine) {
        now = engine.poll_timeout().expect("a timer runs").max(now);
        engine.handle_timeout(now);
        assert!(now.since(NOW) < Duration::from_secs(3600), "nothing ends");
    }
    now
}

#[test]
fn a_heartbeat_of_0_is_one_of_a_second() {
    // [L4.beat.1], [L4.beat.2]: for a peer that wants one without pause.
    let restless = limits(|limits| limits.heartbeat = Duration::ZERO);
    let (_dialer, mut acceptor) = ready(restless, Limits::default());
    let end = until(&mut acceptor.engine, |engine| engine.phase() == Phase::Closed);
    let silence = end.since(NOW);
    assert!(silence >= Duration::from_millis(2500), "{silence:?}");
    assert!(silence <= Duration::from_millis(3500), "{silence:?}");
    let mut beats = forms(&acceptor.sends());
    assert_eq!(beats.pop(), Some(Form::Goodbye));
}

#[test]
fn secrets_are_not_shown() {
    // [L4.auth.2]
    let secret = || "s3cret".to_owned();
    let all = [
        Credential::Bearer(secret()),
        Credential::ApiKey(secret()),
        Credential::Basic { user: secret(), password: secret() },
        Credential::Other { scheme: "x".into(), data: secret().into() },
    ];
    for credential in all {
        assert!(!format!("{credential:?}{credential:#?}").contains("s3cret"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_calls_ends_with_it() {
    // [L5.cancel.3], [L5.deadline.3], [L5.call.7]
    let pair = fluxar::testing::pair().build().await.unwrap();
    let (send, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    let nested = send.clone();
    pair.client.handle("inner.left", |ctx: Context, _: ()| async move {
        Ok::<_, Status>(ctx.time_left().map(|left| left.as_millis() as u64))
    });
    pair.client.handle("inner.hang", move |_: ()| {
        let guard = Told(nested.clone(), "inner");
        async move {
            let _guard = guard;
            std::future::pending::<Result<(), Status>>().await
        }
    });
    pair.server.handle("outer.left", |ctx: Context, _: ()| async move {
        ctx.peer().request::<_, Option<u64>>("inner.left", &()).timeout(HOUR).send().await
    });
    pair.server.handle("outer.hang", |ctx: Context, _: ()| async move {
        ctx.peer().call::<_, ()>("inner.hang", &()).await
    });
    let call = pair.client.request::<_, Option<u64>>("outer.left", &());
    let left = call.timeout(Duration::from_secs(2)).send().await.unwrap().unwrap();
    assert!((1..=2000).contains(&left), "{left} ms");
    let call = pair.client.request::<_, ()>("outer.hang", &());
    let status = call.timeout(Duration::from_secs(2)).send().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(dropped.recv().await, Some("inner"));
}

const HOUR: Duration = Duration::from_secs(3600);

/// Says that it was dropped.
struct Told(tokio::sync::mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Told {
    fn drop(&mut self) {
        // Nobody listens any more when the test is over.
        let _ = self.0.send(self.1);
    }
}
