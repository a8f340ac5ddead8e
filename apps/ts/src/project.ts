/** langgraph.json: which graphs of a project to serve, and with which environment. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Graph } from "./graphs.js";
import { log } from "./log.js";
import { isObject, type Json } from "./values.js";

const KNOWN = new Set(["$schema", "graphs", "dependencies", "env", "node_version"]);

/** A project can't be served. The message has the file and the reason. */
export class ProjectError extends Error {}

/** Returns the graphs of the project that the file describes, and sets its environment. */
export async function loadProject(file: string): Promise<Record<string, Graph>> {
  const project = read(file);
  const folder = dirname(resolve(file));
  for (const [name, value] of Object.entries(environment(folder, project["env"], file))) {
    process.env[name] ??= value;
  }
  const { dependencies, graphs } = project;
  if (Array.isArray(dependencies) && dependencies.length > 0) {
    log("INFO", `${file}: dependencies are not installed; install them yourself`);
  }
  for (const name of Object.keys(project).sort()) {
    if (!KNOWN.has(name)) log("WARNING", `${file}: ${name} is not supported`);
  }
  const found: Record<string, Graph> = {};
  for (const [name, place] of Object.entries(graphs as Json)) {
    found[name] = await graphAt(`${file}: graph '${name}'`, folder, place);
  }
  return found;
}

function read(file: string): Json {
  let project: unknown;
  try {
    project = JSON.parse(text(file));
  } catch (problem) {
    if (problem instanceof SyntaxError) {
      throw new ProjectError(`${file} is not JSON: ${problem.message}`, { cause: problem });
    }
    throw new ProjectError(`can't read ${file}: ${reasonOf(problem)}`, { cause: problem });
  }
  const graphs = isObject(project) ? project["graphs"] : undefined;
  if (!isObject(project) || !isObject(graphs) || Object.keys(graphs).length === 0) {
    throw new ProjectError(`${file}: \`graphs\` must map names to places, as in ./agent.ts:graph`);
  }
  return project;
}

function text(file: string): string {
  return readFileSync(file, "utf8");
}

function reasonOf(problem: unknown): string {
  const { code, message } = Object(problem) as { code?: unknown; message?: unknown };
  if (code === "ENOENT") return "No such file or directory";
  const [line = ""] = String(message || problem).split("\n");
  return line;
}

function environment(folder: string, env: unknown, file: string): Record<string, string> {
  if (env === undefined || env === null) return {};
  if (isObject(env)) {
    return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
  }
  if (typeof env !== "string") {
    throw new ProjectError(`${file}: \`env\` must be the name of a file, or an object`);
  }
  try {
    const lines = text(resolve(folder, env)).split(/\r?\n/);
    const pairs = lines.filter((line) => line.includes("=") && !line.startsWith("#"));
    return Object.fromEntries(pairs.map(pair));
  } catch (problem) {
    throw new ProjectError(`${file}: can't read ${env}: ${reasonOf(problem)}`, { cause: problem });
  }
}

function pair(line: string): [string, string] {
  const at = line.indexOf("=");
  const name = line
    .slice(0, at)
    .trim()
    .replace(/^export /, "");
  return [
    name,
    line
      .slice(at + 1)
      .trim()
      .replace(/^["']+|["']+$/g, ""),
  ];
}

async function graphAt(what: string, folder: string, place: unknown): Promise<Graph> {
  const given = isObject(place) ? place["path"] : place;
  const [, path, attribute] = /^(.+):([^:]+)$/.exec(typeof given === "string" ? given : "") ?? [];
  if (!path || !attribute) {
    throw new ProjectError(`${what} must be a place, as in ./agent.ts:graph or package:graph`);
  }
  let found: unknown;
  try {
    const module: Json = await import(specifier(folder, path));
    if (!(attribute in module)) throw new Error(`it has no export '${attribute}'`);
    found = await built(module[attribute]);
  } catch (problem) {
    const message = `${what} can't be loaded from ${given}: ${reasonOf(problem)}`;
    throw new ProjectError(message, { cause: problem });
  }
  if (isGraph(found)) return found;
  throw new ProjectError(`${what}: ${given} is neither a graph nor a function that returns one`);
}

function specifier(folder: string, path: string): string {
  const file = path.startsWith(".") || path.startsWith("/") || /\.[cm]?[jt]s$/.test(path);
  return file ? pathToFileURL(resolve(folder, path)).href : path;
}

/** Returns the graph of a builder, or of a function without arguments or with a config. */
async function built(found: unknown): Promise<unknown> {
  const made = typeof found === "function" && !isGraph(found) ? await found({}) : found;
  const { compile } = Object(made) as { compile?: unknown };
  return !isGraph(made) && typeof compile === "function" ? compile.call(made) : made;
}

function isGraph(value: unknown): value is Graph {
  return typeof (value as Partial<Graph> | null | undefined)?.invoke === "function";
}
