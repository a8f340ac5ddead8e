/** Server processes on free ports. */

import { once } from "node:events";
import { createServer, type Server as NetServer } from "node:net";
import { fileURLToPath } from "node:url";

/** Timeout in milliseconds. */
export const PATIENCE = 60_000;

export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

/** A server's process, its address and its log. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  log(): string;
  /** Waits until the log has this text. */
  wrote(text: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Waits for the end of the process. Returns the exit code and the milliseconds of the wait. */
  exit(): Promise<{ code: number; took: number }>;
}

/** Runs `bun script`, and waits until it listens. It is killed when the server is disposed of. */
export async function started(script = "src/cli.ts", ...args: string[]): Promise<Server> {
  const port = await freePort();
  const child = Bun.spawn([process.execPath, script, ...args], {
    cwd: ROOT,
    env: { ...process.env, HOST: "127.0.0.1", PORT: String(port) },
    stdout: "ignore",
    stderr: "pipe",
  });
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) text += decoder.decode(chunk, { stream: true });
  })();
  const server: Server = {
    port,
    url: `http://127.0.0.1:${port}`,
    log: () => text,
    wrote: (wanted) =>
      until(
        () => text.includes(wanted),
        () => `${wanted}: not in\n${text}`,
      ),
    signal: (signal) => child.kill(signal),
    async exit() {
      const began = performance.now();
      const code = await child.exited;
      await reading;
      return { code, took: performance.now() - began };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  await server.wrote("listening on");
  return server;
}

async function until(holds: () => boolean, complaint: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(complaint());
    await Bun.sleep(10);
  }
}

/** A listener for each block of ports that this process has. No other process can listen there. */
const RESERVED: NetServer[] = [];
const LEFT: number[] = [];

/**
 * A port that is free, and that no other test gets. It is below the ports that kernels give to outgoing
 * connections (Linux: from 32768, RFC 6335: from 49152): a connection could take one of those before the
 * server listens. xtask chooses from those below 28000.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LEFT.pop();
    if (port === undefined) {
      await reserve();
      continue;
    }
    const probe = await listener(port);
    if (probe === undefined) continue;
    await once(probe.close(), "close");
    return port;
  }
}

/** Adds the ports of a block of 32. The process that listens on the first one has the block. */
async function reserve(): Promise<void> {
  const first = 28_000 + 32 * Math.floor(Math.random() * 149);
  const block = await listener(first);
  if (block === undefined) return;
  RESERVED.push(block.unref());
  for (let port = first + 31; port > first; port--) LEFT.push(port);
}

/** Listens on the port. Undefined if it is taken. */
function listener(port: number): Promise<NetServer | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(port, "127.0.0.1", () => resolve(probe));
  });
}

/** Runs the command to its end. */
export async function cli(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([process.execPath, "src/cli.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, out, err };
}

export function post(url: string, body: unknown): Promise<Response> {
  return fetch(`${url}/runs/wait`, { method: "POST", body: JSON.stringify(body) });
}
