/** The log: lines on stderr with the form `date time LEVEL message`. */

/** Writes a line. */
export function log(level: "INFO" | "WARNING" | "ERROR", message: string): void {
  // biome-ignore lint/suspicious/noConsole: unlike process.stderr.write, it is synchronous
  console.error(`${timestamp(new Date())} ${level} ${message}`);
}

/** Local time, as in `2026-11-21 09:30:00,123`. */
export function timestamp(time: Date): string {
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, -1).replace("T", " ").replace(".", ",");
}
