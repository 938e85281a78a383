// The contract idl/shop.fluxar between two peers in one process: payloads, typed errors, constraints, both directions.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  HASH, OrderEventCodec, PromptCodec, RoleCodec, Shop, UserCodec, UsersClient, isUserError, serveUsers, userError,
} from "./build/js/shop/shop_v1.js";
import { DecodeError, FluxarError, Routes, Writer, decode, decodeInput, descriptorHash, encode, memoryLinks, writeAny } from "./build/js/shop/fluxar/index.js";

const ID = "123e4567-e89b-12d3-a456-426614174000";
const user = { id: ID, email: "ada@example.org", displayName: "", createdAt: 1790000000123456, roles: [], balance: "0" };
const bytes = (value) => {
  const writer = new Writer();
  writeAny(writer, value);
  return writer.take();
};
const raw = (entries) => bytes(new Map(entries));

test("what equals its default is left out, and comes back", () => {
  const payload = encode(UserCodec, user, true);
  assert.equal(payload[0], 0xa3);
  assert.deepEqual(decode(UserCodec, payload), user);
  const full = { ...user, displayName: "Ada", roles: ["admin"], avatar: "https://example.org/a", balance: "1.50" };
  for (const numbers of [true, false]) assert.deepEqual(decode(UserCodec, encode(UserCodec, full, numbers)), full);
});

test("keys are numbers or names, in any order, and never both", () => {
  const mixed = [["created_at", 5], [2, "a@b.c"], ["id", ID]];
  assert.deepEqual(decode(UserCodec, raw(mixed)), { ...user, email: "a@b.c", createdAt: 5 });
  for (const twice of [[...mixed, [1, ID]], [...mixed, ["email", "d@e.f"]]]) {
    assert.throws(() => decode(UserCodec, raw(twice)), DecodeError);
  }
  assert.deepEqual(decode(UserCodec, raw([...mixed, ["new", [1]], [77, null]])).email, "a@b.c");
});

test("integral floats are whole numbers, other floats are none", () => {
  const time = (value) => raw([[1, ID], [2, "a@b.c"], [4, value]]);
  const float = new Uint8Array(9);
  float[0] = 0xfb;
  new DataView(float.buffer).setFloat64(1, 1790000000123);
  const payload = Uint8Array.from([...time(0).slice(0, -1), ...float]);
  assert.equal(decode(UserCodec, payload).createdAt, 1790000000123);
  assert.throws(() => decode(UserCodec, time(1.5)), (thrown) => thrown instanceof DecodeError && thrown.path === "created_at");
});

test("nothing is nested for ever, and nothing follows", () => {
  const deep = Uint8Array.from([0xa1, 0x18, 99, ...Array(100_000).fill(0x81), 0]);
  assert.throws(() => decode(UserCodec, deep), /nested deeper than 64/);
  assert.throws(() => decode(UserCodec, Uint8Array.from([...encode(UserCodec, user, true), 0])), /bytes follow/);
});

test("unknown members and variants are written back as they came", () => {
  for (const key of [99, "owner"]) {
    const role = decode(RoleCodec, bytes(key));
    assert.deepEqual(role, { kind: "$unknown", key });
    assert.deepEqual(encode(RoleCodec, role, true), bytes(key));
  }
  const event = raw([["refunded", { amount: "3", why: [1, 2] }]]);
  const value = decode(OrderEventCodec, event);
  assert.equal(value.kind, "$unknown");
  assert.deepEqual(encode(OrderEventCodec, value, true), event);
});

test("constraints name the field that breaks them", () => {
  const prompt = { model: "m", messages: [], maxTokens: 1024 };
  const path = (value) => {
    try {
      decodeInput(PromptCodec, encode(PromptCodec, value, true));
    } catch (thrown) {
      assert.equal(thrown.code, "invalid_argument");
      return thrown.message;
    }
    return undefined;
  };
  assert.match(path(prompt), /^messages: /);
  assert.equal(path({ ...prompt, messages: [{ role: "user", content: [] }] }), undefined);
  assert.match(path({ ...prompt, messages: [{ role: "user", content: [] }], maxTokens: 0 }), /^max_tokens: /);
});

// ---- over a session

const peers = [];
after(() => peers.forEach((peer) => peer.abort()));

/** Both views of the contract, over a link in memory. */
async function connected(users, llm = {}, approvals = { approve: () => true }) {
  const [near, far] = memoryLinks();
  const [shop, remote] = await Promise.all([Shop.over(near, { approvals }), Shop.accept(far, { users, llm })]);
  peers.push(shop.peer, remote.peer);
  return { shop, remote };
}

const failsWith = (code) => (thrown) => thrown instanceof FluxarError && thrown.code === code;

test("a typed call answers, and fails with its own error", async () => {
  const users = {
    get({ id }) {
      if (id !== ID) throw userError({ kind: "notFound", value: { id } });
      return user;
    },
  };
  const { shop } = await connected(users);
  assert.deepEqual(await shop.users.get({ id: ID }), user);
  const other = ID.replace("1", "9");
  await assert.rejects(shop.users.get({ id: other }), (thrown) => {
    assert.ok(isUserError(thrown));
    assert.equal(thrown.code, "not_found");
    assert.deepEqual(thrown.detail, { kind: "notFound", value: { id: other } });
    return true;
  });
});

test("parameters have their defaults, and what is wrong with them says where", async () => {
  const seen = [];
  const users = {
    list({ page }) {
      seen.push(page);
      return { items: [user] };
    },
    async import({ dryRun }, rows) {
      let created = 0;
      for await (const _ of rows) created += 1;
      return { created: dryRun ? 0 : created, skipped: 0 };
    },
  };
  const { shop } = await connected(users);
  assert.deepEqual(await shop.users.list(), { items: [user] });
  assert.deepEqual(seen, [{ limit: 50 }]);
  assert.deepEqual(await shop.users.import({}, [{ email: "a@b.c" }, { email: "d@e.f" }]), { created: 2, skipped: 0 });
  await assert.rejects(shop.users.import({}, [{ email: "no address" }]), (thrown) => failsWith("invalid_argument")(thrown) && /email/.test(thrown.message));
});

test("a stream has a typed summary, and its callee calls back in the middle", async () => {
  const llm = {
    async *complete({ prompt }, context) {
      yield { kind: "text", value: prompt.model };
      const call = { id: "1", name: "rm", args: { path: "/" } };
      const approved = await remote.approvals.approve({ call }, { signal: context.signal });
      yield { kind: "toolCall", value: { index: 0, name: String(approved), argsJson: "{}" } };
      return { stop: "end", inputTokens: 1, outputTokens: 2 };
    },
  };
  const asked = [];
  const approvals = { approve: ({ call }) => asked.push(call.args.path) === 1 };
  const { shop, remote } = await connected({}, llm, approvals);
  const prompt = { model: "m", messages: [{ role: "user", content: [{ kind: "text", value: "hi" }] }], maxTokens: 1024 };
  const stream = shop.llm.complete({ prompt });
  const deltas = [];
  for await (const delta of stream) deltas.push(delta);
  assert.deepEqual(deltas, [{ kind: "text", value: "m" }, { kind: "toolCall", value: { index: 0, name: "true", argsJson: "{}" } }]);
  assert.deepEqual(await stream.result, { stop: "end", inputTokens: 1, outputTokens: 2 });
  assert.deepEqual(asked, ["/"]);
});

test("a peer describes the contract that it serves", async () => {
  const { shop } = await connected({});
  assert.equal(descriptorHash(await shop.peer.callBytes("fluxar.describe")), HASH);
});

test("a service can be served and called without a contract", async () => {
  const { shop, remote } = await connected({});
  const routes = new Routes();
  serveUsers(routes, { all: () => [user] });
  assert.throws(() => serveUsers(routes, {}), /served already/);
  serveUsers(shop.peer, { all: () => [user] });
  assert.deepEqual(await new UsersClient(remote.peer).all(), [user]);
});
