// The answers of the server, by path.
import { COMMIT, VERSION } from "./index.js";
import { spec } from "./spec.js";

export const ANSWERS = {
  "/health": { status: "ok" },
  "/info": { name: "@demo/agent", version: VERSION, commit: COMMIT, graphs: [] },
  "/openapi.json": spec(),
};
