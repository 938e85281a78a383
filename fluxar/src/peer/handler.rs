//! Closures as handlers, with or without a [`Context`].

use crate::error::Status;
use crate::peer::router::Routes;
use crate::peer::rt;
use crate::peer::{Context, Sink, Streaming};
use crate::service::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A closure that serves calls: `|request: T| async {..}` or `|ctx: Context, request: T| async
/// {..}`, giving `Result<U, E>`. `Args` only tells the two apart.
pub trait Handler<Args>: Sized {
    /// Registers it.
    #[doc(hidden)]
    fn register(self, target: &str, routes: &mut Routes);
}

impl<F, Fut, T, U, E> Handler<(T,)> for F
where
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U, E>> + Send + 'static,
    T: DeserializeOwned,
    U: Serialize,
    E: Failure,
{
    fn register(self, target: &str, routes: &mut Routes) {
        routes.unary(target, move |_, params| {
            // Decoded outside of the future, so that `T` need not be Send.
            let (answer, keys) = (params.decode().map(&self), params.keys());
            async move { rt::reply(answer?.await, keys) }
        });
    }
}

impl<F, Fut, T, U, E> Handler<(Context, T)> for F
where
    F: Fn(Context, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U, E>> + Send + 'static,
    T: DeserializeOwned,
    U: Serialize,
    E: Failure,
{
    fn register(self, target: &str, routes: &mut Routes) {
        routes.unary(target, move |context, params| {
            let keys = params.keys();
            let answer = params.decode().map(|request| self(context, request));
            async move { rt::reply(answer?.await, keys) }
        });
    }
}

/// A closure that serves streams: `|ctx, params: P, input: Streaming<In>, out: Sink<Out>| async
/// {..}`, giving `Result<U, E>`.
pub trait StreamHandler<Args>: Sized {
    /// Registers it.
    #[doc(hidden)]
    fn register(self, target: &str, routes: &mut Routes);
}

impl<F, Fut, P, In, Out, U, E> StreamHandler<(P, In, Out)> for F
where
    F: Fn(Context, P, Streaming<In>, Sink<Out>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U, E>> + Send + 'static,
    P: DeserializeOwned,
    U: Serialize,
    E: Failure,
{
    fn register(self, target: &str, routes: &mut Routes) {
        routes.stream(target, move |context, params, input, out| {
            let result =
                params.decode().map(|params| self(context, params, input.typed(), out.typed()));
            let keys = params.keys();
            async move { rt::outcome(result?.await, keys) }
        });
    }
}

/// The routes of one closure.
pub(crate) fn single<A, H: Handler<A>>(target: &str, handler: H) -> Routes {
    let mut routes = Routes::new();
    handler.register(target, &mut routes);
    routes
}

/// The routes of one stream closure.
pub(crate) fn single_stream<A, H: StreamHandler<A>>(target: &str, handler: H) -> Routes {
    let mut routes = Routes::new();
    handler.register(target, &mut routes);
    routes
}

/// Says what an unserved target is told.
pub(crate) fn unimplemented(target: &str) -> Status {
    let message = format!("nobody serves `{target}` here: check the name, or ask another peer");
    Status::new(crate::Code::Unimplemented, message)
}
