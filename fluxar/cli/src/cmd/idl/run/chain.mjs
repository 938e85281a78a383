// Answers requests, a line each: a value of one level is written by that level's code, read and written by the other's, and read again.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { join } from "node:path";

const stripped = stripper();
for (const folder of readdirSync(".", { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  for (const file of readdirSync(folder.name).filter((name) => name.endsWith(".ts"))) {
    const path = join(folder.name, file);
    writeFileSync(path.replace(/\.ts$/, ".js"), stripped(readFileSync(path, "utf8")));
  }
}
const runtime = await import("./fluxar/index.js");
const pairs = [];
for (const { old, new: newer, uses } of JSON.parse(readFileSync("modules.json", "utf8"))) {
  const [before, after] = [await import(old), await import(newer)];
  pairs.push(uses.map((name) => [before[`${name}Codec`], after[`${name}Codec`]]));
}

const said = [];
for (const line of readFileSync(0, "utf8").split("\n").filter((line) => line !== "")) {
  const [pair, use, direction, checked, hex] = line.split(" ");
  const [old, newer] = pairs[pair][use];
  const [from, to] = direction === "forward" ? [old, newer] : [newer, old];
  said.push(chain(from, to, Uint8Array.from(Buffer.from(hex, "hex")), checked === "checked"));
}
process.stdout.write(said.map((line) => `${line}\n`).join(""));

function chain(from, to, bytes, checked) {
  let value;
  try {
    value = read(from, bytes, true);
  } catch (thrown) {
    return line("skip", bytes, thrown);
  }
  const first = runtime.encode(from, value, false);
  let changed;
  for (const numbers of [false, true]) {
    const sent = runtime.encode(from, value, numbers);
    let back;
    try {
      back = runtime.encode(to, read(to, sent, checked), numbers);
    } catch (thrown) {
      return line("break", first, thrown);
    }
    try {
      const again = runtime.encode(from, read(from, back, checked), numbers);
      if (Buffer.compare(again, sent) !== 0) changed ??= back;
    } catch (thrown) {
      return line("back", first, thrown);
    }
  }
  return changed === undefined ? line("ok", first, "") : line("changed", first, `came back from ${Buffer.from(changed).toString("hex")}`);
}

function read(codec, bytes, checked) {
  const value = runtime.decode(codec, bytes);
  if (checked) codec.check?.(value, "");
  return value;
}

function line(word, bytes, why) {
  const text = why instanceof Error ? why.message : String(why);
  return `${word} ${Buffer.from(bytes).toString("hex")} ${text.replace(/[\r\n]/g, " ")}`;
}

/** Takes the types out of a source: Node's own, or that of a package that is installed where the command was started. */
function stripper() {
  if (module.stripTypeScriptTypes !== undefined) {
    process.removeAllListeners("warning");
    return (text) => module.stripTypeScriptTypes(text);
  }
  const require = createRequire(join(process.env.FLUXAR_HERE ?? process.cwd(), "package.json"));
  try {
    const { transformSync } = require("esbuild");
    return (text) => transformSync(text, { loader: "ts", format: "esm", target: "es2022" }).code;
  } catch {
    console.error(`fluxar: version ${process.versions.node} cannot read TypeScript by itself`);
    process.exit(1);
  }
}
