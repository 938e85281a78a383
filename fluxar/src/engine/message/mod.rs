//! L3: what is said.

pub mod envelope;
pub mod kind;
pub mod meta;
pub mod user;

use crate::engine::message::envelope::Envelope;
use crate::engine::message::kind::Kind;
use crate::engine::message::meta::MetaView;
use crate::engine::violation::Violation;

/// What a message is, by kind and `ref`, after the check that it carries the fields of its form and
/// no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// HELLO without ref.
    Offer,
    /// HELLO with ref and id; with an error it is a refusal.
    Answer,
    /// HELLO with ref, no id.
    Confirm,
    /// CALL with id.
    Request,
    /// CALL without id or ref.
    Notification,
    /// CALL with ref.
    Response,
    /// STREAM without ref.
    Open,
    /// STREAM with ref.
    Item,
    /// STREAM with ref and `end`.
    End,
    /// SUBSCRIBE without ref.
    Ask,
    /// SUBSCRIBE with ref.
    Granted,
    /// SUBSCRIBE with ref and `end`: refused or over.
    Over,
    /// EVENT without ref.
    Publish,
    /// EVENT with ref.
    Deliver,
    /// ACK with nothing.
    Heartbeat,
    /// ACK with id.
    Ping,
    /// ACK with ref.
    Pong,
    /// ACK with ref and credit.
    Credit,
    /// CANCEL without ref.
    Goodbye,
    /// CANCEL with ref.
    Cancel,
}

impl Form {
    /// The form of an envelope.
    ///
    /// # Errors
    /// The rule of the form when a field is missing or too many.
    pub fn of(envelope: &Envelope<'_>) -> Result<Self, Violation> {
        let has = Fields::of(envelope);
        match envelope.kind {
            Kind::Hello => hello(has),
            Kind::Call => call(has),
            Kind::Stream => stream(has, &envelope.meta),
            Kind::Subscribe => subscribe(has, &envelope.meta),
            Kind::Event => event(has),
            Kind::Ack => ack(has, &envelope.meta),
            Kind::Cancel => cancel(has),
        }
    }
}

/// Which of the optional fields are there.
#[derive(Clone, Copy, Debug)]
struct Fields {
    id: bool,
    reference: bool,
    target: bool,
    payload: bool,
    error: bool,
}

impl Fields {
    fn of(envelope: &Envelope<'_>) -> Self {
        Self {
            id: envelope.id.is_some(),
            reference: envelope.reference.is_some(),
            target: envelope.target.is_some(),
            payload: envelope.payload.is_some(),
            error: envelope.error.is_some(),
        }
    }
}

fn hello(has: Fields) -> Result<Form, Violation> {
    let bare = !has.target;
    match (has.id, has.reference) {
        (true, false) if bare && has.payload && !has.error => Ok(Form::Offer),
        (true, true) if bare && has.payload != has.error => Ok(Form::Answer),
        (false, true) if bare && !(has.payload && has.error) => Ok(Form::Confirm),
        (true, true) => Err(Violation::HelloAnswer),
        (false, true) => Err(Violation::HelloConfirm),
        (_, false) => Err(Violation::HelloOffer),
    }
}

fn call(has: Fields) -> Result<Form, Violation> {
    if has.reference {
        let response = !has.id && !has.target && has.payload != has.error;
        return if response { Ok(Form::Response) } else { Err(Violation::CallResponse) };
    }
    match (has.target && !has.error, has.id) {
        (true, true) => Ok(Form::Request),
        (true, false) => Ok(Form::Notification),
        (false, _) => Err(Violation::CallRequest),
    }
}

fn stream(has: Fields, meta: &MetaView<'_>) -> Result<Form, Violation> {
    if !has.reference {
        let open = has.id && has.target && !has.error;
        return if open { Ok(Form::Open) } else { Err(Violation::StreamOpen) };
    }
    let bare = !has.id && !has.target;
    match meta.end {
        false if bare && has.payload && !has.error => Ok(Form::Item),
        false => Err(Violation::StreamItem),
        true if bare && !(has.payload && has.error) => Ok(Form::End),
        true => Err(Violation::StreamEnd),
    }
}

fn subscribe(has: Fields, meta: &MetaView<'_>) -> Result<Form, Violation> {
    if !has.reference {
        let ask = has.id && has.target && !has.payload && !has.error;
        return if ask { Ok(Form::Ask) } else { Err(Violation::SubscribeAsk) };
    }
    if has.id || has.target || has.payload {
        return Err(Violation::SubscribeAnswer);
    }
    match (meta.end, has.error) {
        (true, _) => Ok(Form::Over),
        (false, false) => Ok(Form::Granted),
        (false, true) => Err(Violation::SubscribeError),
    }
}

fn event(has: Fields) -> Result<Form, Violation> {
    let fits = has.payload && !has.error;
    match has.reference {
        false if fits && has.target => Ok(Form::Publish),
        false => Err(Violation::EventPublish),
        true if fits && !has.id => Ok(Form::Deliver),
        true => Err(Violation::EventDeliver),
    }
}

fn ack(has: Fields, meta: &MetaView<'_>) -> Result<Form, Violation> {
    if has.target || has.payload || has.error || (has.id && has.reference) {
        return Err(Violation::AckFields);
    }
    match (has.id, has.reference, meta.credit) {
        (_, _, Some(0)) | (_, false, Some(_)) => Err(Violation::AckCredit),
        (false, false, None) => Ok(Form::Heartbeat),
        (true, _, None) => Ok(Form::Ping),
        (_, true, None) => Ok(Form::Pong),
        (_, true, Some(_)) => Ok(Form::Credit),
    }
}

fn cancel(has: Fields) -> Result<Form, Violation> {
    let bare = !has.id && !has.target && !has.payload;
    match has.reference {
        false if bare => Ok(Form::Goodbye),
        true if bare && !has.error => Ok(Form::Cancel),
        _ => Err(Violation::CancelFields),
    }
}
