/** Listens for requests, with Bun's server on Bun and with Node's elsewhere. */

import { createAdaptorServer } from "@hono/node-server";

/** Answers a request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Answers requests at an IP address. Rejects if it can't listen there. */
export function listen(fetch: Fetch, address: string, port: number): Promise<void> {
  return "Bun" in globalThis ? onBun(fetch, address, port) : onNode(fetch, address, port);
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

export function onNode(fetch: Fetch, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createAdaptorServer({ fetch, overrideGlobalObjects: false });
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
}
