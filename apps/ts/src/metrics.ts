/** What the server counts, in Prometheus' text format. */

// The upper bounds of the classes of durations, in seconds.
const BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10];
export const KIND = "text/plain; version=0.0.4; charset=utf-8";
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

interface Durations {
  readonly classes: number[];
  sum: number;
}

/** Counters of requests and runs. */
export class Metrics {
  readonly #began = Date.now() / 1000;
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Durations>();
  readonly #runs = new Map<string, number>();

  /** Counts a request. `path` has names in braces for the parts that vary. */
  request(method: string, path: string, status: number, seconds: number): void {
    const known = METHODS.includes(method) ? method : "other";
    add(this.#requests, `method="${known}",path="${path}",status="${status}"`);
    let durations = this.#durations.get(path);
    if (!durations) {
      durations = { classes: new Array(BOUNDS.length + 1).fill(0), sum: 0 };
      this.#durations.set(path, durations);
    }
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    const place = at < 0 ? BOUNDS.length : at;
    durations.classes[place] = (durations.classes[place] ?? 0) + 1;
    durations.sum += seconds;
  }

  /** Counts a run that has ended. */
  run(status: string): void {
    add(this.#runs, `status="${status}"`);
  }

  /** Returns the text. */
  render(active: number, streams: number): string {
    const duration = "http_request_duration_seconds";
    const lines = [
      ...family("http_requests_total", "counter", "Answered requests."),
      ...sorted(this.#requests).map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
      ...family(duration, "histogram", "Time until an answer begins."),
      ...sorted(this.#durations).flatMap(([path, one]) => histogram(duration, path, one)),
      ...family("runs_total", "counter", "Runs that have ended."),
      ...sorted(this.#runs).map(([labels, count]) => `runs_total{${labels}} ${count}`),
      ...family("runs_active", "gauge", "Runs that have not ended."),
      `runs_active ${active}`,
      ...family("streams_open", "gauge", "Open responses."),
      `streams_open ${streams}`,
      ...family("process_resident_memory_bytes", "gauge", "Memory of the process."),
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      ...family("process_start_time_seconds", "gauge", "When the server began."),
      `process_start_time_seconds ${this.#began.toFixed(3)}`,
    ];
    return `${lines.join("\n")}\n`;
  }
}

function add(counts: Map<string, number>, labels: string): void {
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
}

function sorted<Value>(counts: ReadonlyMap<string, Value>): [string, Value][] {
  return [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
}

function family(name: string, kind: string, told: string): string[] {
  return [`# HELP ${name} ${told}`, `# TYPE ${name} ${kind}`];
}

function histogram(name: string, path: string, { classes, sum }: Durations): string[] {
  let total = 0;
  const lines = [...BOUNDS.map(String), "+Inf"].map((bound, at) => {
    total += classes[at] ?? 0;
    return `${name}_bucket{path="${path}",le="${bound}"} ${total}`;
  });
  const ends = [
    `${name}_sum{path="${path}"} ${sum.toFixed(6)}`,
    `${name}_count{path="${path}"} ${total}`,
  ];
  return [...lines, ...ends];
}
