/** The web page at `/`. `contract/page/check.py` uses it in a browser. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createApp } from "../src/app.js";
import { echo } from "../src/echo.js";
import { parseSettings } from "../src/settings.js";
import { PATIENCE, ROOT } from "./servers.js";

setDefaultTimeout(PATIENCE);

const PAGE = readFileSync(`${ROOT}/page.html`, "utf8");

function got(method: string, settings = {}): Promise<Response> {
  const app = createApp({ echo: echo() }, { token: "token", settings });
  return app.fetch(new Request("http://localhost/", { method }));
}

test("the page needs no token, and its policy allows only itself", async () => {
  const reply = await got("GET");
  expect([reply.status, await reply.text()]).toEqual([200, PAGE]);
  const policy = reply.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  for (const tag of ["script", "style"]) {
    const [, text = ""] = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(PAGE) ?? [];
    const hash = createHash("sha256").update(text).digest("base64");
    expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
  }
  // What the policy would forbid.
  expect(PAGE).not.toMatch(/<[^>]* (style|on\w+)=/);
});

test("the page can be left out", async () => {
  expect(parseSettings({}).page).toBe(true);
  expect(parseSettings({ PAGE: "off" }).page).toBe(false);
  expect(() => parseSettings({ PAGE: "no" })).toThrow("PAGE is 'no', not on or off");
  expect((await got("GET", { page: false })).status).toBe(401);
  expect((await got("POST")).status).toBe(404);
});
