/** The web page at `/`: the graphs, and a chat with each. Both servers have the same page. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

interface Page {
  readonly html: Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
}

let known: Page | undefined;

/** Returns the page. Its policy allows its own style and script, and requests to the server. */
export function page(): Response {
  known ??= read();
  return new Response(known.html, { headers: known.headers });
}

function read(): Page {
  // In the parent folder of src in a checkout, and of dist in the package.
  const html = readFileSync(new URL("../page.html", import.meta.url), "utf8");
  const policy =
    "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none';" +
    " frame-ancestors 'none'; img-src data:;" +
    ` script-src '${hash(html, "script")}'; style-src '${hash(html, "style")}'`;
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    // Said here because an answer to HEAD has it too (RFC 9110, 9.3.2), and no body to count.
    "Content-Length": String(Buffer.byteLength(html)),
    "Content-Security-Policy": policy,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
  return { html: new TextEncoder().encode(html), headers };
}

function hash(html: string, tag: string): string {
  const [, text = ""] = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(html) ?? [];
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
