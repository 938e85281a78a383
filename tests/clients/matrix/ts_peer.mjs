#!/usr/bin/env node
// Starts the TypeScript peer, which `run` has compiled; Node 20 has no WebSocket of its own.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { WebSocket } = createRequire(new URL("../../../fluxar-codegen/runtimes/ts/package.json", import.meta.url))("ws");
const { main } = await import(pathToFileURL(`${process.env.FLUXAR_MATRIX_JS}/ts_peer.js`));
const [command = "", url = ""] = process.argv.slice(2);
process.exitCode = (await main(command, url, WebSocket)) ? 0 : 1;
