/** Stopping: what is being answered is finished, what is not is refused, and the process ends. */

import { HttpError } from "./errors.js";
import { log } from "./log.js";

// Turns of so many milliseconds after the signal: when requests that are not answered are refused,
// and when the process ends. Not by the clock: where a machine stalls, so do the answers.
const TURN = 10;
const REFUSE_AFTER = 70;
const END_AFTER = 90;
// Nothing began or ended for this long: the last answer has left the process.
const QUIET = 100;

/** The requests that are being answered, and the end of the process. */
export class Lifecycle {
  #stopping = false;
  #changed = 0;
  readonly #refusals = new Set<() => void>();
  readonly #exit: (code: number) => void;

  constructor(exit: (code: number) => void = process.exit) {
    this.#exit = exit;
  }

  /** Ends the process soon after SIGTERM or SIGINT. */
  watch(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => this.stop(signal));
    }
  }

  /** Waits for an answer; 503 if the server is stopping, or stops before it is there. */
  answer(work: () => Promise<Response>): Promise<Response> {
    if (this.#stopping) return Promise.resolve(refusal());
    return new Promise((resolve, reject) => {
      const refuse = () => this.#settle(refuse, () => resolve(refusal()));
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

  /** Ends the process soon. */
  stop(signal: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    log("INFO", `${signal}: stopping`);
    this.#changed = performance.now();
    let turn = 0;
    const watching = setInterval(() => {
      turn += 1;
      if (turn === REFUSE_AFTER) for (const refuse of [...this.#refusals]) refuse();
      const done = this.#refusals.size === 0 && performance.now() >= this.#changed + QUIET;
      if (!done && turn < END_AFTER) return;
      clearInterval(watching);
      this.#exit(0);
    }, TURN);
  }
}

function refusal(): Response {
  const headers = { "Retry-After": "1" };
  return new HttpError(503, "the server is stopping", { headers }).response();
}
