// Payloads: this runtime's generated code beside cbor-x, on the User of idl/shop.fluxar, in one run.
//
//   fluxar gen ts idl/shop.fluxar -o /tmp/shop && npx tsc --outDir /tmp/shop/js …   (tests/clients/ts/run does both)
//   npm install --no-save cbor-x@1.6.9
//   node bench.mjs [FOLDER of the compiled contract]
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2] ?? new URL("../../../tests/clients/ts/build/js/shop", import.meta.url).pathname}/`);
const { UserCodec } = await import(new URL("shop_v1.js", folder)).catch(() => fail("compiled contract", "run tests/clients/ts/run first"));
const { decode, encode } = await import(new URL("fluxar/index.js", folder));
const { Encoder } = await import("cbor-x").catch(() => fail("cbor-x", "npm install --no-save cbor-x@1.6.9"));

function fail(what, next) {
  console.error(`bench.mjs: there is no ${what}: ${next}`);
  process.exit(1);
}

const user = {
  id: "123e4567-e89b-12d3-a456-426614174000",
  email: "ada@example.org",
  displayName: "Ada Lovelace",
  createdAt: 1790000000123456,
  roles: ["admin", "member"],
  avatar: "https://example.org/ada.png",
  balance: "12.50",
};
// The same as cbor-x has it: names for keys, the uuid as bytes.
const plain = {
  id: Buffer.from(user.id.replaceAll("-", ""), "hex"),
  email: user.email,
  display_name: user.displayName,
  created_at: user.createdAt,
  roles: user.roles,
  avatar: user.avatar,
  balance: user.balance,
};
const other = new Encoder({ useRecords: false, variableMapSize: true });

const numbers = encode(UserCodec, user, true);
const names = encode(UserCodec, user, false);
const theirs = other.encode(plain);

const rows = [
  ["decode, numbers for keys", numbers.length, () => decode(UserCodec, numbers)],
  ["decode, names for keys", names.length, () => decode(UserCodec, names)],
  ["cbor-x decode", theirs.length, () => other.decode(theirs)],
  ["encode, numbers for keys", numbers.length, () => encode(UserCodec, user, true)],
  ["encode, names for keys", names.length, () => encode(UserCodec, user, false)],
  ["cbor-x encode", theirs.length, () => other.encode(plain)],
];

const ROUNDS = 11;
const CALLS = 50_000;
const times = rows.map(() => []);
// The subjects take turns, so that a busy machine hits all of them.
for (let round = 0; round < ROUNDS; round += 1) {
  rows.forEach(([, , work], index) => {
    const start = process.hrtime.bigint();
    for (let call = 0; call < CALLS; call += 1) work();
    times[index].push(Number(process.hrtime.bigint() - start) / CALLS);
  });
}
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const medians = times.map((list) => median(list.slice(1)));
console.log("| what | bytes | ns | against cbor-x |\n|---|---|---|---|");
rows.forEach(([what, bytes], index) => {
  const base = medians[index < 3 ? 2 : 5];
  console.log(`| ${what} | ${bytes} | ${medians[index].toFixed(0)} | ${(base / medians[index]).toFixed(2)}× |`);
});
