#!/usr/bin/env node
/** The command `fractal-agents-runtime`: starts the server. Environment variables configure it. */

import { parseArgs } from "node:util";
import { Lifecycle } from "./lifecycle.js";
import { parsePort, reason, UsageError } from "./settings.js";
import { version } from "./version.js";

const NAME = "fractal-agents-runtime";
const USAGE = `usage: ${NAME} [-h] [--version]\n`;
const HELP = `${USAGE}
Serve LangGraph graphs.

options:
  -h, --help  show this help message and exit
  --version   show the version and exit

environment: HOST (default 127.0.0.1; 0.0.0.0 in a container), PORT (default 8000),
  PLUGINS (comma-separated packages or paths)
`;

/** Starts the server in the foreground. Returns an exit code if no server runs. */
async function main(): Promise<number | undefined> {
  const asked = options();
  if (asked.help || asked.version) {
    process.stdout.write(asked.help ? HELP : `${NAME} ${version}\n`);
    return 0;
  }
  const port = parsePort(process.env["PORT"] ?? "8000");
  const host = process.env["HOST"] || "127.0.0.1";
  // First, so that a signal during the import of langgraph is handled too.
  const lifecycle = new Lifecycle();
  lifecycle.watch();
  const [{ agent }, { createApp }, { echo }, plugins, { run }] = await Promise.all([
    import("./agent.js"),
    import("./app.js"),
    import("./echo.js"),
    import("./plugins.js"),
    import("./server.js"),
  ]);
  const names = process.env["PLUGINS"] ?? "";
  const graphs = await plugins
    .load(names, { agent: agent(), echo: echo() })
    .catch(async (problem: unknown) => {
      if (!(problem instanceof plugins.PluginError)) throw problem;
      await new Promise<void>((done) => {
        process.stderr.write(`${NAME}: ${problem.message}\n`, () => done());
      });
      // Not only process.exitCode: timers or sockets of a plugin could keep the process running.
      process.exit(1);
    });
  try {
    await run(createApp(graphs), host, port, lifecycle);
    return undefined;
  } catch (problem) {
    process.stderr.write(`${NAME}: can't listen on ${host}:${port}: ${reason(problem)}\n`);
    return 1;
  }
}

function options(): { help?: boolean; version?: boolean } {
  try {
    const known = { help: { type: "boolean", short: "h" }, version: { type: "boolean" } } as const;
    return parseArgs({ options: known }).values;
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
