import { createHash } from "node:crypto";
import { VERSION } from "./index.js";
import { spec } from "./spec.js";

export function compat() {
  const text = `${JSON.stringify(spec(), null, 2)}\n`;
  return {
    $schema: "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/contract/compat.schema.json",
    channels: [{ protocol: "http", removal: null, status: "supported", version: "1" }],
    contract: { spec: `sha256:${createHash("sha256").update(text).digest("hex")}`, version: "1" },
    package: "@demo/agent",
    plugins: [
      { apiVersion: "1", removal: "9.0.0", status: "deprecated" },
      { apiVersion: "2", removal: null, status: "supported" },
    ],
    schema: 1,
    version: VERSION,
  };
}
