// Two peers over a link in memory: what each pattern promises.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FluxarError, Peer, Routes, Writer, anyCodec, call, clientStream, duplex, memoryLinks, serveInput, serveOutput, serveUnary, serverStream, unitCodec, writeAny } from "../dist/index.js";

const any = { params: anyCodec, result: anyCodec, items: anyCodec, input: anyCodec };
const method = (target, extra = {}) => ({ ...any, target, ...extra });

const peers = [];
// A session that is left open keeps its timers, and the process.
after(() => peers.forEach((peer) => peer.abort()));

async function pair(serve = () => {}, options = {}) {
  const [near, far] = memoryLinks();
  const routes = new Routes();
  serve(routes);
  const own = new Routes();
  options.own?.(own);
  const [dialer, acceptor] = await Promise.all([
    Peer.over(near, { name: "dialer", routes: own, limits: options.dialerLimits }),
    Peer.accept(far, { name: "acceptor", routes, limits: options.limits, authenticate: options.authenticate }),
  ]);
  peers.push(dialer, acceptor);
  return { dialer, acceptor, near, far };
}

const failsWith = (code) => (thrown) => {
  assert.ok(thrown instanceof FluxarError, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  return true;
};

test("a call is answered, either way round", async () => {
  const { dialer, acceptor } = await pair((routes) => {
    serveUnary(routes, method("math.double"), (n) => n * 2);
    serveUnary(routes, method("ask.back"), async (n, ctx) => (await call(ctx.peer, method("tools.add"), n)) + 1);
  }, { own: (routes) => serveUnary(routes, method("tools.add"), (n, ctx) => n + 100 * ctx.hops) });
  assert.equal(await call(dialer, method("math.double"), 21), 42);
  assert.equal(await call(dialer, method("ask.back"), 1), 102);
  assert.equal(await call(acceptor, method("tools.add"), 5), 5);
  assert.equal(dialer.remote.name, "acceptor");
  assert.ok(dialer.numbers);
  await dialer.close();
  assert.equal(dialer.state, "closed");
  assert.equal(await acceptor.closed, undefined);
});

test("errors have their codes", async () => {
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("bad.throws"), () => JSON.parse("{"));
    serveUnary(routes, method("bad.fails"), () => {
      throw new FluxarError("not_found", "no such thing", { retryAfterMs: 7 });
    });
    serveOutput(routes, method("a.stream"), false, async function* () {});
  });
  await assert.rejects(call(dialer, method("no.such"), 1), failsWith("unimplemented"));
  await assert.rejects(call(dialer, method("a.stream"), 1), failsWith("unimplemented"));
  await assert.rejects(call(dialer, method("bad.throws"), 1), failsWith("internal"));
  await assert.rejects(call(dialer, method("bad.fails"), 1), (thrown) => failsWith("not_found")(thrown) && thrown.retryAfterMs === 7);
  await assert.rejects(call(dialer, method("bad..target"), 1), failsWith("invalid_argument"));
});

test("large messages travel in fragments, and small ones overtake them", async () => {
  const order = [];
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("text.length"), (text) => (order.push(text.length), text.length));
  });
  const large = call(dialer, method("text.length"), "x".repeat(1_000_000));
  const small = call(dialer, method("text.length"), "y");
  assert.deepEqual(await Promise.all([large, small]), [1_000_000, 1]);
  assert.deepEqual(order, [1, 1_000_000]);
});

test("an answer that is too large for the caller is an error", async () => {
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("text.repeat"), (n) => "x".repeat(n));
    serveUnary(routes, method("text.fails"), (n) => {
      throw new FluxarError("not_found", "x", { typeName: "T", details: new Uint8Array(n) });
    });
  }, { dialerLimits: { messageBytesMax: 4096 } });
  await assert.rejects(call(dialer, method("text.fails"), 4096), failsWith("resource_exhausted"));
  await assert.rejects(call(dialer, method("text.fails"), 100), failsWith("not_found"));
  await assert.rejects(call(dialer, method("text.repeat"), 10_000), failsWith("resource_exhausted"));
  assert.equal(await call(dialer, method("text.repeat"), 3), "xxx");
});

test("an aborted call stops its handler, and what that had opened", async () => {
  const stopped = Promise.withResolvers ? Promise.withResolvers() : defer();
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("slow.work"), async (_, ctx) => {
      try {
        return await call(ctx.peer, method("slow.tool"), 0);
      } finally {
        stopped.resolve(ctx.signal.reason.code);
      }
    });
  }, {
    own: (routes) => serveUnary(routes, method("slow.tool"), (_, ctx) => new Promise((resolve) => {
      ctx.signal.addEventListener("abort", () => (toolStopped = true, resolve(0)));
      started.resolve();
    })),
  });
  let toolStopped = false;
  const started = defer();
  const controller = new AbortController();
  const work = call(dialer, method("slow.work"), null, { signal: controller.signal });
  await started.promise;
  controller.abort(new Error("enough"));
  await assert.rejects(work, /enough/);
  assert.equal(await stopped.promise, "cancelled");
  await dialer.ping();
  assert.ok(toolStopped);
  // The answer still comes, and frees the id: nothing is open when we go.
  await dialer.close();
});

test("the handler of a notification learns that the session has ended", async () => {
  const started = defer();
  const stopped = defer();
  const { dialer, acceptor } = await pair((routes) => {
    serveUnary(routes, method("slow.note"), (_, ctx) => {
      ctx.signal.addEventListener("abort", () => stopped.resolve(ctx.signal.reason.code));
      started.resolve();
      return stopped.promise;
    });
  });
  dialer.notifyBytes("slow.note", Uint8Array.of(0xf6));
  await started.promise;
  acceptor.abort();
  assert.equal(await stopped.promise, "unavailable");
});

test("an answer to a ping answers those before it, and the end answers the rest", async () => {
  const { dialer, acceptor } = await pair();
  // They arrive together, and get one answer [L4.ping.1].
  const pings = Array.from({ length: 5 }, () => dialer.ping());
  assert.equal((await Promise.all(pings)).length, 5);
  const late = dialer.ping();
  dialer.abort();
  await assert.rejects(late, failsWith("unavailable"));
  await acceptor.closed;
});

function defer() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

test("a deadline holds on both sides and over hops", async () => {
  const seen = [];
  const over = defer();
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("slow.work"), (_, ctx) => {
      seen.push(ctx.deadline - Date.now());
      // Either clock may be first: both say the same.
      return call(ctx.peer, method("slow.tool"), 0).catch((thrown) => {
        over.resolve(thrown.code);
        throw thrown;
      });
    });
  }, {
    own: (routes) => serveUnary(routes, method("slow.tool"), (_, ctx) => {
      seen.push(ctx.deadline - Date.now());
      return new Promise(() => {});
    }),
  });
  await assert.rejects(call(dialer, method("slow.work"), null, { timeoutMs: 60 }), failsWith("deadline_exceeded"));
  assert.equal(await over.promise, "deadline_exceeded");
  assert.equal(seen.length, 2);
  for (const left of seen) assert.ok(left > 0 && left <= 60, `${left}`);
  await assert.rejects(call(dialer, method("slow.work"), null, { timeoutMs: 0 }), failsWith("deadline_exceeded"));
});

test("a stream of the callee is bounded by credit, and has a result", async () => {
  let ahead = 0;
  let taken = 0;
  let most = 0;
  const { dialer } = await pair((routes) => {
    serveOutput(routes, method("words.count"), true, async function* (count) {
      for (let n = 0; n < count; n += 1) {
        ahead += 1;
        most = Math.max(most, ahead - taken);
        yield `word ${n}`;
      }
      return count;
    });
  });
  const stream = serverStream(dialer, method("words.count"), 500, { credit: 200 });
  const words = [];
  for await (const word of stream) {
    taken += 1;
    words.push(word);
  }
  assert.deepEqual(words, Array.from({ length: 500 }, (_, n) => `word ${n}`));
  assert.equal(await stream.result, 500);
  assert.ok(most < 20, `${most} items ahead`);
});

test("a stream of the caller is bounded by credit, and answered once", async () => {
  const { dialer } = await pair((routes) => {
    serveInput(routes, method("sum.up"), async (start, items) => {
      let sum = start;
      for await (const n of items) sum += n;
      return sum;
    });
  }, { limits: { initialCredit: 100 } });
  function* numbers() {
    for (let n = 0; n < 5000; n += 1) yield n;
  }
  assert.equal(await clientStream(dialer, method("sum.up"), 1, numbers()), 12_497_501);
});

test("a stream both ways answers item for item", async () => {
  const { dialer } = await pair((routes) => {
    serveOutput(routes, method("chat.echo"), false, async function* (_, items) {
      for await (const text of items) yield text.toUpperCase();
    });
  });
  const queue = ["one", "two", "z".repeat(40_000)];
  const stream = duplex(dialer, method("chat.echo", { result: unitCodec }), null, queue);
  const back = [];
  for await (const text of stream) back.push(text);
  assert.deepEqual(back, queue.map((text) => text.toUpperCase()));
  assert.equal(await stream.result, undefined);
});

test("leaving a loop cancels the stream, and nothing is delivered after that", async () => {
  const stopped = defer();
  const { dialer } = await pair((routes) => {
    serveOutput(routes, method("words.forever"), true, async function* (_, __, ctx) {
      for (let n = 0; !ctx.signal.aborted; n += 1) yield n;
      stopped.resolve(ctx.signal.reason.code);
      return "stopped";
    });
  });
  const stream = serverStream(dialer, method("words.forever"), null, { credit: 400 });
  let count = 0;
  for await (const _ of stream) if ((count += 1) === 10) break;
  assert.equal(await stopped.promise, "cancelled");
  assert.equal(await stream.result, "stopped");
  assert.equal(await stream.next(), undefined);
});

test("cancelling ends the loop quietly, a foreign signal with its reason", async () => {
  const { dialer } = await pair((routes) => {
    serveOutput(routes, method("words.forever"), false, async function* (_, __, ctx) {
      for (let n = 0; !ctx.signal.aborted; n += 1) yield n;
    });
  });
  const own = serverStream(dialer, method("words.forever"), null);
  let after = 0;
  let isCancelled = false;
  for await (const n of own) {
    if (isCancelled) after += 1;
    if (n === 5) {
      own.cancel();
      isCancelled = true;
    }
  }
  assert.equal(after, 0);
  const controller = new AbortController();
  const foreign = serverStream(dialer, method("words.forever"), null, { signal: controller.signal });
  await assert.rejects(async () => {
    for await (const n of foreign) if (n === 5) controller.abort();
  }, { name: "AbortError" });
});

test("what the source of a stream throws is what its caller gets", async () => {
  const { dialer } = await pair((routes) => {
    serveInput(routes, method("sum.up"), async (_, items) => {
      let count = 0;
      for await (const _item of items) count += 1;
      return count;
    });
  });
  function* broken() {
    yield 1;
    throw new TypeError("no more");
  }
  await assert.rejects(clientStream(dialer, method("sum.up"), null, broken()), /no more/);
  await dialer.close();
});

test("limits of the peer are kept, and its own are held to", async () => {
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("slow.work"), () => new Promise(() => {}));
  }, { limits: { callsMax: 2, streamsMax: 0 } });
  const open = [1, 2].map(() => call(dialer, method("slow.work"), 0).catch((thrown) => thrown.code));
  await assert.rejects(call(dialer, method("slow.work"), 0), failsWith("resource_exhausted"));
  assert.throws(() => serverStream(dialer, method("no.stream"), 0), failsWith("resource_exhausted"));
  dialer.abort();
  assert.deepEqual(await Promise.all(open), ["indeterminate", "indeterminate"]);
});

test("a lost link ends what is open, each once", async () => {
  const { dialer, acceptor, near } = await pair((routes) => {
    serveUnary(routes, method("slow.work"), (_, ctx) => new Promise((_, reject) => ctx.signal.addEventListener("abort", () => (gone.resolve(), reject(ctx.signal.reason)))));
    serveOutput(routes, method("words.one"), true, async function* () {
      yield 1;
      await new Promise(() => {});
    });
  });
  const gone = defer();
  const work = call(dialer, method("slow.work"), 0);
  const stream = serverStream(dialer, method("words.one"), 0);
  assert.equal(await stream.next(), 1);
  near.close();
  await assert.rejects(work, failsWith("indeterminate"));
  await assert.rejects(stream.next(), failsWith("indeterminate"));
  await assert.rejects(stream.result, failsWith("indeterminate"));
  await gone.promise;
  assert.equal((await acceptor.closed).code, "unavailable");
  await assert.rejects(call(dialer, method("slow.work"), 0), failsWith("unavailable"));
});

test("a refused credential tells nothing but that", async () => {
  const [near, far] = memoryLinks();
  const accepted = Peer.accept(far, { authenticate: () => { throw new Error("the password was almost right"); } });
  await assert.rejects(Peer.over(near), (thrown) => failsWith("unauthenticated")(thrown) && !/almost/.test(thrown.message));
  await assert.rejects(accepted, failsWith("unauthenticated"));
});

test("a live session takes a fresh credential, and drops nothing [L4.reauth.1 to 3]", async () => {
  const asked = [];
  const { dialer, acceptor, near } = await pair((routes) => {
    serveUnary(routes, method("math.double"), (n) => n * 2);
  }, {
    limits: { handshakeTimeoutMs: 300 },
    authenticate: ({ data }) => {
      const text = Buffer.from(data).toString();
      asked.push(text);
      if (text === "slow") return new Promise(() => {});
      if (text === "no") throw new Error("not that one");
    },
  });
  const events = dialer.subscribeBytes("t");
  await events.granted;
  const bearer = (token) => ({ scheme: "bearer", token });
  await dialer.reauthenticate(bearer("new"));
  for (const [token, code] of [["no", "unauthenticated"], ["slow", "deadline_exceeded"]]) {
    const again = dialer.reauthenticate(bearer(token));
    await assert.rejects(dialer.reauthenticate(bearer("new")), failsWith("failed_precondition"));
    await assert.rejects(again, failsWith(code));
  }
  assert.deepEqual(asked, ["", "new", "no", "slow"]);
  await assert.rejects(acceptor.reauthenticate(bearer("new")), failsWith("failed_precondition"));
  // What is not offered must not be what the next link presents.
  const unoffered = acceptor.session.reauthenticate({ scheme: "bearer", data: new Uint8Array() }, () => assert.fail("it was offered"));
  await assert.rejects(unoffered, failsWith("failed_precondition"));
  acceptor.broker.publishBytes("t", Uint8Array.of(1));
  assert.deepEqual((await events.next()).payload, Uint8Array.of(1));
  assert.equal(await call(dialer, method("math.double"), 4), 8);
  const gone = dialer.reauthenticate(bearer("slow"));
  near.close();
  await assert.rejects(gone, failsWith("unavailable"));
});

test("what closures serve is described by name, and a handler of one's own goes before", async () => {
  const { dialer } = await pair((routes) => {
    for (const target of ["a.b.x", "a.b.y", "c.b.z", "bare", "a.odd-name"]) serveUnary(routes, method(target), (n) => n);
  }, { own: (routes) => serveUnary(routes, method("fluxar.describe"), () => "mine") });
  const described = await call(dialer, method("fluxar.describe"));
  assert.deepEqual([...described.keys()], [0, 4]);
  const [one, other] = described.get(4);
  const docs = [" Served by a closure: what it takes and gives is not described."];
  const methodOf = (name) => new Map([[0, name], [5, [0, 20]], [15, docs]]);
  assert.deepEqual(one, new Map([[0, "b"], [2, "a"], [3, [methodOf("x"), methodOf("y")]]]));
  assert.deepEqual(other, new Map([[0, "b_2"], [1, "b"], [2, "c"], [3, [methodOf("z")]]]));
  const { acceptor } = await pair(() => {}, { own: (routes) => serveUnary(routes, method("fluxar.describe"), () => "mine") });
  assert.equal(await call(acceptor, method("fluxar.describe")), "mine");
});

test("several contracts are described together [IDL.desc.8]", async () => {
  const service = (name, pkg, extra = []) => new Map([[0, name], [1, name.toLowerCase()], [2, pkg], [3, [new Map([[0, "say"], ...extra])]]]);
  const contract = (pkg, ...services) => {
    const writer = new Writer();
    writeAny(writer, new Map([[0, 1], [1, pkg], [4, services]]));
    return writer.take();
  };
  const described = async (...contracts) => {
    const { dialer } = await pair((routes) => {
      contracts.forEach((bytes) => routes.describe(bytes));
      for (const target of ["a.echo.say", "b.echo.say", "b.log.say"]) serveUnary(routes, method(target), (n) => n);
    });
    const answer = await call(dialer, method("fluxar.describe"));
    return [answer.get(1), answer.get(4).map((of) => [of.get(0), of.get(2), of.get(3)[0].has(15)])];
  };
  const echo = contract("a", service("Echo", "a"));
  assert.deepEqual(await described(echo, contract("b", service("Log", "b"))), [
    undefined, [["Echo", "a", false], ["Log", "b", false], ["echo", "b", true]],
  ]);
  assert.deepEqual(await described(echo, contract("b", service("Echo", "b"), service("Log", "b"))), [
    undefined, [["Echo", "a", false], ["Echo_2", "b", false], ["Log", "b", false]],
  ]);
  assert.deepEqual(await described(echo, echo), ["a", [["Echo", "a", false], ["echo", "b", true], ["log", "b", true]]]);
});

test("of two things of one name the later gets another one, and whoever refers to it follows [IDL.desc.8]", async () => {
  const map = (...entries) => new Map(entries);
  const address = (type) => map([0, "Address"], [2, 0], [3, [map([0, "zip"], [2, 1], [3, type])]]);
  const user = map([0, "User"], [2, 4], [3, [
    map([0, "at"], [2, 1], [3, [0, [1, "Address"]]]), map([0, "in"], [2, 2], [3, [1, [map([0, "home"], [2, 1], [3, "Address"])]]]),
  ]]);
  const contract = (pkg, zip) => {
    const writer = new Writer();
    writeAny(writer, map(
      [0, 1], [1, pkg],
      [3, [address(zip), map([0, "Home"], [2, 1], [3, [2, "Address", 2]]), map([0, "Other"], [2, 2]), user]],
      [4, [map([0, "Users"], [1, "users"], [2, pkg], [3, [
        map([0, "get"], [2, [map([0, "at"], [2, 1], [3, [3, 13, "Address"]])]], [3, ["rows", "User"]], [4, "User"], [5, [1, "User"]], [6, "User"]),
      ]])]],
      [5, [map([0, "Moved"], [2, ["moved", ["id", "Home"]]], [3, "User"])]],
      [6, [map([0, "Shop"], [2, ["Users"]], [4, ["Moved"]])]],
    ));
    return writer.take();
  };
  const [a, b] = [contract("a", 4), contract("b", 13)];
  const { dialer } = await pair((routes) => {
    for (const bytes of [a, b, contract("b", 13)]) routes.describe(bytes);
    for (const target of ["a.users.get", "b.users.get"]) serveUnary(routes, method(target), (n) => n);
  });
  const said = await call(dialer, method("fluxar.describe"));
  assert.deepEqual([...said.keys()], [0, 3, 4, 5, 6]);
  const get = (kind, name) => said.get(kind).find((of) => of.get(0) === name);
  assert.deepEqual(said.get(3).map((of) => of.get(0)), ["Address", "Address_2", "Home", "Home_2", "Other", "User", "User_2"]);
  assert.deepEqual(get(3, "User"), user);
  const [at, inside] = get(3, "User_2").get(3);
  assert.deepEqual([get(3, "User_2").get(1), at.get(3), inside.get(3)[1][0].get(3)], ["User", [0, [1, "Address_2"]], "Address_2"]);
  assert.deepEqual(get(3, "Home_2").get(3), [2, "Address_2", 2]);
  const service = get(4, "Users_2");
  const [of] = service.get(3);
  assert.deepEqual([service.get(1), service.get(2)], ["users", "b"]);
  assert.deepEqual([of.get(2)[0].get(3), of.get(3), of.get(4), of.get(5), of.get(6)], [
    [3, 13, "Address_2"], ["rows", "User_2"], "User_2", [1, "User_2"], "User_2",
  ]);
  assert.deepEqual(get(5, "Moved_2").get(2), ["moved", ["id", "Home_2"]]);
  assert.deepEqual([get(6, "Shop").get(2), get(6, "Shop_2").get(2), get(6, "Shop_2").get(4)], [["Users"], ["Users_2"], ["Moved_2"]]);
});

test("what is open ends before a goodbye does", async () => {
  const { dialer } = await pair((routes) => {
    serveUnary(routes, method("slow.answer"), (n) => new Promise((resolve) => setImmediate(() => resolve(n))));
  });
  const last = call(dialer, method("slow.answer"), 5);
  const closing = dialer.close();
  await assert.rejects(call(dialer, method("slow.answer"), 6), failsWith("unavailable"));
  assert.equal(await last, 5);
  await closing;
  assert.equal(await dialer.closed, undefined);
});
