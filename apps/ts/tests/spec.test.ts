/** The OpenAPI document: the committed, generated and served documents are equal. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createApp } from "../src/index.js";
import { ROUTES } from "../src/routes.js";
import { document } from "../src/spec.js";
import { version } from "../src/version.js";
import { PATIENCE, ROOT } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

const committed = readFileSync(`${ROOT}/openapi.json`, "utf8");

test("the committed document is what the command prints", () => {
  const done = Bun.spawnSync([process.execPath, "src/openapi.ts"], { cwd: ROOT });
  expect(done.stdout.toString()).toBe(committed);
  expect(done.stderr.toString()).toBe("");
});

test("the served document is the committed one", async () => {
  const response = await createApp().fetch(new Request("http://x/openapi.json"));
  expect(await response.text()).toBe(committed);
});

test("the document has the package's version", () => {
  expect(document()).toMatchObject({ info: { version } });
});

test("every operation of the table is in the document and no other", () => {
  const { paths } = document() as { paths: Record<string, object> };
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
});

test("every reference leads to a schema", () => {
  const { components } = document() as { components: { schemas: object } };
  const names = [...committed.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)];
  expect([...new Set(names.map(([, name]) => name))].sort()).toEqual(
    Object.keys(components.schemas).sort(),
  );
});

test("the OpenAPI command imports neither the server nor langgraph", () => {
  const script = `
    await import("./src/spec.ts");
    const imported = [...require("node:module").builtinModules, ...Object.keys(require.cache)];
    console.log(imported.filter((path) => /node_modules.(hono|@hono|@langchain)/.test(path)));`;
  const done = Bun.spawnSync([process.execPath, "-e", script], { cwd: ROOT });
  expect(done.stdout.toString()).toBe("[]\n");
});
