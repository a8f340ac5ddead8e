/** Small pure functions. */

import { expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { parseJson, read } from "../src/body.js";
import { invalid } from "../src/errors.js";
import { timestamp } from "../src/log.js";
import { allowed } from "../src/routes.js";
import { parsePort, reason } from "../src/settings.js";
import { commit, parseStamp } from "../src/version.js";
import { sendWebhook, TRIES } from "../src/webhooks.js";
import { PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

test.each([
  "0",
  "65536",
  "-1",
  "+80",
  "80 ",
  "8_0",
  "80.0",
  "0x50",
  "1e3",
  "٣",
  "²",
  "",
  "9".repeat(400),
])("%p is not a valid port", (text) => {
  expect(() => parsePort(text)).toThrow("not a number from 1 to 65535");
});

test.each([
  ["1", 1],
  ["08000", 8000],
  ["65535", 65_535],
])("%p is a port", (text, port) => {
  expect(parsePort(text)).toBe(port);
});

test("the reason of the system is given in its own words", () => {
  const taken = Object.assign(new Error("Failed to start server"), { code: "EADDRINUSE" });
  expect(reason(taken)).toBe("Address already in use");
  expect(reason(Object.assign(new Error("odd"), { code: "EODD" }))).toBe("odd");
  expect(reason("text")).toBe("text");
});

test.each([
  ["$Format:%H$", null],
  ["", null],
  ["\n", null],
  ["0c9e1bf\n", "0c9e1bf"],
])("the stamp %p is the commit %p", (text, expected) => {
  expect(parseStamp(text)).toBe(expected);
});

test("a checkout has no commit", () => {
  expect(commit).toBeNull();
});

test("the time of a log line is local time", () => {
  expect(timestamp(new Date(2026, 10, 21, 9, 5, 7, 42))).toBe("2026-11-21 09:05:07,042");
});

test("JSON may contain the names of prototype properties", () => {
  const text = new TextEncoder().encode('{"__proto__": [1, "é", null]}');
  expect(Object.entries(parseJson(text) as object)).toEqual([["__proto__", [1, "é", null]]]);
});

test("a body that breaks off is 400", () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error("aborted")),
  });
  const request = new Request("http://localhost/", { method: "POST", body });
  expect(read(request, 9)).rejects.toMatchObject({ status: 400 });
});

test("a symbol in a path is converted to text", () => {
  const { errors } = invalid([{ path: [Symbol("s"), 1], message: "m" }], "body");
  expect(errors).toEqual([{ loc: ["body", "Symbol(s)", 1], message: "m" }]);
});

test("a path without GET has no HEAD", () => {
  expect(allowed([])).toBe("OPTIONS");
});

test("a webhook is sent again if its server fails, and not if it refuses", async () => {
  const { pauses } = TRIES;
  TRIES.pauses = [0, 1, 1];
  const logged = spyOn(console, "error").mockImplementation(() => undefined);
  const answers = [500, 404, 503, 200];
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("", { status: answers[asked++] ?? 200 }),
  });
  const url = `http://127.0.0.1:${server.port}/hook?key=secret`;
  try {
    await sendWebhook(url, "{}");
    expect(asked).toBe(2);
    await sendWebhook(url, "{}");
    expect(asked).toBe(4);
    await server.stop(true);
    await sendWebhook(url, "{}");
    const lines = logged.mock.calls.map((call) => String(call[0]));
    expect(lines.length).toBe(2);
    expect(lines[0]).toContain("webhook at http://127.0.0.1 was not accepted: it answers 404");
    expect(lines.join("")).not.toContain("secret");
  } finally {
    TRIES.pauses = pauses;
    logged.mockRestore();
    await server.stop(true);
  }
});
