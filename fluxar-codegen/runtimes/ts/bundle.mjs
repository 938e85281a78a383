// Makes fluxar.js, the runtime as one ES module, from src/. With --check it only says whether the file is current.
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";

const OUT = new URL("fluxar.js", import.meta.url);
const BANNER = "// fluxar: the runtime for browsers and Node. Made by bundle.mjs from src/: do not edit.";

const result = await build({
  entryPoints: [new URL("src/index.ts", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  banner: { js: BANNER },
  write: false,
});
const text = result.outputFiles[0].text;
if (!process.argv.includes("--check")) {
  await writeFile(OUT, text);
} else if ((await readFile(OUT, "utf8").catch(() => "")) !== text) {
  console.error("fluxar.js is not what src/ makes: run `npm run bundle` in fluxar-codegen/runtimes/ts");
  process.exit(1);
}
