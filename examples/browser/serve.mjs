// Serves the page: `node serve.mjs [PORT]`. Says where; port 0 takes a free one.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const HERE = new URL(".", import.meta.url);
const TYPES = { html: "text/html; charset=utf-8", css: "text/css", js: "text/javascript" };
/** What there is, and where it lies. Nothing else can be asked for. */
const FILES = new Map([
  ["/", new URL("index.html", HERE)],
  ["/style.css", new URL("style.css", HERE)],
  ["/app.js", new URL("app.js", HERE)],
  ["/llm.js", new URL("llm.js", HERE)],
  ["/fluxar.js", new URL("../../fluxar-codegen/runtimes/ts/fluxar.js", HERE)],
]);
// No inline code, no eval, and connections to nodes on this machine only.
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src ws://127.0.0.1:* ws://localhost:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const server = createServer((request, response) => {
  const file = FILES.get(new URL(request.url ?? "/", "http://page").pathname);
  if (file === undefined) return response.writeHead(404).end();
  const type = TYPES[file.pathname.split(".").pop()];
  response.writeHead(200, { "content-type": type, "content-security-policy": POLICY, "x-content-type-options": "nosniff" });
  createReadStream(fileURLToPath(file)).pipe(response);
});
server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
