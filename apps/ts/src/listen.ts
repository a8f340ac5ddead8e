/** Listens for requests, with Bun's server on Bun and with Node's elsewhere. */

import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";

/** Whether the server stops, so that `/ok` is answered as all others. */
export interface State {
  readonly stopping: boolean;
}

/** Answers a request. */
export type Fetch = (request: Request) => Promise<Response>;

/** The answer of `/ok`. */
export const OK = '{"ok":true}';

/**
 * Answers requests at an IP address. Rejects if it can't listen there.
 *
 * Unless the server stops, `/ok` may be answered without asking `fetch`.
 */
export function listen(fetch: Fetch, address: string, port: number, state: State): Promise<void> {
  const on = "Bun" in globalThis ? onBun : onNode;
  return on(fetch, address, port, state);
}

export async function onBun(fetch: Fetch, hostname: string, port: number): Promise<void> {
  Bun.serve({
    hostname,
    port,
    // The app itself limits the size, and answers with a JSON error.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch(request, server) {
      // By default Bun closes the connection of a request that takes longer than ten seconds.
      if (!request.url.endsWith("/ok")) server.timeout(request, 0);
      return fetch(request);
    },
  });
}

export function onNode(
  fetch: Fetch,
  address: string,
  port: number,
  state: State = { stopping: true },
): Promise<void> {
  const answer = getRequestListener(fetch, { overrideGlobalObjects: false });
  const head = { "Content-Type": "application/json", "Content-Length": OK.length };
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      // Requests and responses of the web's kind cost Node more than all the rest.
      const probe = request.url === "/ok" && request.method === "GET" && !request.headers.origin;
      if (probe && !state.stopping) response.writeHead(200, head).end(OK);
      else void answer(request, response);
    });
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
}
