/** The settings of the command line, and why the system refuses some. */

const HIGHEST_PORT = 65_535;

/** The command line or the environment asks for what there is not. */
export class UsageError extends Error {}

/** Reads PORT. */
export function parsePort(text: string): number {
  const port = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > HIGHEST_PORT) {
    throw new UsageError(`PORT is '${text}', not a number from 1 to ${HIGHEST_PORT}`);
  }
  return port;
}

// In the system's words: Bun and Node have words of their own, and each others.
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAI_AGAIN: "Temporary failure in name resolution",
  ENOTFOUND: "Name or service not known",
};

/** Why an address can't be listened on. */
export function reason(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem);
  const { code } = problem as { code?: unknown };
  return (typeof code === "string" && REASONS[code]) || problem.message;
}
