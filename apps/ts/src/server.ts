/** Serves the app: listens, writes one log line per request, and stops cleanly. */

import { lookup } from "node:dns/promises";
import type { App } from "./app.js";
import { unavailable } from "./errors.js";
import { Lifecycle } from "./lifecycle.js";
import { listen, OK } from "./listen.js";
import { log } from "./log.js";
import { pathOf } from "./path.js";

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
 * address, or if it can't use the app's storage.
 */
export async function serve(app: App, options: ServeOptions = {}): Promise<void> {
  const { host = "127.0.0.1", port = 8000 } = options;
  const lifecycle = new Lifecycle();
  lifecycle.watch();
  const door = new Door();
  await run(door, host, port, lifecycle);
  await app.open();
  door.open(app);
}

const OK_HEADERS = { headers: { "Content-Type": "application/json" } };

function isProbe(request: Request): boolean {
  return (
    request.url.endsWith("/ok") &&
    request.method === "GET" &&
    pathOf(request) === "/ok" &&
    !request.headers.has("origin")
  );
}

// What is answered until the graphs are imported.
const STARTING: Pick<App, "fetch"> = {
  async fetch(request) {
    if (pathOf(request) === "/ok") return new Response(OK, OK_HEADERS);
    return unavailable("the server is starting");
  },
};

/** The app, as soon as its graphs are imported. Until then only `/ok` is answered. */
export class Door {
  /** Where the server listens. */
  place = "";
  app: Pick<App, "fetch"> = STARTING;

  /** Answers all requests from now on. */
  open(app: App): void {
    this.app = app;
    // Only now, because programs wait for this line before they send requests.
    log("INFO", `listening on ${this.place}`);
  }
}

/** Answers requests until the lifecycle ends the process. Resolves as soon as the server listens. */
export async function run(
  door: Door,
  host: string,
  port: number,
  lifecycle: Lifecycle,
): Promise<void> {
  const { address } = await lookup(host);
  await listen(
    async (request) => {
      // Monitors ask for `/ok` often: it is neither logged nor counted.
      if (isProbe(request) && !lifecycle.stopping) return new Response(OK, OK_HEADERS);
      const began = performance.now();
      const response = await lifecycle.answer(async () => door.app.fetch(request));
      const milliseconds = Math.round((performance.now() - began) * 10) / 10;
      const [method, path, { status }] = [request.method, pathOf(request), response];
      log("INFO", `${method} ${path} ${status} ${milliseconds.toFixed(1)}ms`, {
        method,
        path,
        status,
        milliseconds,
      });
      return response;
    },
    address,
    port,
    lifecycle,
  );
  door.place = `${address} port ${port}`;
}
