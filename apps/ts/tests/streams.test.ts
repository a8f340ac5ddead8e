/** Open responses: signs of life, clients that hang up, and the limit. */

import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { createApp } from "../src/index.js";
import {
  checkRoom,
  Feed,
  LIMITS,
  Log,
  ofModes,
  openFeeds,
  sse,
  stopFeeds,
} from "../src/streams.js";
import { PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

const usual = { ...LIMITS };
beforeEach(() => {
  LIMITS.heartbeat = 20;
});
afterEach(() => {
  Object.assign(LIMITS, usual);
});

function text({ body }: Feed): Promise<string> {
  return new Response(body).text();
}

test("a silent stream has signs of life", async () => {
  const log = new Log(sse);
  const read = text(log.read(-1, ofModes(null)));
  await Bun.sleep(50);
  log.add("values", "1");
  log.close();
  expect(await read).toMatch(/^(: heartbeat\r\n\r\n)+event: values\r\ndata: 1\r\nid: 0\r\n\r\n$/);
  expect(await text(log.read(null, ofModes(null)))).toBe("");
});

test("a long wait is answered with blank lines first", async () => {
  const slow = { invoke: () => Bun.sleep(100).then(() => ({ done: true })) };
  const body = JSON.stringify({ assistant_id: "g", input: {} });
  const request = new Request("http://x/runs/wait", { method: "POST", body });
  const response = await createApp({ g: slow }).fetch(request);
  expect(response.headers.get("content-type")).toBe("application/json");
  const told = await response.text();
  expect(told).toMatch(/^\n/);
  expect(JSON.parse(told)).toEqual({ done: true });
});

test("a client that hangs up is noticed only before the end", async () => {
  const seen: string[] = [];
  const before = openFeeds();
  const early = new Feed("", "", () => seen.push("early"));
  await early.body.cancel();
  const late = new Feed("", "", () => seen.push("late"));
  late.end();
  expect(await text(late)).toBe("");
  expect(seen).toEqual(["early"]);
  expect(openFeeds()).toBe(before);
});

test("the number of open streams is limited", async () => {
  LIMITS.streams = openFeeds() + 1;
  checkRoom();
  const feed = new Feed("", "last", () => undefined);
  expect(checkRoom).toThrow("too many open streams");
  stopFeeds();
  expect(await text(feed)).toBe("last");
});

test("a log remembers only so many events", async () => {
  const log = new Log(sse, 2);
  for (const number of [0, 1, 2, 3]) log.add("custom", String(number));
  log.close();
  const ids = [...(await text(log.read(-1, ofModes(null)))).matchAll(/id: (\d)/g)].map(
    ([, id]) => id,
  );
  expect(ids).toEqual(["2", "3"]);
  log.forget();
  expect(await text(log.read(-1, ofModes(null)))).toBe("");
});
