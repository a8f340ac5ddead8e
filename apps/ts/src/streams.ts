/** Open responses: events and other chunks on their way to clients, which may hang up. */

import { HttpError } from "./errors.js";

/** Milliseconds of silence after which a sign of life is sent, and how many streams can be open. */
export const LIMITS: { heartbeat: number; streams: number } = {
  heartbeat: 5000,
  // The same as the Python server's, whose HTTP server can't have more.
  streams: 200,
};
const BEAT = ": heartbeat\r\n\r\n";
const STOPPING =
  'event: error\r\ndata: {"error":"Stopping","message":"the server is stopping"}\r\n\r\n';

/** The open responses. */
const OPEN = new Set<Feed>();

/** How to cancel the active runs because the server stops, by their ids. */
export const ACTIVE: Map<string, () => void> = new Map();

/** How many responses are open. */
export function openFeeds(): number {
  return OPEN.size;
}

/** Ends all open responses. */
export function stopFeeds(): void {
  for (const feed of [...OPEN]) feed.stop();
}

/** Answers 503 if there are too many open responses. */
export function checkRoom(): void {
  if (OPEN.size >= LIMITS.streams) {
    throw new HttpError(503, "too many open streams", { headers: { "Retry-After": "5" } });
  }
}

/** A response whose chunks are not known yet. */
export class Feed {
  readonly body: ReadableStream<Uint8Array>;
  readonly #last: string;
  readonly #timer: ReturnType<typeof setInterval>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** `idle` is sent in silence, `last` if the server stops. */
  constructor(idle: string, last: string, hungUp: () => void) {
    this.#last = last;
    this.#timer = setInterval(() => this.#send(idle), LIMITS.heartbeat);
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#close();
        hungUp();
      },
    });
    OPEN.add(this);
  }

  /** Sends a chunk. */
  put(chunk: string): void {
    this.#timer.refresh?.();
    this.#send(chunk);
  }

  /** Ends the response. */
  end(): void {
    const controller = this.#controller;
    this.#close();
    controller?.close();
  }

  /** Ends the response because the server stops. */
  stop(): void {
    this.#send(this.#last);
    this.end();
  }

  #send(chunk: string): void {
    this.#controller?.enqueue(new TextEncoder().encode(chunk));
  }

  #close(): void {
    this.#controller = undefined;
    clearInterval(this.#timer);
    OPEN.delete(this);
  }
}

interface Entry<Kind> {
  readonly number: number;
  readonly event: Kind;
  readonly data: string;
}

/** An event as text (HTML standard, 9.2). */
export function sse({ number, event, data }: Entry<string>): string {
  return `event: ${event}\r\ndata: ${data}\r\nid: ${number}\r\n\r\n`;
}

/** The events of a run or of a thread, for any number of readers, who choose by their kind. */
export class Log<Kind> {
  #events: Entry<Kind>[] = [];
  #next: number;
  #closed = false;
  readonly #text: (entry: Entry<Kind>) => string;
  readonly #most: number;
  readonly #readers = new Map<Feed, (event: Kind) => boolean>();

  constructor(
    text: (entry: Entry<Kind>) => string,
    most: number = Number.POSITIVE_INFINITY,
    first = 0,
  ) {
    this.#text = text;
    this.#most = most;
    this.#next = first;
  }

  /** The number of the last event. */
  get last(): number {
    return this.#next - 1;
  }

  /** Lets the next event have at least this number. */
  skip(number: number): void {
    this.#next = Math.max(this.#next, number);
  }

  /** Appends an event. */
  add(event: Kind, data: string): void {
    const entry = { number: this.#next, event, data };
    this.#next += 1;
    this.#events.push(entry);
    if (this.#events.length > this.#most) this.#events.shift();
    for (const [feed, isWanted] of this.#readers) {
      if (isWanted(event)) feed.put(this.#text(entry));
    }
  }

  /** Ends all readers. */
  close(): void {
    this.#closed = true;
    for (const feed of this.#readers.keys()) feed.end();
    this.#readers.clear();
  }

  /** Drops the events. */
  forget(): void {
    this.#events = [];
  }

  /** Returns a response with the events after this number. null: those from now on. */
  read(
    after: number | null,
    isWanted: (event: Kind) => boolean,
    hungUp: () => void = () => undefined,
    last: string = STOPPING,
  ): Feed {
    const feed: Feed = new Feed(BEAT, last, () => {
      this.#readers.delete(feed);
      hungUp();
    });
    const known = after === null ? [] : this.#events.filter(({ number }) => number > after);
    for (const entry of known) {
      if (isWanted(entry.event)) feed.put(this.#text(entry));
    }
    if (this.#closed) feed.end();
    else this.#readers.set(feed, isWanted);
    return feed;
  }
}

/** Returns a function that tells whether an event has one of these modes. null: all of them. */
export function ofModes(wanted: readonly string[] | null): (event: string) => boolean {
  return (event) => {
    if (wanted === null || event === "error") return true;
    const [name = ""] = event.split("|");
    if (name === "messages") return wanted.includes("messages-tuple");
    return wanted.includes(name.split("/")[0] ?? "");
  };
}
