/** Loading of plugins, and the errors of those that can't be used. */

import {
  afterAll,
  afterEach,
  beforeEach,
  expect,
  type Mock,
  setDefaultTimeout,
  spyOn,
  test,
} from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { relative } from "node:path";
import type { Graph } from "../src/graphs.js";
import { load, PluginError } from "../src/plugins.js";
import { cli, freePort, PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

const PROMISES = [
  { version: "1", status: "removed", removal: "1.0.0" },
  { version: "2", status: "deprecated", removal: "2.0.0" },
  { version: "3", status: "supported", removal: null },
  { version: "4", status: "supported", removal: null },
] as const;

const folder = mkdtempSync(`${tmpdir()}/plugins-of-tests-`);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let logged: Mock<typeof console.error>;
beforeEach(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  logged.mockRestore();
});

let written = 0;

/** Writes a module with this text under a name that no other test has imported. */
function module(text: string): string {
  written += 1;
  const path = `${folder}/m${written}.mjs`;
  writeFileSync(path, text);
  return path;
}

const GRAPH = "const graph = { invoke: async () => ({}) };";

/** Writes a module that exports this plugin. */
function plugin(name: string, apiVersion: string, graphs: string): string {
  return module(`${GRAPH}
    export const plugin = { name: "${name}", apiVersion: ${apiVersion}, graphs: ${graphs} };`);
}

async function refusal(modules: string, graphs: Record<string, Graph> = {}): Promise<string> {
  const problem = await load(modules, graphs, PROMISES).catch((thrown: unknown) => thrown);
  if (!(problem instanceof PluginError)) throw new Error("it was not refused", { cause: problem });
  expect(problem.message).not.toContain("\n");
  return problem.message;
}

test("graphs and functions that return graphs are loaded", async () => {
  const one = plugin("first", '"3"', "{ a: graph, b: () => graph }");
  const two = relative(".", plugin("second", '"4"', "{ __proto__: graph, ['__proto__']: graph }"));
  const none = plugin("third", '"3"', "{}");
  const ours = { ours: { invoke: async () => ({}) } };
  const graphs = await load(` ${one},,${two} , ${none},`, ours, PROMISES);
  expect(Object.keys(graphs)).toEqual(["ours", "a", "b", "__proto__"]);
  for (const graph of Object.values(graphs)) expect(await graph.invoke({})).toEqual({});
  expect(Object.keys(ours)).toEqual(["ours"]);
  expect(logged.mock.calls.join("\n")).toContain("INFO plugin third: no graphs");
});

test.each(["", " ", ",", " , ,"])("without plugins (%p) no graph is added", async (modules) => {
  expect(await load(modules, {})).toEqual({});
});

test.each([
  ["5", "'5'"],
  ["1", "'1', removed in 1.0.0"],
  ["3.0", "'3.0'"],
  ["", "''"],
])("the version %p is not supported", async (version, expected) => {
  const supported = "supported: '2', '3', '4'";
  expect(await refusal(plugin("p", `"${version}"`, "{}"))).toBe(
    `plugin 'p' needs plugin API ${expected}; ${supported}`,
  );
});

test("a version that is deprecated is a warning", async () => {
  const graphs = await load(plugin("p", '"2"', "{ g: graph }"), {}, PROMISES);
  expect(Object.keys(graphs)).toEqual(["g"]);
  expect(logged.mock.calls.join("\n")).toContain(
    "WARNING plugin 'p' needs plugin API '2', which is deprecated and will be removed in 2.0.0",
  );
});

test.each([
  ['import "nothing-of-that-name"', "nothing-of-that-name"],
  ['throw new Error("first\\nsecond")', "first"],
  ["throw new RangeError()", "RangeError"],
  ['throw "text"', "text"],
  ["throw null", "null"],
  ["export const", ""],
])("%p can't be imported", async (text, reason) => {
  const path = module(text);
  const begin = `PLUGINS names ${path}, which can't be imported: `;
  const error = await refusal(path);
  expect(error).toStartWith(begin);
  expect(error.slice(begin.length)).toContain(reason);
});

test.each(["nothing-of-that-name", "./nothing", "/nothing", "@x", "a b", "no:scheme"])(
  "%p is not a module",
  async (name) => {
    expect(await refusal(name)).toStartWith(`PLUGINS names ${name}, which can't be imported: `);
  },
);

test.each([
  "",
  "export const plugin = null;",
  'export const plugin = "p";',
  "export const plugin = {};",
  'export const plugin = { name: "p", apiVersion: 3, graphs: {} };',
  'export const plugin = { name: "p", apiVersion: "3" };',
  'export const plugin = { name: "p", apiVersion: "3", graphs: null };',
  'export default { name: "p", apiVersion: "3", graphs: {} };',
])("%p exports no plugin", async (text) => {
  const path = module(text);
  expect(await refusal(path)).toBe(
    `PLUGINS names ${path}, which exports no \`plugin\` that is a Plugin`,
  );
});

test("names that are used twice", async () => {
  const one = plugin("p", '"3"', "{ a: graph }");
  const two = plugin("p", '"3"', "{ b: graph }");
  const three = plugin("q", '"3"', "{ a: graph }");
  expect(await refusal(`${one},${two}`)).toBe(`both ${one} and ${two} define a plugin 'p'`);
  expect(await refusal(`${one},${one}`)).toBe(`both ${one} and ${one} define a plugin 'p'`);
  expect(await refusal(`${one},${three}`)).toBe("both plugin 'p' and plugin 'q' have a graph 'a'");
  const a = { invoke: async () => ({}) };
  expect(await refusal(one, { a })).toBe("both the server and plugin 'p' have a graph 'a'");
});

const NEITHER = ": 'g' is neither a graph nor a function that returns one";

test.each([
  ["1", NEITHER],
  ["null", NEITHER],
  ["{}", NEITHER],
  ["() => ({})", NEITHER],
  ["async () => graph", NEITHER],
  ['() => { throw new Error("odd") }', " can't build its graph 'g': odd"],
])("%p is not a graph", async (graph, expected) => {
  expect(await refusal(plugin("p", '"3"', `{ g: ${graph} }`))).toBe(`plugin 'p'${expected}`);
});

test("a plugin that can't be used ends the server before it listens", async () => {
  const endless = "setInterval(() => undefined, 1000);";
  const path = module(
    `${endless} export const plugin = { name: "p", apiVersion: "0", graphs: {} };`,
  );
  const done = await cli([], { PLUGINS: path, PORT: String(await freePort()) });
  expect(done).toEqual({
    code: 1,
    out: "",
    err: "fractal-agents-runtime: plugin 'p' needs plugin API '0'; supported: '1'\n",
  });
});
