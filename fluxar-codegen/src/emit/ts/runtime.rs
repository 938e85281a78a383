//! The runtime's files, as they are written beside generated code.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Path inside of `fluxar`, and text.
        pub(super) const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../runtimes/ts/src/", $name))),)*
        ];
    };
}

files! {
    "any.ts",
    "backoff.ts",
    "bound.ts",
    "broker.ts",
    "budget.ts",
    "bytes.ts",
    "caller.ts",
    "calls.ts",
    "cbor.ts",
    "channel.ts",
    "checks.ts",
    "clash.ts",
    "codec.ts",
    "context.ts",
    "contract.ts",
    "describe.ts",
    "entries.ts",
    "envelope.ts",
    "feed.ts",
    "feeds.ts",
    "forms.ts",
    "frame.ts",
    "handshake.ts",
    "hello.ts",
    "ids.ts",
    "inbound.ts",
    "index.ts",
    "iterate.ts",
    "keyed.ts",
    "limits.ts",
    "link.ts",
    "meta.ts",
    "monitor.ts",
    "names.ts",
    "number.ts",
    "outbox.ts",
    "peer.ts",
    "reader.ts",
    "request.ts",
    "routes.ts",
    "scalar.ts",
    "serve.ts",
    "session.ts",
    "sha256.ts",
    "status.ts",
    "streaming.ts",
    "stub.ts",
    "subscription.ts",
    "subscriptions.ts",
    "target.ts",
    "topic.ts",
    "utf8.ts",
    "websocket.ts",
    "window.ts",
    "work.ts",
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_file_of_the_runtime_is_written() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/runtimes/ts/src");
        let entries = std::fs::read_dir(folder).expect("the runtime is in this crate");
        let mut found: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        let listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, listed);
    }
}
