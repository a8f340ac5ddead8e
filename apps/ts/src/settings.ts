/** The settings of the command, and the reasons why the system refuses an address. */

const HIGHEST_PORT = 65_535;

/** An invalid argument or environment variable. */
export class UsageError extends Error {}

/** The limits of a server, and what it may do. */
export interface Settings {
  /** The size of a request's body, in bytes. */
  readonly maxBody: number;
  /** How many runs may be active at once. */
  readonly maxRuns: number;
  /** How long a run may take. 0: as long as it wants. */
  readonly runSeconds: number;
  /** How long running requests and runs may take after SIGTERM. */
  readonly graceSeconds: number;
  /** The origins of web pages that may use the server; `*`: all. */
  readonly corsOrigins: readonly string[];
  /** The hosts that webhooks may be sent to, besides this machine; `*`: all. */
  readonly webhookHosts: readonly string[];
  /** Where data is kept: `memory`, `sqlite:FILE` or `postgresql://…`. */
  readonly database: string;
  /** What happens to runs whose server has ended: they go on, or they fail. */
  readonly lostRuns: "resume" | "error";
  /** How long a server that shares a database may be silent until others take its runs. */
  readonly leaseSeconds: number;
  /** True if there is a web page at `/`. */
  readonly page: boolean;
}

export const USUAL: Settings = {
  maxBody: 4 * 1024 * 1024,
  maxRuns: 1000,
  runSeconds: 0,
  graceSeconds: 0.7,
  corsOrigins: [],
  webhookHosts: [],
  database: "memory",
  lostRuns: "resume",
  leaseSeconds: 10,
  page: true,
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the settings of an environment. Throws a UsageError that names a wrong one. */
export function parseSettings(env: Environment): Settings {
  const format = env["LOG_FORMAT"] || "text";
  if (format !== "text" && format !== "json") {
    throw new UsageError(`LOG_FORMAT is '${format}', not text or json`);
  }
  const lostRuns = env["LOST_RUNS"] || "resume";
  if (lostRuns !== "resume" && lostRuns !== "error") {
    throw new UsageError(`LOST_RUNS is '${lostRuns}', not resume or error`);
  }
  const page = env["PAGE"] || "on";
  if (page !== "on" && page !== "off") throw new UsageError(`PAGE is '${page}', not on or off`);
  return {
    maxBody: numberOf(env, "MAX_BODY", USUAL.maxBody, true),
    maxRuns: numberOf(env, "MAX_RUNS", USUAL.maxRuns, true),
    runSeconds: numberOf(env, "RUN_SECONDS", USUAL.runSeconds, false),
    graceSeconds: numberOf(env, "GRACE_SECONDS", USUAL.graceSeconds, false),
    corsOrigins: listOf(env["CORS_ORIGINS"]),
    webhookHosts: listOf(env["WEBHOOK_HOSTS"]),
    database: env["DATABASE"] || USUAL.database,
    lostRuns,
    leaseSeconds: numberOf(env, "LEASE_SECONDS", USUAL.leaseSeconds, true),
    page: page === "on",
  };
}

/** Parses a variable that is a number. Throws a UsageError that names it. */
export function numberOf(env: Environment, name: string, usual: number, whole: boolean): number {
  const text = env[name];
  if (!text) return usual;
  const [form, least, kind] = whole
    ? [/^[0-9]+$/, 1, "whole number"]
    : [/^[0-9]*\.?[0-9]+$/, 0, "number"];
  const value = form.test(text) ? Number(text) : -1;
  if (value < least || value > Number.MAX_SAFE_INTEGER) {
    throw new UsageError(`${name} is '${text}', not a ${kind} from ${least}`);
  }
  return value;
}

function listOf(text = ""): string[] {
  return text.split(",").flatMap((one) => one.trim() || []);
}

/** Parses the value of PORT. */
export function parsePort(text: string): number {
  const port = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > HIGHEST_PORT) {
    throw new UsageError(`PORT is '${text}', not a number from 1 to ${HIGHEST_PORT}`);
  }
  return port;
}

// The texts of strerror(3) and gai_strerror(3): Bun and Node each have their own texts.
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAI_AGAIN: "Temporary failure in name resolution",
  ENOTFOUND: "Name or service not known",
};

/** The reason why the server can't listen on an address. */
export function reason(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem);
  const { code } = problem as { code?: unknown };
  return (typeof code === "string" && REASONS[code]) || problem.message;
}
