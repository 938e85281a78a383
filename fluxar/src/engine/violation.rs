//! What a peer can do wrong: one variant a rule, each with its place in the spec.

use crate::error::{Code, Status};

macro_rules! violations {
    ($($variant:ident $rule:literal $code:ident $text:literal;)*) => {
        /// A rule of the protocol that the peer broke. It ends the session of the one who broke it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Violation {
            $(#[doc = $text] $variant,)*
        }

        impl Violation {
            /// Every violation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The rule's id in `docs/spec/`.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self { $(Self::$variant => $rule,)* }
            }

            /// The code that the peer is told.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$variant => Code::$code,)* }
            }

            /// What is wrong and what to do instead.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

impl Violation {
    /// What the peer is told.
    pub(crate) fn status(self) -> Status {
        Status::new(self.code(), self.to_string())
    }
}

violations! {
    FrameEmpty "L1.len.2" InvalidArgument "a frame is empty: its length counts the flags, so it is at least 1";
    FrameTooLong "L1.len.3" ResourceExhausted "a frame is longer than the limit in HELLO: cut the message into fragments";
    FrameTooEarly "L1.len.4" ResourceExhausted "a frame above 16 KiB came before the session was ready";
    FrameReserved "L1.flags.1" InvalidArgument "bit 7 of the flags is reserved: clear it";
    FrameCodec "L1.flags.2" Unimplemented "a frame is compressed, which was not negotiated: send codec 0";
    FrameSealed "L1.flags.3" Unimplemented "a frame is sealed, which was not negotiated: clear SEALED";
    FrameSeq "L1.flags.4" Unimplemented "a frame carries a sequence number, which was not negotiated: clear SEQ";
    FrameMore "L1.flags.5" InvalidArgument "MORE needs GROUP";
    FrameBody "L1.body.1" InvalidArgument "a frame has no body";
    FrameVolatile "L1.volatile.1" InvalidArgument "VOLATILE belongs on HELLO, ref-less ACK and EVENT of qos 0, and nowhere else";
    SeqPlace "L1.seq.1" InvalidArgument "SEQ belongs on a frame that completes a message of the sequence: not with MORE or VOLATILE";
    SeqNumber "L1.seq.2" InvalidArgument "the sequence number is not a whole varint in its shortest form";
    GroupVolatile "L1.volatile.2" InvalidArgument "the fragments of a group differ in VOLATILE";
    GroupCodec "L1.codec.2" InvalidArgument "the fragments of a group differ in their codec";
    CodecBroken "L1.codec.3" InvalidArgument "a compressed message is not one whole stream of its codec, with nothing behind it";
    CodecTooLarge "L1.codec.4" ResourceExhausted "a message decompresses to more than message_bytes_max, or to more than 100 times its size: send it as it is";
    SealFailures "L1.seal.2" DataLoss "too many records were not sealed by the other side: somebody in between changes what is sent";
    SealPadding "L1.seal.3" InvalidArgument "a record holds something else than whole frames and zeros behind them";
    GroupNumber "L1.group.1" InvalidArgument "the group id is not a whole varint in its shortest form";
    GroupOrder "L1.group.2" InvalidArgument "group ids must rise from 1";
    GroupsTooMany "L1.group.3" ResourceExhausted "more fragmented messages are open than the limit in HELLO";
    GroupBytes "L1.group.4" ResourceExhausted "unfinished fragmented messages hold more bytes than the limit in HELLO";
    MessageTooLong "L1.group.5" ResourceExhausted "a message is longer than the limit in HELLO: send it as a stream";
    GroupEarly "L1.group.7" FailedPrecondition "a message before the session is ready must be one frame";
    EnvelopeShape "L3.cbor.1" InvalidArgument "the envelope is an array of seven";
    CborNotShortest "L3.cbor.2" InvalidArgument "a number or length is not in its shortest form";
    CborIndefinite "L3.cbor.3" InvalidArgument "indefinite lengths are not deterministic CBOR";
    CborTag "L3.cbor.4" InvalidArgument "tags are not allowed in the envelope";
    CborSimple "L3.cbor.5" InvalidArgument "of the simple values only false, true and null are allowed, and no floats";
    CborUtf8 "L3.cbor.6" InvalidArgument "text is not UTF-8";
    CborKeyOrder "L3.cbor.7" InvalidArgument "map keys must be unique and in canonical order";
    CborTrailing "L3.cbor.8" InvalidArgument "bytes follow the envelope";
    CborTruncated "L3.cbor.9" InvalidArgument "the message ends in the middle of an item";
    CborDepth "L3.cbor.10" InvalidArgument "items are nested deeper than 16";
    CborType "L3.env.1" InvalidArgument "a field has the wrong type";
    KindUnknown "L3.kind.1" InvalidArgument "the kind must be 1 to 7";
    TargetLength "L3.target.1" InvalidArgument "a target is 1 to 512 bytes";
    IdForm "L3.id.1" InvalidArgument "an id below 2^64 must be an unsigned integer, any other a byte string of 16";
    IdZero "L3.id.2" InvalidArgument "id 0 names nothing";
    IdParity "L3.id.3" InvalidArgument "the dialer mints odd ids, the acceptor even ones";
    IdOrder "L3.id.4" InvalidArgument "ids must rise: this one was used before";
    IdGlobal "L3.id.5" Unimplemented "16-byte ids are reserved for qos 1 and 2: use a session id";
    RefUnknown "L3.ref.2" InvalidArgument "too many refs to ids that never existed or are of another kind";
    MetaKey "L3.meta.1" InvalidArgument "a meta key must be an unsigned integer or text";
    MetaEmpty "L3.meta.2" InvalidArgument "an empty meta map must be null";
    MetaEntries "L3.meta.3" InvalidArgument "meta has more than 64 entries";
    MetaBytes "L3.meta.4" InvalidArgument "meta has more than 8 KiB";
    MetaUnknown "L3.meta.5" InvalidArgument "a meta key below 32 or above 63 is not in the registry";
    MetaValue "L3.meta.7" InvalidArgument "a meta value has the wrong type or range";
    MetaFalse "L3.meta.8" InvalidArgument "a meta value of false must be left out";
    MetaUser "L3.meta.9" InvalidArgument "the value of a user's meta key must be text";
    ErrorCode "L3.error.1" InvalidArgument "an error needs a code of 1 to 255";
    ErrorShape "L3.error.3" InvalidArgument "error is a map {0: code, 1: message, 2: type name, 3: details, 4: retry_after_ms}";
    ErrorDetails "L3.error.4" InvalidArgument "details of an error need a type name";
    ErrorLong "L3.error.5" InvalidArgument "the message of an error is at most 4 KiB, its type name 512 bytes";
    HelloOffer "L3.hello.1" InvalidArgument "an offer has an id and a payload, and nothing else";
    HelloAnswer "L3.hello.2" InvalidArgument "an answer has id, ref, and either payload or error";
    HelloConfirm "L3.hello.3" InvalidArgument "a confirmation has a ref, and at most an error, or the payload that is due";
    CallRequest "L3.call.1" InvalidArgument "a CALL without ref has a target and no error";
    CallResponse "L3.call.2" InvalidArgument "a CALL with ref has either payload or error, and neither id nor target";
    StreamOpen "L3.stream.1" InvalidArgument "a STREAM without ref has id and target, and no error";
    StreamItem "L3.stream.2" InvalidArgument "an item has a payload, and neither id, target nor error";
    StreamEnd "L3.stream.3" InvalidArgument "an end has neither id nor target, and not both payload and error";
    SubscribeAsk "L3.subscribe.1" InvalidArgument "a SUBSCRIBE without ref has id and target, and neither payload nor error";
    SubscribeAnswer "L3.subscribe.2" InvalidArgument "a SUBSCRIBE with ref has neither id, target nor payload";
    SubscribeError "L3.subscribe.3" InvalidArgument "a SUBSCRIBE with an error must have end";
    EventPublish "L3.event.1" InvalidArgument "an EVENT without ref has target and payload, and no error";
    EventDeliver "L3.event.2" InvalidArgument "an EVENT with ref has a payload, and neither id nor error";
    AckFields "L3.ack.1" InvalidArgument "an ACK has neither target, payload nor error, and not both id and ref";
    AckCredit "L3.ack.2" InvalidArgument "credit needs a ref, and is at least 1";
    CancelFields "L3.cancel.1" InvalidArgument "a CANCEL has neither id, target nor payload, and an error only without ref";
    PhaseEarly "L4.phase.1" FailedPrecondition "nothing but the HELLO that is due may come before the session is ready";
    HelloTwice "L4.phase.2" Unimplemented "one HELLO at a time: only the dialer offers again, when its last offer was answered";
    HandshakeLate "L4.phase.3" DeadlineExceeded "the handshake took too long: the HELLOs are due within 5 s of the link";
    HelloRef "L4.hello.2" FailedPrecondition "the HELLO refers to another one than the last";
    HelloMissing "L4.body.1" InvalidArgument "the HELLO body lacks a key, or a value has the wrong type";
    HelloForeign "L4.body.2" InvalidArgument "the HELLO body has a key that belongs to another HELLO";
    HelloUnknown "L4.body.3" InvalidArgument "the HELLO body has an unknown key below 32 or above 63";
    HelloLong "L4.body.4" InvalidArgument "a list, a text or the credential in the HELLO body is too long";
    HelloLimits "L4.body.5" InvalidArgument "a limit in HELLO is below the least that works";
    HelloResume "L4.body.6" InvalidArgument "key 33 of the HELLO body is {nonce, public key or claim, bound, mac}, each of its length";
    HelloCaps "L4.caps.1" InvalidArgument "the answer has a capability that was not offered";
    SealOffer "L4.seal.1" InvalidArgument "a HELLO that seals lists one known seal and carries its message in key 34";
    SealRequired "L4.seal.2" Unauthenticated "the other side did not agree to a seal, and this side requires one";
    SealBroken "L4.seal.3" Unauthenticated "the handshake of the seal failed: the keys or the offer are not the ones that the other side knows";
    SealTranscript "L4.seal.4" Unauthenticated "the answer was changed on its way";
    SealKey "L4.seal.5" Unauthenticated "the key is not the one that is pinned, or is this side's own, or is weak";
    SealAuth "L4.seal.6" InvalidArgument "an offer that seals carries no credential: it belongs into the confirmation";
    SealChallenge "L4.seal.9" Unauthenticated "the signature behind the seal is missing or does not fit: sign both HELLOs of this very link";
    HelloVersion "L4.version.1" Unimplemented "no common protocol version: this side speaks version 1";
    Unauthenticated "L4.auth.1" Unauthenticated "the credential is not of its scheme's form";
    NonceMissing "L4.challenge.1" InvalidArgument "a challenge needs a nonce in the offer and in the answer, each of its own";
    ProofWrong "L4.challenge.2" Unauthenticated "the signature does not fit the key and this handshake: sign both HELLOs of this very link";
    RightPublish "L4.rights.2" PermissionDenied "the identity may not publish to this topic";
    SeqGap "L4.seq.2" DataLoss "a message is numbered above the one that is due: messages are missing";
    ReceiptAhead "L4.receipt.2" InvalidArgument "a receipt for messages that were never sent";
    ResumeProof "L4.resume.4" PermissionDenied "the proof that the session is one's own is wrong";
    ResumePosition "L4.resume.6" DataLoss "the other side needs messages that are gone, or has some that never were";
    Silent "L4.beat.2" Unavailable "nothing was heard for 2.5 heartbeats";
    Calm "L4.calm.1" ResourceExhausted "too many cheap messages: send fewer pings, cancels, grants and bad references";
    OutboxFull "L4.bound.1" ResourceExhausted "the peer does not read what it asked for";
    Stalled "L4.bound.4" ResourceExhausted "the peer took nothing from the link for 30 s";
    TooSlow "L4.bound.5" ResourceExhausted "a message came in slower than 1 KiB/s";
    StreamsTooMany "L5.stream.3" ResourceExhausted "streams that were refused are opened again and again without their end";
    StreamEnded "L5.stream.4" InvalidArgument "an item or end came after the end of this direction";
    StreamResult "L5.stream.5" InvalidArgument "only the callee's end carries a result";
    Credit "L5.credit.1" ResourceExhausted "an item or event came without credit";
    CreditOverflow "L5.credit.3" InvalidArgument "credit adds up to more than 2^31";
    TopicMissing "L5.topic.3" InvalidArgument "a delivery to a pattern with a wildcard needs its topic";
    Qos "L5.qos.1" Unimplemented "an event asks for more than qos 0, which HELLO did not offer";
    EventReserved "X.event.1" Unimplemented "an event carries a meta key that asks for what HELLO did not offer";
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}] {}", self.rule(), self.text())
    }
}

impl std::error::Error for Violation {}
