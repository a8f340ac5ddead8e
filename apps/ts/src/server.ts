/** Serves the app: listens, writes one log line per request, and stops cleanly. */

import { lookup } from "node:dns/promises";
import { type App, pathOf } from "./app.js";
import { Lifecycle } from "./lifecycle.js";
import { listen } from "./listen.js";
import { log } from "./log.js";

/** The address to listen on. */
export interface ServeOptions {
  /** A name or an IP address; 127.0.0.1 by default. */
  readonly host?: string;
  /** 8000 by default. */
  readonly port?: number;
}

/**
 * Answers requests until SIGTERM or SIGINT, then ends the process with exit code 0.
 *
 * Resolves as soon as the server listens. Rejects with the system's error if it can't listen on the
 * address.
 */
export async function serve(app: App, options: ServeOptions = {}): Promise<void> {
  const { host = "127.0.0.1", port = 8000 } = options;
  const lifecycle = new Lifecycle();
  lifecycle.watch();
  await run(app, host, port, lifecycle);
}

/** Answers requests until the lifecycle ends the process. */
export async function run(
  app: App,
  host: string,
  port: number,
  lifecycle: Lifecycle,
): Promise<void> {
  const { address } = await lookup(host);
  await listen(
    async (request) => {
      const began = performance.now();
      const response = await lifecycle.answer(() => app.fetch(request));
      const milliseconds = (performance.now() - began).toFixed(1);
      log("INFO", `${request.method} ${pathOf(request)} ${response.status} ${milliseconds}ms`);
      return response;
    },
    address,
    port,
  );
  log("INFO", `listening on ${address} port ${port}`);
}
