// What is answered, by path.
import { compat } from "./compat.js";
import { COMMIT, VERSION } from "./index.js";
import { spec } from "./spec.js";

export const ANSWERS = {
  "/health": { status: "ok" },
  "/info": { name: "@demo/agent", version: VERSION, commit: COMMIT, compat: compat() },
  "/openapi.json": spec(),
  "/greeting": { text: "hello" },
};
