//! A method: its arguments, its answer, and the shape that follows from them.

use super::{Annotation, Docs, Field, Lifecycle, Name, Spelling};
use proc_macro2::Span;
use std::time::Duration;

/// One method of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Method<S: Spelling> {
    /// `get` in the source; the last segment of the target.
    pub name: Name,
    /// Its documentation.
    pub docs: Docs,
    /// Uses of declared annotations.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// In the order of the source, which callers and implementations see.
    pub arguments: Vec<Argument<S>>,
    /// What comes back.
    pub answer: Answer<S>,
    /// How it may fail.
    pub failure: Failure<S>,
    /// The deadline of a client that sets none: `@timeout`.
    pub timeout: Option<Duration>,
    /// What callers and tools may rely on.
    pub options: MethodOptions,
    /// What only the front end knows.
    pub extra: S::Extra,
}

/// What callers and tools may rely on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodOptions {
    /// `@idempotent`: calling twice does what calling once does.
    pub idempotent: bool,
    /// `@resumable`: the stream survives a lost link.
    pub resumable: bool,
    /// `@cache(30s)`: for how long an answer may be used again.
    pub cache: Option<Duration>,
    /// `@max_size(1MiB)`: the largest payload of a request or item, in bytes.
    pub bytes_max: Option<u64>,
}

/// One argument of a method.
#[expect(clippy::large_enum_variant, reason = "nearly all arguments are values")]
#[derive(Clone, Debug, PartialEq)]
pub enum Argument<S: Spelling> {
    /// The call's context. It does not travel.
    Context {
        /// Its name in the source.
        name: Name,
        /// What only the front end knows.
        extra: S::Extra,
    },
    /// A value, which travels in the map of parameters.
    Value(Field<S>),
    /// Items that the caller sends.
    Input {
        /// Its name in the source.
        name: Name,
        /// The type of one item.
        item: S::Type,
        /// What only the front end knows.
        extra: S::Extra,
    },
    /// Items that the callee sends before its answer: `-> stream T then U`.
    Output {
        /// Its name in the source ([`sink_name`] where a contract says none).
        name: Name,
        /// The type of one item.
        item: S::Type,
        /// What only the front end knows.
        extra: S::Extra,
    },
}

impl<S: Spelling> Argument<S> {
    /// Its name in the source.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::Context { name, .. } | Self::Input { name, .. } | Self::Output { name, .. } => {
                name
            }
            Self::Value(field) => &field.name,
        }
    }
}

/// What the sink of a method's items is called. Contracts give it no name: it is one that no other
/// argument has.
#[must_use]
pub fn sink_name<S: Spelling>(others: &[Argument<S>]) -> Name {
    let mut free = "out".to_owned();
    while others.iter().any(|argument| argument.name().source == free) {
        free.push('_');
    }
    Name::new(free, Span::call_site())
}

/// What a method gives back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<S: Spelling> {
    /// Nothing, ever: a notification.
    Nothing,
    /// One value.
    Value(S::Type),
    /// Items, and an end without a value: the type of one item.
    Items(S::Type),
}

/// How a method may fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure<S: Spelling> {
    /// The implementation cannot fail (the call still can).
    Never,
    /// With a status and nothing typed.
    Status,
    /// With an application error.
    App(S::Type),
}

/// The flow of a method: who sends what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A request that nobody answers.
    Notification,
    /// Request and answer.
    Unary,
    /// Request, then items back.
    ServerStream,
    /// Request and items, then an answer.
    ClientStream,
    /// Request and items, items back.
    BothWays,
    /// Request, then items back, then an answer.
    StreamThen,
    /// Request and items, items back, then an answer.
    BothWaysThen,
}

impl<S: Spelling> Method<S> {
    /// Whether each call gets an idempotency key: it may be sent twice, and is done once. Only what
    /// is answered once has one.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.options.idempotent && self.shape() == Shape::Unary
    }

    /// The flow that arguments and answer add up to.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let input = self.input().is_some();
        let output = self.output().is_some();
        match (&self.answer, input, output) {
            (Answer::Nothing, ..) => Shape::Notification,
            (Answer::Value(_), false, false) => Shape::Unary,
            (Answer::Value(_), true, false) => Shape::ClientStream,
            (Answer::Value(_), false, true) => Shape::StreamThen,
            (Answer::Value(_), true, true) => Shape::BothWaysThen,
            (Answer::Items(_), false, _) => Shape::ServerStream,
            (Answer::Items(_), true, _) => Shape::BothWays,
        }
    }

    /// Calls `visit` with every type that it says: of arguments, of its answer, its error.
    pub fn each_type<'t>(&'t self, visit: &mut impl FnMut(&'t S::Type)) {
        for argument in &self.arguments {
            match argument {
                Argument::Context { .. } => {}
                Argument::Value(field) => visit(&field.ty),
                Argument::Input { item, .. } | Argument::Output { item, .. } => visit(item),
            }
        }
        if let Answer::Value(ty) | Answer::Items(ty) = &self.answer {
            visit(ty);
        }
        if let Failure::App(ty) = &self.failure {
            visit(ty);
        }
    }

    /// The values that travel as the map of parameters.
    pub fn params(&self) -> impl Iterator<Item = &Field<S>> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Value(field) => Some(field),
            _ => None,
        })
    }

    /// The type of the items that the caller sends.
    #[must_use]
    pub fn input(&self) -> Option<&S::Type> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Input { item, .. } => Some(item),
            _ => None,
        })
    }

    /// The type of the items that the callee sends, returned or through a sink.
    #[must_use]
    pub fn items(&self) -> Option<&S::Type> {
        match &self.answer {
            Answer::Items(item) => Some(item),
            _ => self.output(),
        }
    }

    /// The type of the one value at the end.
    #[must_use]
    pub fn result(&self) -> Option<&S::Type> {
        match &self.answer {
            Answer::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The type of the items that the callee sends through a sink, before its answer.
    #[must_use]
    pub fn output(&self) -> Option<&S::Type> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Output { item, .. } => Some(item),
            _ => None,
        })
    }
}
