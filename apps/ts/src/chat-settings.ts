/** The settings of the graph `chat`, from environment variables. */

import { createRequire } from "node:module";
import { type Environment, numberOf, UsageError } from "./settings.js";
import { isObject } from "./values.js";

const OPENAI = "https://api.openai.com/v1";
const FIELDS = ["auth_required", "name", "tools", "url"];

/** The graph can't be made. The message names the variable and the reason. */
export class ChatError extends Error {}

/** A server of tools. */
export interface McpServer {
  readonly name: string;
  /** May contain a key, so it is never logged. */
  readonly url: string;
  /** The names of the tools to use; absent: all. */
  readonly tools: readonly string[] | undefined;
  /** True if it needs MCP_TOKEN. */
  readonly authRequired: boolean;
}

/** A model, its endpoint and its tools. */
export interface ChatSettings {
  readonly model: string;
  readonly baseUrl: string;
  readonly key: string;
  /** How long the endpoint may send nothing. */
  readonly seconds: number;
  readonly servers: readonly McpServer[];
  readonly mcpToken: string;
}

/** Returns the settings; undefined without CHAT_MODEL. Throws a ChatError that names a wrong one. */
export function parseChat(env: Environment, find = resolvable): ChatSettings | undefined {
  const model = env["CHAT_MODEL"];
  if (!model) return undefined;
  need(find, "CHAT_MODEL", "@langchain/openai");
  const baseUrl = env["OPENAI_BASE_URL"] || OPENAI;
  const url = urlOf(baseUrl);
  if (!url) throw new ChatError("OPENAI_BASE_URL must be an http or https URL");
  if (url.username || url.password || url.search || url.hash) {
    throw new ChatError(
      "OPENAI_BASE_URL must be without a password or a query; use OPENAI_API_KEY",
    );
  }
  const key = env["OPENAI_API_KEY"] ?? "";
  if (!key && baseUrl === OPENAI) {
    throw new ChatError(`CHAT_MODEL needs OPENAI_API_KEY, the key of ${OPENAI}`);
  }
  const seconds = secondsOf(env);
  const servers = serversOf(env["MCP_CONFIG"] ?? "", find);
  const mcpToken = env["MCP_TOKEN"] ?? "";
  const locked = servers.find((server) => server.authRequired);
  if (locked && !mcpToken) {
    throw new ChatError(`MCP_CONFIG: ${locked.name} has auth_required, but MCP_TOKEN is not set`);
  }
  return { model, baseUrl, key, seconds, servers, mcpToken };
}

function secondsOf(env: Environment): number {
  try {
    return numberOf(env, "CHAT_SECONDS", 60, false);
  } catch (problem) {
    if (!(problem instanceof UsageError)) throw problem;
    throw new ChatError(problem.message);
  }
}

function serversOf(text: string, find: typeof resolvable): McpServer[] {
  if (!text) return [];
  need(find, "MCP_CONFIG", "@langchain/mcp-adapters");
  const config = parsed(text);
  const listed = isObject(config) ? config["servers"] : undefined;
  if (!Array.isArray(listed)) {
    throw new ChatError('MCP_CONFIG must be an object with a list "servers"');
  }
  const servers = listed.map((one, n) => serverOf(one, `MCP_CONFIG: servers[${n}]`));
  const names = servers.map(({ name }) => name);
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) throw new ChatError(`MCP_CONFIG: two servers are called ${twice}`);
  return servers;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The text may contain keys.
    throw new ChatError("MCP_CONFIG is not JSON");
  }
}

function serverOf(one: unknown, place: string): McpServer {
  if (!isObject(one)) throw new ChatError(`${place} must be an object`);
  const unknown = Object.keys(one).sort();
  for (const name of unknown.filter((name) => !FIELDS.includes(name))) {
    throw new ChatError(`${place} has an unknown field ${name}`);
  }
  const { name, url, tools, auth_required: locked } = one;
  if (typeof name !== "string" || !name) throw new ChatError(`${place} must have a name`);
  const found = typeof url === "string" ? urlOf(url) : undefined;
  if (!found) throw new ChatError(`${place} must have an http or https url`);
  if (!(tools === undefined || tools === null || isTexts(tools))) {
    throw new ChatError(`${place}: tools must be a list of names`);
  }
  if (typeof (locked ?? false) !== "boolean") {
    throw new ChatError(`${place}: auth_required must be true or false`);
  }
  const path = String(url).replace(/\/+$/, "");
  const complete = path.endsWith("/mcp") ? path : `${path}/mcp`;
  const where = found.search ? String(url) : complete;
  return { name, url: where, tools: tools ?? undefined, authRequired: locked === true };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function urlOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

function need(find: typeof resolvable, variable: string, name: string): void {
  if (find(name)) return;
  throw new ChatError(`${variable} needs packages that are not installed: npm install ${name}`);
}

function resolvable(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
