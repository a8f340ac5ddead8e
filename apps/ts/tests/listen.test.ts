/** Listening with Bun's server and with Node's, which Bun also has. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { createApp } from "../src/app.js";
import { Lifecycle } from "../src/lifecycle.js";
import { onBun, onNode } from "../src/listen.js";
import { freePort, PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

test.each([onBun, onNode])("%p answers, and a taken port is an error", async (listen) => {
  const port = await freePort();
  const lifecycle = new Lifecycle();
  const app = createApp();
  await listen((request) => lifecycle.answer(() => app.fetch(request)), "127.0.0.1", port);
  const response = await fetch(`http://127.0.0.1:${port}/health`);
  expect(await response.json()).toEqual({ status: "ok" });
  expect(await (await fetch(`http://127.0.0.1:${port}/ok`)).json()).toEqual({ ok: true });
  expect(listen(app.fetch, "127.0.0.1", port)).rejects.toMatchObject({ code: "EADDRINUSE" });
});
