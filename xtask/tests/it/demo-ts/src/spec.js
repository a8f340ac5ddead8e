import { VERSION } from "./index.js";

export function spec() {
  const ok = { responses: { 200: { description: "OK" } } };
  const paths = Object.fromEntries(["/health", "/info", "/openapi.json"].map((path) => [path, { get: ok }]));
  return { info: { title: "@demo/agent", version: VERSION }, openapi: "3.1.0", paths };
}
