#!/usr/bin/env node
// Serves until SIGTERM.
import { createServer } from "node:http";
import colours from "picocolors";
import { ANSWERS } from "./answers.js";
import { VERSION } from "./index.js";

if (process.argv[2] === "--version") {
  console.log(colours.bold("demo-agent-ts"), VERSION);
  process.exit();
}
process.on("SIGTERM", () => process.exit());
createServer((request, response) => {
  const answer = ANSWERS[request.url];
  response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(answer ?? { detail: "not found" }));
}).listen(Number(process.env.PORT ?? 8000), process.env.HOST ?? "127.0.0.1");
