/** What each kind may look like (docs/spec/message.md, "The seven kinds"). */

import { KIND } from "./envelope.js";
import type { Envelope } from "./envelope.js";
import { META, metaNumber } from "./meta.js";
import { Violation } from "./status.js";

export type Form =
  | "offer" | "answer" | "confirm"
  | "request" | "notification" | "response"
  | "open" | "item" | "end"
  | "ask" | "granted" | "over"
  | "publish" | "deliver"
  | "heartbeat" | "ping" | "pong" | "credit"
  | "goodbye" | "cancel";

function need(isTrue: boolean, rule: string, text: string): void {
  if (!isTrue) throw new Violation(rule, text);
}

/** The form of a message, or the rule of its kind that it breaks. */
export function formOf(message: Envelope): Form {
  switch (message.kind) {
    case KIND.hello:
      return helloForm(message);
    case KIND.call:
      return callForm(message);
    case KIND.stream:
      return streamForm(message);
    case KIND.subscribe:
      return subscribeForm(message);
    case KIND.event:
      return eventForm(message);
    case KIND.ack:
      return ackForm(message);
    case KIND.cancel:
      return cancelForm(message);
  }
}

function helloForm({ id, ref, target, payload, error }: Envelope): Form {
  if (ref === null) {
    need(id !== null && payload !== null && target === null && error === null, "L3.hello.1",
      "an offer has an id and a payload, and nothing else");
    return "offer";
  }
  if (id !== null) {
    need(target === null && (payload === null) !== (error === null), "L3.hello.2",
      "an answer has id, ref, and either payload or error");
    return "answer";
  }
  need(target === null && (payload === null || error === null), "L3.hello.3",
    "a confirmation has a ref, and at most an error, or the payload that is due");
  return "confirm";
}

function callForm({ id, ref, target, payload, error }: Envelope): Form {
  if (ref === null) {
    need(target !== null && error === null, "L3.call.1", "a CALL without ref has a target and no error");
    return id === null ? "notification" : "request";
  }
  need(id === null && target === null && (payload === null) !== (error === null), "L3.call.2",
    "a CALL with ref has either payload or error, and neither id nor target");
  return "response";
}

function streamForm({ id, ref, target, payload, error, meta }: Envelope): Form {
  if (ref === null) {
    need(id !== null && target !== null && error === null, "L3.stream.1",
      "a STREAM without ref has id and target, and no error");
    return "open";
  }
  if (!meta.has(META.end)) {
    need(payload !== null && id === null && target === null && error === null, "L3.stream.2",
      "an item has a payload, and neither id, target nor error");
    return "item";
  }
  need(id === null && target === null && (payload === null || error === null), "L3.stream.3",
    "an end has neither id nor target, and not both payload and error");
  return "end";
}

function subscribeForm({ id, ref, target, payload, error, meta }: Envelope): Form {
  if (ref === null) {
    need(id !== null && target !== null && payload === null && error === null, "L3.subscribe.1",
      "a SUBSCRIBE without ref has id and target, and neither payload nor error");
    return "ask";
  }
  need(id === null && target === null && payload === null, "L3.subscribe.2",
    "a SUBSCRIBE with ref has neither id, target nor payload");
  need(error === null || meta.has(META.end), "L3.subscribe.3", "a SUBSCRIBE with an error must have end");
  return meta.has(META.end) ? "over" : "granted";
}

function eventForm({ id, ref, target, payload, error }: Envelope): Form {
  if (ref === null) {
    need(target !== null && payload !== null && error === null, "L3.event.1",
      "an EVENT without ref has target and payload, and no error");
    return "publish";
  }
  need(payload !== null && id === null && error === null, "L3.event.2",
    "an EVENT with ref has a payload, and neither id nor error");
  return "deliver";
}

function ackForm({ id, ref, target, payload, error, meta }: Envelope): Form {
  need(target === null && payload === null && error === null && (id === null || ref === null), "L3.ack.1",
    "an ACK has neither target, payload nor error, and not both id and ref");
  const credit = metaNumber(meta, META.credit);
  need(credit === undefined || (ref !== null && credit > 0), "L3.ack.2", "credit needs a ref, and is at least 1");
  if (ref !== null) return credit === undefined ? "pong" : "credit";
  return id === null ? "heartbeat" : "ping";
}

function cancelForm({ id, ref, target, payload, error }: Envelope): Form {
  need(id === null && target === null && payload === null && (ref === null || error === null), "L3.cancel.1",
    "a CANCEL has neither id, target nor payload, and an error only without ref");
  return ref === null ? "goodbye" : "cancel";
}
