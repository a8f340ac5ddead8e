/** Answers a request. Independent of the HTTP server. */

import { Hono } from "hono";
import { Assistants } from "./assistants.js";
import { checkToken } from "./auth.js";
import { parse, read } from "./body.js";
import { Call, parseQuery } from "./call.js";
import { corsHeaders, isPreflight } from "./cors.js";
import { storageAt } from "./databases.js";
import { echo } from "./echo.js";
import { HttpError, json, nothing } from "./errors.js";
import type { Graph } from "./graphs.js";
import { Items } from "./items.js";
import { log } from "./log.js";
import { Metrics } from "./metrics.js";
import { page } from "./page.js";
import { pathOf } from "./path.js";
import { CHANNEL_HEADER, CHANNELS, document, kept } from "./promises.js";
import { Records } from "./records.js";
import { allowed, ROUTES, type Route } from "./routes.js";
import { Runs } from "./runs.js";
import { preparation, type Runtime } from "./runtime.js";
import { type Settings, USUAL } from "./settings.js";
import { render } from "./spec.js";
import type { Storage } from "./storage.js";
import { Threads } from "./threads.js";

/** The runtime's API for some graphs. */
export interface App {
  /** Answers a request. Every exception becomes a response with an error status. */
  fetch(request: Request): Promise<Response>;
  /** Loads what is stored, and resumes runs. The first request does the same. */
  open(): Promise<void>;
}

/** Settings of an app. */
export interface AppOptions {
  /**
   * With a token, every request but those for `/health` and `/ok` must have it, as
   * `Authorization: Bearer` or as `X-Api-Key`, which the SDKs send.
   */
  readonly token?: string | undefined;
  /** `memory`, `sqlite:FILE` or `postgresql://…`: where everything is kept. Default: `memory`. */
  readonly db?: string | undefined;
  /** Whether runs that have lost their server are resumed, instead of failing. Default: true. */
  readonly resume?: boolean | undefined;
  /** The settings that the command reads from environment variables; default: those without any. */
  readonly settings?: Partial<Settings>;
}

// What needs no token.
const PUBLIC = ["/health", "/ok"];

/** Returns the API for these compiled langgraph graphs, by name. Default: only `echo`. */
export function createApp(
  graphs: Readonly<Record<string, Graph>> = { echo: echo() },
  { token, db, resume, settings }: AppOptions = {},
): App {
  const chosen: Settings = {
    ...USUAL,
    ...settings,
    ...(db !== undefined && { database: db }),
    ...(resume !== undefined && { lostRuns: resume ? "resume" : "error" }),
  };
  return appOn(storageAt(chosen.database, chosen.leaseSeconds), graphs, chosen, token);
}

/** Returns the API for these graphs on a `Storage`, whose type would bring langgraph's to all users. */
export function appOn(
  storage: object,
  graphs: Readonly<Record<string, Graph>>,
  settings: Settings,
  token?: string | undefined,
): App {
  const spec = render();
  const known = new Map(Object.entries(graphs));
  const records = new Records(storage as Storage);
  const runtime: Runtime = {
    graphs: known,
    spec,
    compat: document(spec),
    assistants: new Assistants(Object.keys(graphs), records),
    items: new Items(records),
    threads: new Threads(records),
    runs: new Runs(() => runtime),
    records,
    settings,
    metrics: new Metrics(),
    stateful: preparation(known, records),
  };
  records.loaded = () => runtime.runs.followers.loaded();
  records.kinds = {
    assistant: runtime.assistants,
    thread: runtime.threads,
    run: runtime.runs,
    cancel: runtime.runs.asked,
    end: runtime.items,
  };
  let opening: Promise<void> | undefined;
  const open = () => {
    opening ??= records.open().then(() => runtime.runs.begin());
    return opening;
  };
  const hono = new Hono({ getPath: pathOf });
  // A path without names in braces goes before one with them.
  const paths = [...new Set(ROUTES.map((route) => route.path))];
  const inOrder = [...paths.filter((path) => !path.includes("{")), ...paths];
  // For the metrics: which path of the table a request has.
  const templates = new WeakMap<Request, string>();
  const templateOf = (request: Request) => templates.get(request) ?? "other";
  // For paths without names in braces, because the router takes a while.
  const direct = new Map<string, (request: Request) => Promise<Response>>();
  for (const path of new Set(inOrder)) {
    const routes = ROUTES.filter((route) => route.path === path);
    const pattern = path.replace(/{(\w+)}/g, ":$1");
    for (const route of routes) {
      const handle = (request: Request) =>
        settle(request, () => {
          templates.set(request, path);
          return answer(runtime, open, route, request);
        });
      hono.on(route.method, pattern, ({ req }) => handle(req.raw));
      if (pattern === path) direct.set(`${route.method} ${path}`, handle);
    }
    hono.all(pattern, ({ req }) =>
      settle(req.raw, () => {
        templates.set(req.raw, path);
        return otherMethod(req.raw, path, routes);
      }),
    );
  }
  if (runtime.settings.page) hono.get("/", page);
  const tokenless = runtime.settings.page ? [...PUBLIC, "/"] : PUBLIC;
  hono.notFound(({ req }) => settle(req.raw, noSuchPath));
  const answered = (request: Request) =>
    settle(request, async () => {
      const path = pathOf(request);
      if (token && !tokenless.includes(path)) checkToken(token, request.headers);
      const handle = direct.get(`${request.method} ${path}`);
      return await (handle ? handle(request) : hono.fetch(request));
    });
  const { corsOrigins } = runtime.settings;
  return {
    open,
    async fetch(request) {
      const began = performance.now();
      const shared = corsOrigins.length > 0 ? corsHeaders(corsOrigins, request) : undefined;
      const preflight = shared && isPreflight(request.method, request.headers);
      const reply = preflight ? nothing() : await answered(request);
      for (const [name, value] of Object.entries(shared ?? {})) reply.headers.set(name, value);
      const seconds = (performance.now() - began) / 1000;
      runtime.metrics.request(request.method, templateOf(request), reply.status, seconds);
      return reply;
    },
  };
}

async function settle(
  request: Request,
  work: () => Promise<Response> | Response,
): Promise<Response> {
  try {
    return await work();
  } catch (problem) {
    if (problem instanceof HttpError) return problem.response();
    const reason = problem instanceof Error ? problem.stack || problem.message : String(problem);
    log("ERROR", `${request.method} ${pathOf(request)} failed\n${reason}`);
    return new HttpError(500, "internal error; the server's log has the reason").response();
  }
}

async function answer(
  runtime: Runtime,
  open: () => Promise<void>,
  route: Route,
  request: Request,
): Promise<Response> {
  const parts = partsOf(route.path, pathOf(request));
  const bytes = route.request && (await read(request, runtime.settings.maxBody));
  if (route.channel) checkChannel(request.headers.get(CHANNEL_HEADER));
  const query = parseQuery(route.query ?? [], queryOf(request));
  const body = route.request && bytes && parse(route.request, bytes);
  const call = new Call(parts, query, request.headers, body as never);
  await open();
  await runtime.records.pull();
  const done = await saved(runtime, () => route.handler(runtime, call));
  return done instanceof Response ? done : json(200, JSON.stringify(done));
}

/** Writes what the work has changed, before its result is answered. */
async function saved<Result>(runtime: Runtime, work: () => Result): Promise<Awaited<Result>> {
  try {
    return await work();
  } finally {
    await runtime.records.flush();
  }
}

function queryOf({ url }: { url: string }): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? "");
}

/** The parts of a path that vary, decoded. */
function partsOf(template: string, path: string): Map<string, string> {
  const parts = path.split("/");
  const pairs = template.split("/").flatMap((want, n): [string, string][] => {
    return want.startsWith("{") ? [[want.slice(1, -1), parts[n] ?? ""]] : [];
  });
  try {
    return new Map(pairs.map(([name, part]) => [name, decodeURIComponent(part)]));
  } catch {
    return noSuchPath();
  }
}

/** Refuses a version of the channel protocol that is not supported. */
function checkChannel(version: string | null): void {
  const supported = kept(CHANNELS);
  if (version === null || supported.includes(version)) return;
  const listed = supported.join(", ");
  throw new HttpError(400, `the ${CHANNEL_HEADER} is not supported; supported: ${listed}`);
}

function otherMethod(request: Request, template: string, routes: readonly Route[]): Response {
  const path = pathOf(request);
  partsOf(template, path);
  const headers = { Allow: allowed(routes) };
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers });
  throw new HttpError(405, `${path} has no ${request.method}, only ${headers.Allow}`, { headers });
}

function noSuchPath(): never {
  throw new HttpError(404, "no such path; /openapi.json lists the paths");
}
