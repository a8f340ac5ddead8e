/** langgraph.json: what is served, and what is refused with which reason. */

import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  type Mock,
  setDefaultTimeout,
  spyOn,
  test,
} from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadProject } from "../src/project.js";
import { cli, freePort, PATIENCE, post, ROOT, started } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

const GRAPHS = `
import { Annotation, START, StateGraph } from "@langchain/langgraph";


const State = Annotation.Root({ text: Annotation });
export const builder = new StateGraph(State)
  .addNode("shout", ({ text }) => ({ text: text.toUpperCase() + process.env.MARK }))
  .addEdge(START, "shout");
export const graph = builder.compile();
export const made = () => builder;
export const configured = async (config) => config && graph;
export const number = 7;
`;

let folder: string;
let logged: Mock<typeof console.error>;
beforeAll(() => {
  // Below the app, so that the graphs find langgraph.
  folder = mkdtempSync(`${ROOT}/coverage-project-`);
  writeFileSync(`${folder}/shouting.ts`, GRAPHS);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  logged.mockRestore();
  for (const name of ["MARK", "KEPT"]) delete process.env[name];
});

function write(fields: object): string {
  const file = `${folder}/langgraph.json`;
  writeFileSync(file, JSON.stringify(fields));
  return file;
}

test("graphs are found in files", async () => {
  const places = {
    a: "./shouting.ts:graph",
    b: "./shouting.ts:builder",
    c: { path: "./shouting.ts:made" },
    d: `${folder}/shouting.ts:configured`,
  };
  process.env["KEPT"] = "before";
  writeFileSync(`${folder}/.env`, "# a comment\nexport MARK='!'\nKEPT=after\n\nnothing\n");
  const more = { env: ".env", dependencies: ["."], http: { app: "x" } };
  const graphs = await loadProject(write({ graphs: places, ...more }));
  expect(Object.keys(graphs)).toEqual(Object.keys(places));
  for (const graph of Object.values(graphs)) {
    expect(await graph.invoke({ text: "a" })).toEqual({ text: "A!" });
  }
  expect(process.env["KEPT"]).toBe("before");
  expect(logged.mock.calls.join()).toContain("dependencies are not installed");
  expect(logged.mock.calls.join()).toContain("http is not supported");
});

const graphs = { g: "./shouting.ts:graph" };

test.each([
  [{}, "`graphs` must map names to places"],
  [{ graphs: [] }, "`graphs` must map names to places"],
  [{ graphs: { g: "./shouting.ts" } }, "graph 'g' must be a place"],
  [{ graphs: { g: 1 } }, "graph 'g' must be a place"],
  [{ graphs: { g: "./none.ts:graph" } }, "graph 'g' can't be loaded from ./none.ts:graph: "],
  [{ graphs: { g: "@nobody/nothing:graph" } }, "can't be loaded from @nobody/nothing:graph: "],
  [{ graphs: { g: "./shouting.ts:gone" } }, "it has no export 'gone'"],
  [{ graphs: { g: "./shouting.ts:number" } }, "is neither a graph nor a function"],
  [{ graphs, env: 1 }, "`env` must be the name of a file"],
  [{ graphs, env: "none" }, "can't read none: No such file"],
])("a project that can not be served (%#)", async (fields, reason) => {
  const file = write(fields);
  const problem = await loadProject(file).catch((problem: unknown) => problem);
  expect(String(problem)).toContain(reason);
  expect(String(problem)).toContain(file);
});

test("a file that can not be read", async () => {
  expect(loadProject(`${folder}/none.json`)).rejects.toThrow("No such file");
  writeFileSync(`${folder}/wrong.json`, "{");
  expect(loadProject(`${folder}/wrong.json`)).rejects.toThrow("wrong.json is not JSON");
});

test("the command serves a project, or tells why not", async () => {
  const file = write({ graphs, env: { MARK: "?" } });
  await using server = await started("src/cli.ts", "dev", "--config", file);
  const done = await post(server.url, { assistant_id: "g", input: { text: "a" } });
  expect(await done.json()).toEqual({ text: "A?" });
  expect(await (await fetch(`${server.url}/info`)).json()).toMatchObject({ graphs: ["g"] });
  const port = `--port=${await freePort()}`;
  const failed = await cli(["serve", port, "--host=127.0.0.1"], { PORT: "not used" });
  expect(failed.code).toBe(1);
  expect(failed.err).toContain("fractal-agents-runtime: can't read langgraph.json: No such file");
});
