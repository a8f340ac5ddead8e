/** compat.json: the committed, generated and served documents are equal and match the schema. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Schema, Validator } from "@cfworker/json-schema";
import { createApp } from "../src/index.js";
import { kept } from "../src/promises.js";
import { PATIENCE, ROOT } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

const committed = readFileSync(`${ROOT}/compat.json`, "utf8");
const schema: Schema = JSON.parse(
  readFileSync(`${ROOT}/../../contract/compat.schema.json`, "utf8"),
);

function valid(document: unknown): boolean {
  return new Validator(schema, "2020-12").validate(document).valid;
}

/** The committed document with one value changed or added. */
function changed(place: (string | number)[], to: unknown): unknown {
  const document = JSON.parse(committed);
  const last = place.at(-1) ?? "";
  let inner = document;
  for (const key of place.slice(0, -1)) inner = inner[key];
  inner[last] = to;
  return document;
}

test("the committed document is what the command prints", () => {
  const done = Bun.spawnSync([process.execPath, "src/compat-json.ts"], { cwd: ROOT });
  expect(done.stdout.toString()).toBe(committed);
  expect(done.stderr.toString()).toBe("");
});

test("info has the committed document", async () => {
  const response = await createApp().fetch(new Request("http://x/info"));
  expect(await response.json()).toMatchObject({ compat: JSON.parse(committed) });
});

test("the committed document matches the schema", () => {
  expect(new Validator(schema, "2020-12").validate(JSON.parse(committed)).errors).toEqual([]);
});

test.each(["plugins", "channels"])("in %s, an end must name the release", (kind) => {
  const [first] = JSON.parse(committed)[kind];
  for (const [status, removal, expected] of [
    ["supported", null, true],
    ["supported", "2.0.0", false],
    ["deprecated", null, false],
    ["deprecated", "2.0.0", true],
    ["removed", null, false],
    ["removed", "2.0.0", true],
    ["removed", "2.0", false],
  ] as const) {
    expect(valid(changed([kind], [{ ...first, status, removal }]))).toBe(expected);
  }
});

test.each([
  ["more", 1],
  ["schema", 2],
  ["$schema", "https://example.org"],
  ["version", "v1"],
  ["contract.spec", "sha256:0"],
  ["contract.more", 1],
  ["plugins", {}],
  ["plugins.0.apiVersion", 1],
  ["plugins.0.more", 1],
  ["channels.0.version", "01"],
  ["channels.0.status", "gone"],
  ["channels.0.more", 1],
])("the schema refuses %s: %p", (place, to) => {
  expect(valid(changed(place.split("."), to))).toBe(false);
});

test("removed versions are not kept", () => {
  const promises = [
    { version: "1", status: "removed", removal: "1.0.0" },
    { version: "2", status: "deprecated", removal: "2.0.0" },
    { version: "3", status: "supported", removal: null },
  ] as const;
  expect(kept(promises)).toEqual(["2", "3"]);
});
