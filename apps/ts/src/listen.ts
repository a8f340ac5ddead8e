/** The sockets: Bun's server where Bun runs this, Node's elsewhere. */

import { createAdaptorServer } from "@hono/node-server";

/** Answers a request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Answers requests at an IP address. Rejects where it can't be listened on. */
export function listen(fetch: Fetch, address: string, port: number): Promise<void> {
  return "Bun" in globalThis ? onBun(fetch, address, port) : onNode(fetch, address, port);
}

export async function onBun(fetch: Fetch, hostname: string, port: number): Promise<void> {
  Bun.serve({
    hostname,
    port,
    // The app has a limit of its own, and says so in JSON.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch(request, server) {
      // Else Bun hangs up on runs that take longer than ten seconds.
      server.timeout(request, 0);
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
