/** Stops the server: running requests are completed, new ones are refused, then the process ends. */

import { unavailable } from "./errors.js";
import { log } from "./log.js";
import { ACTIVE, openFeeds, stopFeeds } from "./streams.js";

// After the signal: requests that are not answered are refused after some turns, and the process
// ends END_AFTER turns later. A turn takes TURN milliseconds. Turns are counted and not the
// time, because a machine that stalls delays the responses too.
const TURN = 10;
const END_AFTER = 20;
// If no request begins or ends for this many milliseconds, the last response has left the process.
const QUIET = 100;
const STOPPING = "the server is stopping";

/** Tracks the running requests, and ends the process. */
export class Lifecycle {
  stopping = false;
  #changed = 0;
  readonly #refusals = new Set<() => void>();
  readonly #exit: (code: number) => void;

  readonly #refuseAfter: number;

  constructor(exit: (code: number) => void = process.exit, graceSeconds = 0.7) {
    this.#refuseAfter = Math.round((graceSeconds * 1000) / TURN);
    this.#exit = exit;
  }

  /** Ends the process soon after SIGTERM or SIGINT. */
  watch(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => this.stop(signal));
    }
    // npx and `npm run` send the signal to a shell, which ends without telling this process.
    if (process.env["npm_lifecycle_event"]) this.#watchParent(process.ppid);
  }

  #watchParent(parent: number): void {
    const watching = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watching);
      this.stop("the parent process ended");
    }, 200);
    watching.unref();
  }

  /** Waits for a response. Returns a 503 if the server is stopping, or stops in the meantime. */
  answer(work: () => Promise<Response>): Promise<Response> {
    if (this.stopping) return Promise.resolve(unavailable(STOPPING));
    return new Promise((resolve, reject) => {
      const refuse = () => this.#settle(refuse, () => resolve(unavailable(STOPPING)));
      this.#refusals.add(refuse);
      work().then(
        (response) => this.#settle(refuse, () => resolve(response)),
        (problem: unknown) => this.#settle(refuse, () => reject(problem)),
      );
    });
  }

  #settle(refuse: () => void, end: () => void): void {
    this.#refusals.delete(refuse);
    this.#changed = performance.now();
    end();
  }

  /** Refuses new requests, and ends the process when all runs have ended, or after the grace period. */
  stop(signal: string): void {
    if (this.stopping) return;
    this.stopping = true;
    log("INFO", `${signal}: stopping`);
    this.#changed = performance.now();
    let turn = 0;
    const watching = setInterval(() => {
      turn += 1;
      if (turn === this.#refuseAfter) {
        for (const refuse of [...this.#refusals]) refuse();
        stopFeeds();
        for (const stop of [...ACTIVE.values()]) stop();
      }
      const running = this.#refusals.size + openFeeds() + ACTIVE.size;
      const done = running === 0 && performance.now() >= this.#changed + QUIET;
      if (!done && turn < this.#refuseAfter + END_AFTER) return;
      clearInterval(watching);
      this.#exit(0);
    }, TURN);
  }
}
