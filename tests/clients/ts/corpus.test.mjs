// What was generated for every contract in idl/: random values, hostile bytes, and the hash.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Random, typesOf } from "./random.mjs";

const BUILD = new URL("build/js/", import.meta.url);
const ROUNDS = Number(process.env.FLUXAR_ROUNDS ?? 100);

const contracts = readdirSync(BUILD, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
assert.ok(contracts.length > 0, "nothing was generated");

for (const contract of contracts) {
  const folder = new URL(`${contract}/`, BUILD);
  const runtime = await import(new URL("fluxar/index.js", folder));
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
    const module = await import(new URL(file, folder));
    const types = typesOf(runtime, module);

    test(`${contract}/${file}: the descriptor has its hash`, () => {
      assert.equal(runtime.descriptorHash(module.DESCRIPTOR), module.HASH);
      assert.deepEqual(runtime.canonical(module.DESCRIPTOR, true), module.DESCRIPTOR);
    });

    test(`${contract}/${file}: random values survive, with names and numbers for keys`, () => {
      const random = new Random(runtime, types, 1);
      for (const name of types.keys()) {
        const codec = module[`${name}Codec`];
        assert.ok(codec, `${name} has a codec`);
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const keys of ["numbers", "names", "both"]) roundTrip(runtime, codec, random.named(name, keys), name);
        }
      }
    });

    test(`${contract}/${file}: broken bytes are refused and nothing else`, () => {
      const random = new Random(runtime, types, 2);
      for (const name of types.keys()) {
        const codec = module[`${name}Codec`];
        for (let round = 0; round < ROUNDS; round += 1) {
          const bytes = random.named(name, "both").slice();
          const cut = bytes.subarray(0, random.below(bytes.length));
          const changed = Uint8Array.from(bytes);
          changed[random.below(changed.length)] = random.below(256);
          const longer = Uint8Array.from([...bytes, 0]);
          assert.throws(() => runtime.decode(codec, cut.length === 0 ? Uint8Array.of(0x1c) : cut), runtime.DecodeError);
          assert.throws(() => runtime.decode(codec, longer), runtime.DecodeError);
          refusedOrTaken(runtime, codec, changed);
        }
      }
      assert.equal(Object.prototype.polluted, undefined);
    });
  }
}

function roundTrip(runtime, codec, bytes, name) {
  const where = `${name} ${Buffer.from(bytes).toString("hex")}`;
  const value = runtime.decode(codec, bytes);
  const [numbers, names] = [true, false].map((mode) => runtime.encode(codec, value, mode));
  for (const again of [numbers, names]) assert.deepStrictEqual(runtime.decode(codec, again), value, where);
  assert.deepEqual(runtime.encode(codec, runtime.decode(codec, names), true), numbers, where);
}

function refusedOrTaken(runtime, codec, bytes) {
  try {
    runtime.decode(codec, bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof runtime.DecodeError, thrown.stack);
  }
}
