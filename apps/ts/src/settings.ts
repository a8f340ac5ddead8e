/** The settings of the command, and the reasons why the system refuses an address. */

const HIGHEST_PORT = 65_535;

/** An invalid argument or environment variable. */
export class UsageError extends Error {}

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
