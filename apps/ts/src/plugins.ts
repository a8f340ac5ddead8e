/**
 * Plugins: modules that add graphs. The environment variable PLUGINS lists them.
 *
 * If a plugin can't be used, the server does not start, and prints the reason.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Graph } from "./graphs.js";
import { log } from "./log.js";
import { kept, PLUGINS, type Promised } from "./promises.js";

/** A plugin: graphs by name. A module of PLUGINS exports one as `plugin`. */
export interface Plugin {
  readonly name: string;
  /** The version of this interface that the plugin is made for: "1". */
  readonly apiVersion: string;
  /** Each is a compiled langgraph graph, or a function without arguments that returns one. */
  readonly graphs: Readonly<Record<string, Graph | (() => Graph)>>;
}

/** A plugin can't be used. The message names the plugin and the reason. */
export class PluginError extends Error {}

/** Returns `graphs` and the graphs of the plugins in `modules`, a comma-separated list. */
export async function load(
  modules: string,
  graphs: Readonly<Record<string, Graph>>,
  promises: readonly Promised[] = PLUGINS,
): Promise<Record<string, Graph>> {
  const every = new Map(Object.entries(graphs));
  const owners = new Map(Object.keys(graphs).map((name) => [name, "the server"]));
  const plugins = new Map<string, string>();
  for (const module of modules.split(",").map((name) => name.trim())) {
    if (module === "") continue;
    const plugin = await imported(module, promises);
    const known = plugins.get(plugin.name);
    if (known)
      throw new PluginError(`both ${known} and ${module} define a plugin '${plugin.name}'`);
    plugins.set(plugin.name, module);
    for (const [name, graph] of Object.entries(plugin.graphs)) {
      const owner = owners.get(name);
      if (owner)
        throw new PluginError(`both ${owner} and plugin '${plugin.name}' have a graph '${name}'`);
      owners.set(name, `plugin '${plugin.name}'`);
      every.set(name, built(graph, name, plugin));
    }
    log("INFO", `plugin ${plugin.name}: ${Object.keys(plugin.graphs).join(", ") || "no graphs"}`);
  }
  return Object.fromEntries(every);
}

async function imported(module: string, promises: readonly Promised[]): Promise<Plugin> {
  // A path is relative to the working folder. Any other name is a package in the same node_modules.
  const path = module.startsWith(".") || module.startsWith("/");
  const specifier = path ? pathToFileURL(resolve(module)).href : module;
  let found: unknown;
  try {
    ({ plugin: found } = (await import(specifier)) as { plugin?: unknown });
  } catch (problem) {
    throw new PluginError(
      `PLUGINS names ${module}, which can't be imported: ${firstLine(problem)}`,
      { cause: problem },
    );
  }
  if (!isPlugin(found)) {
    throw new PluginError(`PLUGINS names ${module}, which exports no \`plugin\` that is a Plugin`);
  }
  checkVersion(found, promises);
  return found;
}

function isPlugin(found: unknown): found is Plugin {
  if (typeof found !== "object" || found === null) return false;
  const { name, apiVersion, graphs } = found as Partial<Record<keyof Plugin, unknown>>;
  const strings = typeof name === "string" && typeof apiVersion === "string";
  return strings && typeof graphs === "object" && graphs !== null;
}

function checkVersion({ name, apiVersion }: Plugin, promises: readonly Promised[]): void {
  const promise = promises.find(({ version }) => version === apiVersion);
  if (!promise || promise.status === "removed") {
    const since = promise ? `, removed in ${promise.removal}` : "";
    const supported = kept(promises).map((version) => `'${version}'`);
    throw new PluginError(
      `plugin '${name}' needs plugin API '${apiVersion}'${since}; supported: ${supported.join(", ")}`,
    );
  }
  if (promise.status === "deprecated") {
    log(
      "WARNING",
      `plugin '${name}' needs plugin API '${apiVersion}', which is deprecated and will be removed ` +
        `in ${promise.removal}`,
    );
  }
}

function built(graph: unknown, name: string, plugin: Plugin): Graph {
  let graphOrNot = graph;
  try {
    if (!isGraph(graph) && typeof graph === "function") graphOrNot = graph();
  } catch (problem) {
    throw new PluginError(
      `plugin '${plugin.name}' can't build its graph '${name}': ${firstLine(problem)}`,
      { cause: problem },
    );
  }
  if (isGraph(graphOrNot)) return graphOrNot;
  throw new PluginError(
    `plugin '${plugin.name}': '${name}' is neither a graph nor a function that returns one`,
  );
}

function isGraph(value: unknown): value is Graph {
  return typeof (value as Partial<Graph> | null | undefined)?.invoke === "function";
}

function firstLine(problem: unknown): string {
  // Some of the objects that Bun throws for a failed import are not Errors.
  const { message, name } = Object(problem) as { message?: unknown; name?: unknown };
  const [line = ""] = String(message || name || problem).split("\n", 1);
  return line;
}
