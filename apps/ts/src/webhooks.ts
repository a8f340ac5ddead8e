/** Webhooks: a run that has ended is sent to the URL that its client gave. */

import { refused } from "./errors.js";
import { log } from "./log.js";

/** Milliseconds that an attempt may take, and the pauses before the attempts. */
export const TRIES: { patience: number; pauses: readonly number[] } = {
  patience: 10_000,
  pauses: [0, 1000, 5000],
};
const ALLOWED = "must be an http or https URL of this machine, or of a host in WEBHOOK_HOSTS";

/** Refuses a URL of a host that is not allowed. */
export function checkWebhook(text: string, hosts: readonly string[]): void {
  const plain = /^https?:\/\/[\x21-\x7e]+$/i.test(text) && URL.canParse(text);
  const host = plain ? new URL(text).hostname.replace(/^\[(.*)\]$/, "$1") : "";
  if (plain && (isLocal(host) || hosts.includes(host) || hosts.includes("*"))) return;
  throw refused(ALLOWED, ["body", "webhook"]);
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.[0-9]+){3}$/.test(host);
}

/** Sends a run that has ended. What does not arrive is a line in the log. */
export async function sendWebhook(url: string, body: string): Promise<void> {
  let told = "";
  for (const pause of TRIES.pauses) {
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    const status = await post(url, body).catch((problem: unknown) => String(problem));
    told = typeof status === "number" ? `it answers ${status}` : status;
    if (typeof status === "number" && status < 300) return;
    if (typeof status === "number" && status < 500) break;
  }
  // Without the path and the query, which may have a secret.
  const { protocol, hostname } = new URL(url);
  log("WARNING", `webhook at ${protocol}//${hostname} was not accepted: ${told}`);
}

async function post(url: string, body: string): Promise<number> {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    // A redirect could lead to a host that is not allowed.
    redirect: "manual",
    signal: AbortSignal.timeout(TRIES.patience),
  });
  await reply.body?.cancel();
  return reply.status;
}
