/**
 * fluxar for TypeScript and JavaScript: calls, streams and topics over one connection, between equals.
 * No dependencies and no `eval`; browsers, and Node from 20 on.
 */

export { Tagged, Simple, readAny, writeAny } from "./any.js";
export type { Backoff } from "./backoff.js";
export { Broker } from "./broker.js";
export type { BrokerLimits } from "./broker.js";
export { Writer } from "./bytes.js";
export type { CallOptions, Caller, Overflow, PublishOptions, RequestOptions, StreamOptions, SubscribeOptions, TopicHost } from "./caller.js";
export { Channel } from "./channel.js";
export { at, checkEach, checkFormat, checkLength, checkPattern, checkRange, checkValues } from "./checks.js";
export {
  anyCodec, building, decode, define, decodeInput, decodeOutput, encode, enumTable, key, missing, nameOf, names, own, present, readEnum, readFixed, readUnknown,
  same, unitCodec, writeEnum, writeFixed, writeKey, writeList, writeMap, writeMapHead, writeUnknown,
} from "./codec.js";
export type { Building, Codec, EnumTable, Lenient, ErrorCodec, Key, Member, UnknownKey, UnknownVariant } from "./codec.js";
export type { Context } from "./context.js";
export { canonical, descriptorHash, fromBase64 } from "./contract.js";
export { decodeEnvelope } from "./envelope.js";
export type { Authenticate } from "./handshake.js";
export type { Auth, Credential, PeerInfo } from "./hello.js";
export { KeyedCalls } from "./keyed.js";
export type { KeyedLimits } from "./keyed.js";
export { DEFAULT_LIMITS } from "./limits.js";
export type { Limits, OwnLimits } from "./limits.js";
export { memoryLinks } from "./link.js";
export type { Link } from "./link.js";
export type { Names } from "./names.js";
export { Peer } from "./peer.js";
export type { AcceptOptions, ConnectOptions, PeerOptions, State } from "./peer.js";
export { DecodeError, Reader } from "./reader.js";
export { Routes } from "./routes.js";
export type { CallHandler, StreamHandler } from "./routes.js";
export { Timestamp, readDecimal, readTimestamp, readUuid, writeDecimal, writeI64, writeInt, writeU64, writeUuid } from "./scalar.js";
export type { Brand } from "./scalar.js";
export { serveInput, serveOutput, serveUnary } from "./serve.js";
export type { Output, Serving } from "./serve.js";
export { sha256 } from "./sha256.js";
export { FluxarError, Violation, codeName, codeNumber } from "./status.js";
export type { Code, FluxarErrorOptions } from "./status.js";
export { Streaming } from "./streaming.js";
export { appError, call, clientStream, duplex, isAppError, notify, serverStream, typedError } from "./stub.js";
export type { Method, Source, StreamMethod } from "./stub.js";
export { Subscription } from "./subscription.js";
export type { TopicEvent } from "./subscriptions.js";
export { Topic, TopicSubscription, bigParam, boolParam, decodeSegment, encodeSegment, enumParam, intParam, stringParam, uuidParam } from "./topic.js";
export type { Param, Segment, TopicDef, TypedEvent } from "./topic.js";
export { completeUrl, webSocketLink } from "./websocket.js";
export type { WebSocketConstructor, WebSocketLike } from "./websocket.js";
