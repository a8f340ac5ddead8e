/** Which web pages of other origins may use the server (Fetch standard, 3.2). */

const METHODS = "GET, POST, PUT, PATCH, DELETE";
const EXPOSED = "Content-Location, Location, X-Pagination-Next, X-Pagination-Total";

/** Returns the headers for a request from a page. undefined: it may not use the server. */
export function corsHeaders(
  origins: readonly string[],
  { method, headers }: Request,
): Record<string, string> | undefined {
  const origin = headers.get("origin");
  if (origin === null || !(origins.includes("*") || origins.includes(origin))) return undefined;
  const shared = { "Access-Control-Allow-Origin": origin, Vary: "Origin" };
  if (!isPreflight(method, headers)) return { ...shared, "Access-Control-Expose-Headers": EXPOSED };
  const asked = headers.get("access-control-request-headers");
  return {
    ...shared,
    "Access-Control-Allow-Methods": METHODS,
    ...(asked ? { "Access-Control-Allow-Headers": asked } : {}),
    "Access-Control-Max-Age": "600",
  };
}

/** Tells whether the request is a CORS preflight. */
export function isPreflight(method: string, headers: Headers): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}
