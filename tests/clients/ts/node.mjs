// Starts what the tests talk to: `fluxar` verbs that listen, on ports of their own.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const RUNTIME = new URL("../../../fluxar-codegen/runtimes/ts/", import.meta.url);
export const require = createRequire(new URL("package.json", RUNTIME));
const FLUXAR = process.env.FLUXAR_BIN;
if (!FLUXAR) throw new Error("FLUXAR_BIN names no binary: start the tests with tests/clients/ts/run");

/** Runs a program until `ready` matches what it says; gives the match and what ends the program. */
export function start(program, args, ready) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const stop = () => new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once("exit", resolve);
    child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    const hear = (data) => {
      said += data;
      const match = ready.exec(said);
      if (match) resolve({ match, stop, said: () => said });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
  });
}

/** A node: `fluxar VERB …`, and its address. */
export async function node(...args) {
  const { match, ...rest } = await start(FLUXAR, args, /listening on (ws:\S+)/);
  return { url: match[1], ...rest };
}
