import * as $ from "./fluxar.js";
const Token$1 = $.key(1, "text");
const Token$names = $.names([["text", 1]]);
function read$Token(r) {
  let seen0 = 0;
  let f0;
  let k = 0;
  try {
    for (let left = r.enterMap(); r.more(left); left -= 1) {
      k = 0;
      k = r.key(Token$names);
      switch (k) {
        case 1:
          if (seen0 & 1) r.twice();
          seen0 |= 1;
          f0 = r.text();
          break;
        default:
          r.skip();
      }
    }
    k = 0;
    if ((seen0 & 1) !== 1) $.missing(r, [["text", (seen0 & 1) !== 0]]);
  } catch (thrown) {
    throw r.within(thrown, $.nameOf(Token$names, k));
  }
  r.leave();
  return { text: f0 };
}
function write$Token(w, v) {
  const f0 = v.text;
  $.writeMapHead(w, 1);
  $.writeKey(w, Token$1);
  w.text($.present(f0, "text"));
}
const TokenCodec = { read: read$Token, write: write$Token };
const Summary$1 = $.key(1, "model");
const Summary$2 = $.key(2, "prompt_tokens");
const Summary$3 = $.key(3, "completion_tokens");
const Summary$4 = $.key(4, "finish_reason");
const Summary$names = $.names([["model", 1], ["prompt_tokens", 2], ["completion_tokens", 3], ["finish_reason", 4]]);
function read$Summary(r) {
  let seen0 = 0;
  let f0;
  let f1;
  let f2;
  let f3;
  let k = 0;
  try {
    for (let left = r.enterMap(); r.more(left); left -= 1) {
      k = 0;
      k = r.key(Summary$names);
      switch (k) {
        case 1:
          if (seen0 & 1) r.twice();
          seen0 |= 1;
          f0 = r.text();
          break;
        case 2:
          if (seen0 & 2) r.twice();
          seen0 |= 2;
          f1 = r.isNull() ? void 0 : r.ranged(0, 4294967295);
          break;
        case 3:
          if (seen0 & 4) r.twice();
          seen0 |= 4;
          f2 = r.ranged(0, 4294967295);
          break;
        case 4:
          if (seen0 & 8) r.twice();
          seen0 |= 8;
          f3 = r.text();
          break;
        default:
          r.skip();
      }
    }
    k = 0;
    if ((seen0 & 13) !== 13) $.missing(r, [["model", (seen0 & 1) !== 0], ["completion_tokens", (seen0 & 4) !== 0], ["finish_reason", (seen0 & 8) !== 0]]);
  } catch (thrown) {
    throw r.within(thrown, $.nameOf(Summary$names, k));
  }
  r.leave();
  const v = $.building({ model: f0, completionTokens: f2, finishReason: f3 });
  if (f1 !== void 0) v.promptTokens = f1;
  return v;
}
function write$Summary(w, v) {
  const f0 = v.model;
  const f1 = v.promptTokens;
  const has1 = f1 !== void 0;
  const f2 = v.completionTokens;
  const f3 = v.finishReason;
  $.writeMapHead(w, 3 + (has1 ? 1 : 0));
  $.writeKey(w, Summary$1);
  w.text($.present(f0, "model"));
  if (has1) {
    $.writeKey(w, Summary$2);
    $.writeInt(w, f1, 0, 4294967295);
  }
  $.writeKey(w, Summary$3);
  $.writeInt(w, $.present(f2, "completion_tokens"), 0, 4294967295);
  $.writeKey(w, Summary$4);
  w.text($.present(f3, "finish_reason"));
}
const SummaryCodec = { read: read$Summary, write: write$Summary };
const Approval$1 = $.key(1, "approved");
const Approval$names = $.names([["approved", 1]]);
function read$Approval(r) {
  let seen0 = 0;
  let f0;
  let k = 0;
  try {
    for (let left = r.enterMap(); r.more(left); left -= 1) {
      k = 0;
      k = r.key(Approval$names);
      switch (k) {
        case 1:
          if (seen0 & 1) r.twice();
          seen0 |= 1;
          f0 = r.bool();
          break;
        default:
          r.skip();
      }
    }
    k = 0;
    if ((seen0 & 1) !== 1) $.missing(r, [["approved", (seen0 & 1) !== 0]]);
  } catch (thrown) {
    throw r.within(thrown, $.nameOf(Approval$names, k));
  }
  r.leave();
  return { approved: f0 };
}
function write$Approval(w, v) {
  const f0 = v.approved;
  $.writeMapHead(w, 1);
  $.writeKey(w, Approval$1);
  w.bool($.present(f0, "approved"));
}
const ApprovalCodec = { read: read$Approval, write: write$Approval };
const Line$1 = $.key(1, "who");
const Line$2 = $.key(2, "text");
const Line$names = $.names([["who", 1], ["text", 2]]);
function read$Line(r) {
  let seen0 = 0;
  let f0;
  let f1;
  let k = 0;
  try {
    for (let left = r.enterMap(); r.more(left); left -= 1) {
      k = 0;
      k = r.key(Line$names);
      switch (k) {
        case 1:
          if (seen0 & 1) r.twice();
          seen0 |= 1;
          f0 = r.text();
          break;
        case 2:
          if (seen0 & 2) r.twice();
          seen0 |= 2;
          f1 = r.text();
          break;
        default:
          r.skip();
      }
    }
    k = 0;
    if ((seen0 & 3) !== 3) $.missing(r, [["who", (seen0 & 1) !== 0], ["text", (seen0 & 2) !== 0]]);
  } catch (thrown) {
    throw r.within(thrown, $.nameOf(Line$names, k));
  }
  r.leave();
  return { who: f0, text: f1 };
}
function write$Line(w, v) {
  const f0 = v.who;
  const f1 = v.text;
  $.writeMapHead(w, 2);
  $.writeKey(w, Line$1);
  w.text($.present(f0, "who"));
  $.writeKey(w, Line$2);
  w.text($.present(f1, "text"));
}
const LineCodec = { read: read$Line, write: write$Line };
const LlmCompleteParams$1 = $.key(1, "prompt");
const LlmCompleteParams$2 = $.key(2, "model");
const LlmCompleteParams$3 = $.key(3, "max_tokens");
const LlmCompleteParams$4 = $.key(4, "seed");
const LlmCompleteParams$5 = $.key(5, "approvals");
const LlmCompleteParams$names = $.names([["prompt", 1], ["model", 2], ["max_tokens", 3], ["seed", 4], ["approvals", 5]]);
function read$LlmCompleteParams(r) {
  let seen0 = 0;
  let f0;
  let f1;
  let f2;
  let f3;
  let f4;
  let k = 0;
  try {
    for (let left = r.enterMap(); r.more(left); left -= 1) {
      k = 0;
      k = r.key(LlmCompleteParams$names);
      switch (k) {
        case 1:
          if (seen0 & 1) r.twice();
          seen0 |= 1;
          f0 = r.text();
          break;
        case 2:
          if (seen0 & 2) r.twice();
          seen0 |= 2;
          f1 = r.isNull() ? void 0 : r.text();
          break;
        case 3:
          if (seen0 & 4) r.twice();
          seen0 |= 4;
          f2 = r.isNull() ? void 0 : r.ranged(0, 4294967295);
          break;
        case 4:
          if (seen0 & 8) r.twice();
          seen0 |= 8;
          f3 = r.isNull() ? void 0 : r.u64();
          break;
        case 5:
          if (seen0 & 16) r.twice();
          seen0 |= 16;
          f4 = r.isNull() ? void 0 : r.bool();
          break;
        default:
          r.skip();
      }
    }
    k = 0;
    if ((seen0 & 1) !== 1) $.missing(r, [["prompt", (seen0 & 1) !== 0]]);
  } catch (thrown) {
    throw r.within(thrown, $.nameOf(LlmCompleteParams$names, k));
  }
  r.leave();
  const v = $.building({ prompt: f0 });
  if (f1 !== void 0) v.model = f1;
  if (f2 !== void 0) v.maxTokens = f2;
  if (f3 !== void 0) v.seed = f3;
  if (f4 !== void 0) v.approvals = f4;
  return v;
}
function write$LlmCompleteParams(w, v) {
  const f0 = v.prompt;
  const f1 = v.model;
  const has1 = f1 !== void 0;
  const f2 = v.maxTokens;
  const has2 = f2 !== void 0;
  const f3 = v.seed;
  const has3 = f3 !== void 0;
  const f4 = v.approvals;
  const has4 = f4 !== void 0;
  $.writeMapHead(w, 1 + (has1 ? 1 : 0) + (has2 ? 1 : 0) + (has3 ? 1 : 0) + (has4 ? 1 : 0));
  $.writeKey(w, LlmCompleteParams$1);
  w.text($.present(f0, "prompt"));
  if (has1) {
    $.writeKey(w, LlmCompleteParams$2);
    w.text(f1);
  }
  if (has2) {
    $.writeKey(w, LlmCompleteParams$3);
    $.writeInt(w, f2, 0, 4294967295);
  }
  if (has3) {
    $.writeKey(w, LlmCompleteParams$4);
    $.writeU64(w, f3);
  }
  if (has4) {
    $.writeKey(w, LlmCompleteParams$5);
    w.bool(f4);
  }
}
const LlmClient$complete = {
  target: "llm.complete",
  params: { read: read$LlmCompleteParams, write: write$LlmCompleteParams },
  result: SummaryCodec,
  items: TokenCodec
};
class LlmClient {
  #caller;
  constructor(caller) {
    this.#caller = caller;
  }
  /**
   * Answers a prompt, token by token. With `approvals` the model may ask for permission on the way. An answer that is stopped still
   * ends with its summary.
   */
  complete(params, options) {
    return $.serverStream(this.#caller, LlmClient$complete, params, options);
  }
}
function serveLlm(serving, service) {
  serving.describe(DESCRIPTOR);
  $.serveOutput(serving, LlmClient$complete, true, (args, _items, context) => service.complete(args, context));
}
const ApprovalsApproveParams$1 = $.key(1, "action");
const ApprovalsApproveParams$names = $.names([["action", 1]]);
function read$ApprovalsApproveParams(r) {
  let seen0 = 0;
  let f0;
  let k = 0;
  try {
    for (let left = r.enterMap(); r.more(left); left -= 1) {
      k = 0;
      k = r.key(ApprovalsApproveParams$names);
      switch (k) {
        case 1:
          if (seen0 & 1) r.twice();
          seen0 |= 1;
          f0 = r.text();
          break;
        default:
          r.skip();
      }
    }
    k = 0;
    if ((seen0 & 1) !== 1) $.missing(r, [["action", (seen0 & 1) !== 0]]);
  } catch (thrown) {
    throw r.within(thrown, $.nameOf(ApprovalsApproveParams$names, k));
  }
  r.leave();
  return { action: f0 };
}
function write$ApprovalsApproveParams(w, v) {
  const f0 = v.action;
  $.writeMapHead(w, 1);
  $.writeKey(w, ApprovalsApproveParams$1);
  w.text($.present(f0, "action"));
}
const ApprovalsClient$approve = {
  target: "approvals.approve",
  params: { read: read$ApprovalsApproveParams, write: write$ApprovalsApproveParams },
  result: ApprovalCodec
};
class ApprovalsClient {
  #caller;
  constructor(caller) {
    this.#caller = caller;
  }
  /** Asks whether the model may do this; the words are the model's. */
  approve(params, options) {
    return $.call(this.#caller, ApprovalsClient$approve, params, options);
  }
}
function serveApprovals(serving, service) {
  serving.describe(DESCRIPTOR);
  $.serveUnary(serving, ApprovalsClient$approve, (args, context) => service.approve(args, context));
}
const ChatTopic$def = {
  path: ["demo", "chat", { param: "room" }],
  params: {
    room: $.stringParam
  },
  codec: LineCodec
};
class ChatTopic extends $.Topic {
  constructor(peer) {
    super(peer, ChatTopic$def);
  }
}
function Demo$of(peer) {
  return { peer, llm: new LlmClient(peer), chat: new ChatTopic(peer) };
}
function DemoRemote$of(peer) {
  return { peer, approvals: new ApprovalsClient(peer), chat: new ChatTopic(peer) };
}
function DemoClientOffer$serve(serving, offer) {
  serveApprovals(serving, offer.approvals);
}
function DemoServerOffer$serve(serving, offer) {
  serveLlm(serving, offer.llm);
}
const Demo = {
  /** Dials, and waits until the session is ready. */
  async connect(address, offer, options = {}) {
    const routes = options.routes ?? new $.Routes();
    DemoClientOffer$serve(routes, offer);
    return Demo$of(await $.Peer.connect(address, { ...options, routes }));
  },
  /** Speaks over a link that is there, as the side that dialed it. */
  async over(link, offer, options = {}) {
    const routes = options.routes ?? new $.Routes();
    DemoClientOffer$serve(routes, offer);
    return Demo$of(await $.Peer.over(link, { ...options, routes }));
  },
  /** Takes a link that the other side has dialed. */
  async accept(link, offer, options = {}) {
    const routes = options.routes ?? new $.Routes();
    DemoServerOffer$serve(routes, offer);
    return DemoRemote$of(await $.Peer.accept(link, { ...options, routes }));
  }
};
const DESCRIPTOR = $.fromBase64(
  "pQABA4SkAGhBcHByb3ZhbAIAA4GjAGhhcHByb3ZlZAIBAwEPgW8gQSB5ZXMgb3IgYSBuby6kAGRMaW5lAgADgqMAY3dobwIBAw2jAGR0ZXh0AgIDDQ+BeCUgU29tZXRoaW5nIHRoYXQgc29tZWJvZHkgc2F5cyB0byBhbGwupABnU3VtbWFyeQIAA4SkAGVtb2RlbAIBAw0PgXYgVGhlIG1vZGVsIHRoYXQgc3Bva2UupQBtcHJvbXB0X3Rva2VucwICA4IABAT1D4F4SSBBYnNlbnQgd2hlbiB0aGUgbW9kZWwgZGlkIG5vdCBzYXksIHNvIGZvciBldmVyeSBhbnN3ZXIgdGhhdCB3YXMgc3RvcHBlZC6jAHFjb21wbGV0aW9uX3Rva2VucwIDAwSkAG1maW5pc2hfcmVhc29uAgQDDQ+BeEAgYHN0b3BgLCBgbGVuZ3RoYCwgYGNhbmNlbGxlZGAsIG9yIHdoYXRldmVyIGVsc2UgdGhlIG1vZGVsIHNheXMuD4F4GCBXaGF0IGNhbWUgb2YgYW4gYW5zd2VyLqQAZVRva2VuAgADgaMAZHRleHQCAQMND4F4LiBBIHBpZWNlIG9mIGFuIGFuc3dlciwgd2l0aCBpdHMgbGVhZGluZyBzcGFjZS4EgqQAaUFwcHJvdmFscwFpYXBwcm92YWxzA4GkAGdhcHByb3ZlAoGjAGZhY3Rpb24CAQMNBYIAaEFwcHJvdmFsD4F4PyBBc2tzIHdoZXRoZXIgdGhlIG1vZGVsIG1heSBkbyB0aGlzOyB0aGUgd29yZHMgYXJlIHRoZSBtb2RlbCdzLg+BeHcgV2hvZXZlciBjYW4gYmUgYXNrZWQgZm9yIHBlcm1pc3Npb24uIE9mZmVyZWQgYnkgdGhlIHNpZGUgdGhhdCBkaWFsczogdGhlIG1vZGVsIGNhbGxzIGJhY2sgaW4gdGhlIG1pZGRsZSBvZiBpdHMgYW5zd2VyLqQAY0xsbQFjbGxtA4GlAGhjb21wbGV0ZQKFowBmcHJvbXB0AgEDDaQAZW1vZGVsAgIDggANBPWkAGptYXhfdG9rZW5zAgMDggAEBPWkAGRzZWVkAgQDggAFBPWkAGlhcHByb3ZhbHMCBQOCAAEE9QRlVG9rZW4FggBnU3VtbWFyeQ+CeIAgQW5zd2VycyBhIHByb21wdCwgdG9rZW4gYnkgdG9rZW4uIFdpdGggYGFwcHJvdmFsc2AgdGhlIG1vZGVsIG1heSBhc2sgZm9yIHBlcm1pc3Npb24gb24gdGhlIHdheS4gQW4gYW5zd2VyIHRoYXQgaXMgc3RvcHBlZCBzdGlsbHcgZW5kcyB3aXRoIGl0cyBzdW1tYXJ5Lg+BeEEgQSBsYW5ndWFnZSBtb2RlbCwgYXMgYGZsdXhhciB1cGAgYW5kIGBmbHV4YXIgZGVtbyBsbG1gIHNlcnZlIGl0LgWBpABkQ2hhdAKDZGRlbW9kY2hhdIJkcm9vbQ0DZExpbmUPgXgpIFdoYXQgcGVvcGxlIHNheSB0byBlYWNoIG90aGVyIGluIGEgcm9vbS4GgaUAZERlbW8CgWNMbG0DgWlBcHByb3ZhbHMEgWRDaGF0D4F4IyBUaGUgZGVtbzogYXNrLCBiZSBhc2tlZCwgYW5kIHRhbGsu"
);
const HASH = "08bc2acf8c6496ed0f7dd9851e594c1ae3868952805b587a679693fa35a82875";
export {
  ApprovalCodec,
  ApprovalsClient,
  ChatTopic,
  DESCRIPTOR,
  Demo,
  HASH,
  LineCodec,
  LlmClient,
  SummaryCodec,
  TokenCodec,
  serveApprovals,
  serveLlm
};
