// A page that asks a language model, is asked back by it, stops it, and talks to other tabs.
// llm.js is made from idl/llm.fluxar; fluxar.js is the runtime as one module.
import { Demo } from "./llm.js";

const $ = (id) => document.getElementById(id);
const room = "lobby";
const who = `tab-${crypto.getRandomValues(new Uint16Array(1))[0] % 1000}`;
// Where the node is: `?node=ws://…`, or the usual place.
const node = new URLSearchParams(location.search).get("node") ?? "ws://127.0.0.1:9000";

/** What the page serves to the model: it shows the question, and waits for a click. */
const approvals = {
  approve({ action }, context) {
    return new Promise((resolve) => {
      $("question").textContent = `The model wants to ${action}. May it?`;
      $("approval").hidden = false;
      const answer = (approved) => {
        $("approval").hidden = true;
        resolve({ approved });
      };
      $("yes").onclick = () => answer(true);
      $("no").onclick = () => answer(false);
      // Whoever asked has given up, or was stopped.
      context.signal.addEventListener("abort", () => answer(false), { once: true });
    });
  },
};

function show(state) {
  $("state").textContent = state;
  for (const id of ["start", "send"]) $(id).disabled = state !== "ready";
}

async function ask(demo) {
  $("answer").textContent = "";
  $("summary").textContent = "";
  $("start").disabled = true;
  $("stop").disabled = false;
  // Stopping cancels the stream: the node stops the model, and says in the summary what there was.
  const stream = demo.llm.complete({ prompt: $("prompt").value, approvals: $("approvals").checked });
  $("stop").onclick = () => stream.cancel();
  try {
    for await (const { text } of stream) $("answer").append(text);
    const { model, completionTokens, finishReason } = await stream.result;
    $("summary").textContent = `${model}: ${completionTokens} tokens, ${finishReason}`;
  } catch (error) {
    $("summary").textContent = `${error.code ?? "error"}: ${error.message}`;
  } finally {
    $("stop").disabled = true;
    $("start").disabled = demo.peer.state !== "ready";
  }
}

async function listen(demo) {
  for await (const { value } of demo.chat.subscribe({ room })) {
    const line = document.createElement("li");
    line.textContent = `${value.who}: ${value.text}`;
    $("lines").append(line);
    while ($("lines").childElementCount > 50) $("lines").firstElementChild.remove();
  }
}

async function main() {
  $("who").textContent = who;
  const demo = await Demo.connect(node, { approvals }, { name: who });
  demo.peer.onState(show);
  show(demo.peer.state);
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    void ask(demo);
  });
  $("say").addEventListener("submit", (event) => {
    event.preventDefault();
    demo.chat.publish({ room }, { who, text: $("text").value });
    $("text").value = "";
  });
  await listen(demo);
}

main().catch((error) => show(`no session: ${error.message}`));
