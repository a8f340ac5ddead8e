/** The contract of all apps holds, and every method of the SDKs works: `contract/` in the repository. */

import { afterAll, beforeAll, expect, type Mock, setDefaultTimeout, spyOn, test } from "bun:test";
import { agent } from "../src/agent.js";
import { echo } from "../src/echo.js";
import { createApp } from "../src/index.js";
import { Lifecycle } from "../src/lifecycle.js";
import { Door, run } from "../src/server.js";
import { freePort, PATIENCE, ROOT } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

let logged: Mock<typeof console.error>;
beforeAll(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterAll(() => {
  logged.mockRestore();
});

test(
  "the contract holds",
  async () => {
    const port = await freePort();
    // In this process, so that the coverage of the server is measured.
    const app = createApp({ agent: agent(), echo: echo() });
    const door = new Door();
    await run(door, "127.0.0.1", port, new Lifecycle());
    door.open(app);
    const url = `http://127.0.0.1:${port}`;
    const command = ["python3", "contract"];
    const child = Bun.spawn(command, {
      cwd: `${ROOT}/../..`,
      env: { ...process.env, BASE_URL: url, PYTHONDONTWRITEBYTECODE: "1" },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [code, told] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    expect({ code, told }).toEqual({ code: 0, told });
  },
  4 * PATIENCE,
);
