/** Links over WebSocket, subprotocol `fluxar.1` [L0.ws.2]. */

import type { Link } from "./link.js";
import { FluxarError } from "./status.js";

export const SUBPROTOCOL = "fluxar.1";
const DEFAULT_PORT = "9000";
const DEFAULT_PATH = "/fluxar";

/** What this runtime needs of a WebSocket: the browser's has it, and the package `ws` of Node. */
export interface WebSocketLike {
  binaryType: string;
  readonly protocol: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
  onopen: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
}

/** Makes a WebSocket. Where there is a global one it need not be given. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** The address with what may be left out. */
export function completeUrl(address: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new FluxarError("invalid_argument", `[L0.addr.1] \`${address}\` is no address: use ws://host:port`, { cause });
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new FluxarError("invalid_argument", `[L0.addr.1] ${url.protocol}// cannot be dialed from here: use ws://`);
  }
  // A port that is the scheme's default is dropped by URL, so the text is asked.
  if (url.port === "" && !/^wss?:\/\/[^/]*:\d+/.test(address)) url.port = DEFAULT_PORT;
  if (url.pathname === "/" || url.pathname === "") url.pathname = DEFAULT_PATH;
  return url.href;
}

/** Dials. */
export function dialWebSocket(address: string, given: WebSocketConstructor | undefined, signal?: AbortSignal): Promise<Link> {
  const constructor = given ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (constructor === undefined) {
    const text = "there is no global WebSocket here: pass one as `webSocket`, for example that of the package ws";
    return Promise.reject(new FluxarError("failed_precondition", text));
  }
  return new Promise((resolve, reject) => {
    const socket = new constructor(completeUrl(address), [SUBPROTOCOL]);
    socket.binaryType = "arraybuffer";
    const fail = (text: string) => reject(new FluxarError("unavailable", text, { origin: "link" }));
    const give = () => {
      socket.close();
      fail(`dialing ${address} was given up`);
    };
    socket.onerror = () => {};
    if (signal?.aborted) return give();
    signal?.addEventListener("abort", give, { once: true });
    socket.onopen = () => {
      signal?.removeEventListener("abort", give);
      if (socket.protocol === SUBPROTOCOL) return resolve(webSocketLink(socket));
      socket.close();
      fail(`[L0.ws.2] ${address} does not speak ${SUBPROTOCOL}`);
    };
    socket.onclose = () => {
      signal?.removeEventListener("abort", give);
      fail(`no link to ${address}: is a peer listening there, and does it allow this origin?`);
    };
  });
}

/** A link over a WebSocket that is open; an acceptor has selected the subprotocol. */
export function webSocketLink(socket: WebSocketLike): Link {
  socket.binaryType = "arraybuffer";
  const link: Link = {
    send: (bytes) => socket.send(bytes as Uint8Array<ArrayBuffer>),
    close: () => socket.close(),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    onBytes: () => {},
    onClose: () => {},
    onRoom: () => {},
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (data instanceof ArrayBuffer) link.onBytes(new Uint8Array(data));
    else if (data instanceof Uint8Array) link.onBytes(new Uint8Array(data.buffer, data.byteOffset, data.length));
    // A text message ends the link [L0.ws.1].
    else socket.close();
  };
  socket.onerror = () => {};
  socket.onclose = ({ code }: { code?: number }) => link.onClose(`the link was closed (${code ?? "no code"})`);
  return link;
}
