#!/usr/bin/env node
/** The command `fractal-agents-runtime`: starts the server. Environment variables configure it. */

import { parseArgs } from "node:util";
import type { App } from "./app.js";
import type { Graph } from "./graphs.js";
import { Lifecycle } from "./lifecycle.js";
import { LOG } from "./log.js";
import { Door, run } from "./server.js";
import { parsePort, parseSettings, reason, type Settings, UsageError } from "./settings.js";
import { version } from "./version.js";

const NAME = "fractal-agents-runtime";
const USAGE = `usage: ${NAME} [-h] [--version] [dev|serve] [--config FILE] [--host H] [--port N]
       [--db PLACE] [--no-page]\n`;
const HELP = `${USAGE}
Serve LangGraph graphs.

commands:
  dev, serve     serve the project of ./langgraph.json; without a command: the server's own graphs

options:
  -h, --help     show this help message and exit
  --version      show the version and exit
  --config FILE  serve the project that this file describes; default with a command: langgraph.json
  --host H       the address to listen on, instead of HOST
  --port N       the port to listen on, instead of PORT
  --db PLACE     where data is kept, instead of DATABASE: memory (the default), sqlite:FILE
                 or postgresql://…
  --no-page      serve no web page at /, as PAGE=off

environment: HOST (default 127.0.0.1; 0.0.0.0 in a container), PORT (default 8000),
  PLUGINS (comma-separated packages or paths), AUTH_TOKEN (what clients must send; default: nothing),
  MAX_BODY, MAX_RUNS, RUN_SECONDS, GRACE_SECONDS, CORS_ORIGINS, WEBHOOK_HOSTS,
  LOG_FORMAT (text or json), DATABASE, LOST_RUNS, LEASE_SECONDS, PAGE (on or off), CHAT_MODEL (adds the graph
  chat), CHAT_SECONDS, OPENAI_BASE_URL, OPENAI_API_KEY, MCP_CONFIG, MCP_TOKEN; the README describes them
`;

/** Starts the server in the foreground. Returns an exit code if no server runs. */
async function main(): Promise<number | undefined> {
  const asked = options();
  if (asked.help || asked.version) {
    process.stdout.write(asked.help ? HELP : `${NAME} ${version}\n`);
    return 0;
  }
  const port = parsePort(asked.port ?? process.env["PORT"] ?? "8000");
  const database = asked.db ? { DATABASE: asked.db } : {};
  const page = asked["no-page"] ? { PAGE: "off" } : {};
  const settings = parseSettings({ ...process.env, ...database, ...page });
  const host = asked.host || process.env["HOST"] || "127.0.0.1";
  // First, so that a signal during the import of langgraph is handled too.
  LOG.json = process.env["LOG_FORMAT"] === "json";
  const lifecycle = new Lifecycle(process.exit, settings.graceSeconds);
  lifecycle.watch();
  const door = new Door();
  try {
    await run(door, host, port, lifecycle);
  } catch (problem) {
    process.stderr.write(`${NAME}: can't listen on ${host}:${port}: ${reason(problem)}\n`);
    return 1;
  }
  door.open(await loaded(asked.config, settings));
  return undefined;
}

/** Imports the graphs of a project, or the server's own. If that fails, the process ends. */
async function loaded(config: string | undefined, settings: Settings): Promise<App> {
  const [{ createApp }, databases, { StorageError }, plugins, projects, chats] = await Promise.all([
    import("./app.js"),
    import("./databases.js"),
    import("./storage.js"),
    import("./plugins.js"),
    import("./project.js"),
    import("./chat-settings.js"),
  ]);
  try {
    // First, because the import of graphs takes long.
    databases.storageAt(settings.database);
    const own = config ? await projects.loadProject(config) : await ownGraphs();
    // After the project, which may set the environment.
    const chatting = chats.parseChat(process.env);
    if (chatting && "chat" in own) {
      throw new chats.ChatError(`both ${config} and CHAT_MODEL have a graph 'chat'`);
    }
    if (chatting) own["chat"] = await (await import("./chat.js")).chat(chatting);
    const graphs = await plugins.load(process.env["PLUGINS"] ?? "", own);
    const app = createApp(graphs, { token: process.env["AUTH_TOKEN"], settings });
    await app.open();
    return app;
  } catch (problem) {
    const expected = [chats.ChatError, plugins.PluginError, projects.ProjectError, StorageError];
    const known = problem instanceof Error && expected.some((one) => problem instanceof one);
    const told = known ? `${NAME}: ${problem.message}\n` : `${stackOf(problem)}\n`;
    await new Promise<void>((done) => {
      process.stderr.write(told, () => done());
    });
    // Not only process.exitCode: the server and timers of a plugin keep the process running.
    process.exit(1);
  }
}

function stackOf(problem: unknown): string {
  return problem instanceof Error ? problem.stack || problem.message : String(problem);
}

async function ownGraphs(): Promise<Record<string, Graph>> {
  const [{ agent }, { echo }] = await Promise.all([import("./agent.js"), import("./echo.js")]);
  return { agent: agent(), echo: echo() };
}

interface Options {
  readonly help?: boolean | undefined;
  readonly version?: boolean | undefined;
  readonly config?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly db?: string | undefined;
  readonly "no-page"?: boolean | undefined;
}

function options(): Options {
  const known = {
    help: { type: "boolean", short: "h" },
    version: { type: "boolean" },
    config: { type: "string" },
    host: { type: "string" },
    port: { type: "string" },
    db: { type: "string" },
    "no-page": { type: "boolean" },
  } as const;
  try {
    const { values, positionals } = parseArgs({ options: known, allowPositionals: true });
    const [command, ...more] = positionals;
    if (more.length > 0 || (command && command !== "dev" && command !== "serve")) {
      throw new Error(`invalid command: ${positionals.join(" ")} (choose from dev, serve)`);
    }
    return { ...values, config: values.config ?? (command && "langgraph.json") };
  } catch (problem) {
    throw new UsageError(problem instanceof Error ? problem.message : String(problem));
  }
}

try {
  process.exitCode = await main();
} catch (problem) {
  if (!(problem instanceof UsageError)) throw problem;
  process.stderr.write(`${USAGE}${NAME}: error: ${problem.message}\n`);
  process.exitCode = 2;
}
