// examples/browser in headless Chromium: tokens, the call that the model makes to the page, the stop button, two tabs and a topic.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, node, require, start } from "./node.mjs";

const { chromium } = require("playwright-core");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

let site;
let up;
let profile;
let browser;

before(async () => {
  const page = await start(process.execPath, [join(ROOT, "examples/browser/serve.mjs"), "0"], /(http:\/\/127\.0\.0\.1:\d+)\//);
  site = { url: page.match[1], stop: page.stop };
  up = await node("up", "--listen", "ws://127.0.0.1:0", "--tokens-per-second", "40", "--allow-origin", site.url);
  profile = await mkdtemp(join(tmpdir(), "fluxar-chromium-"));
  browser = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, headless: true, args: FLAGS });
});

after(async () => {
  await browser?.close();
  await up?.stop();
  await site?.stop();
  if (profile) await rm(profile, { recursive: true, force: true });
});

async function tab() {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(`${site.url}/?node=${encodeURIComponent(up.url)}`);
  await page.waitForFunction(() => document.getElementById("state").textContent === "ready");
  return { page, errors };
}

const text = (page, id) => page.textContent(`#${id}`);

test("the page streams, answers the model's call, stops it, and talks to another tab", async () => {
  const { page, errors } = await tab();

  // Tokens, and the question in the middle of them.
  await page.click("#start");
  await page.waitForSelector("#approval:not([hidden])");
  assert.match(await text(page, "question"), /The model wants to .+\. May it\?/);
  const before = (await text(page, "answer")).length;
  assert.ok(before > 0, "some tokens came before the question");
  await page.click("#yes");
  await page.waitForFunction((length) => document.getElementById("answer").textContent.length > length, before);
  assert.ok(await page.isHidden("#approval"));

  // The button stops the model, not only the page.
  await page.click("#stop");
  await page.waitForFunction(() => document.getElementById("summary").textContent !== "");
  assert.match(await text(page, "summary"), /^fluxar-ngram: \d+ tokens, cancelled$/);
  const stopped = await text(page, "answer");

  // A second tab hears what the first one says.
  const other = await tab();
  await other.page.fill("#text", "hello from the other tab");
  await other.page.click("#send");
  await page.waitForSelector("#lines li");
  assert.match(await text(page, "lines"), /^tab-\d+: hello from the other tab$/);
  await other.page.waitForSelector("#lines li");
  assert.equal(await text(page, "answer"), stopped, "nothing came after the stop");

  const artifacts = join(ROOT, "tests/artifacts");
  await mkdir(artifacts, { recursive: true });
  await page.setViewportSize({ width: 1100, height: 640 });
  await page.screenshot({ path: join(artifacts, "browser.png") });
  assert.deepEqual([...errors, ...other.errors], []);
});

test("code from a string does not run on the page", async () => {
  const { page } = await tab();
  const outcome = await page.evaluate(() => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
    const script = document.createElement("script");
    script.textContent = "globalThis.ran = true";
    document.body.append(script);
  }));
  assert.match(outcome, /^script-src/);
  assert.equal(await page.evaluate(() => globalThis.ran), undefined);
});

test("a page of another origin is not let in", async () => {
  const page = await browser.newPage();
  const stranger = site.url.replace("127.0.0.1", "localhost");
  await page.goto(`${stranger}/?node=${encodeURIComponent(up.url)}`);
  await page.waitForFunction(() => document.getElementById("state").textContent.startsWith("no session"));
});
