// Takes the types out of generated code: `strip.mjs IN.ts OUT.js RUNTIME` writes a module that imports the runtime from RUNTIME.
import { transform } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";

const [input, output, runtime] = process.argv.slice(2);
const source = await readFile(input, "utf8");
const { code } = await transform(source, { loader: "ts", format: "esm", target: "es2022", charset: "utf8" });
await writeFile(output, code.replace('from "./fluxar/index.js"', `from ${JSON.stringify(runtime)}`));
