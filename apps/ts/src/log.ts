/** The log: lines on stderr of the form `date time LEVEL message`, or one JSON object a line. */

/** How lines are written. */
export const LOG: { json: boolean } = { json: false };

/** Writes a line. JSON has the fields too. */
export function log(
  level: "INFO" | "WARNING" | "ERROR",
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const time = new Date();
  const line = LOG.json
    ? JSON.stringify({ time: time.toISOString(), level, message, ...fields })
    : `${timestamp(time)} ${level} ${message}`;
  // biome-ignore lint/suspicious/noConsole: unlike process.stderr.write, it is synchronous
  console.error(line);
}

/** Local time, as in `2026-11-21 09:30:00,123`. */
export function timestamp(time: Date): string {
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, -1).replace("T", " ").replace(".", ",");
}
