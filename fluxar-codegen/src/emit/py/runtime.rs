//! The runtime's files, as they are written beside generated code.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Path inside of `fluxar_rt`, and text.
        pub(super) const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../runtimes/py/fluxar_rt/", $name))),)*
        ];
    };
}

files! {
    "__init__.py",
    "beat.py",
    "broker.py",
    "budget.py",
    "calls.py",
    "cbor.py",
    "checks.py",
    "codec.py",
    "context.py",
    "descriptor.py",
    "feed.py",
    "frame.py",
    "handshake.py",
    "hello.py",
    "keyed.py",
    "limits.py",
    "link.py",
    "message.py",
    "names.py",
    "outbox.py",
    "payload.py",
    "peer.py",
    "py.typed",
    "routes.py",
    "rules.py",
    "scope.py",
    "server.py",
    "session.py",
    "status.py",
    "streams.py",
    "topic.py",
    "topics.py",
    "typed.py",
    "types.py",
    "user.py",
    "window.py",
    "work.py",
}
