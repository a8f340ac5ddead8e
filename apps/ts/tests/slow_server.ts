/** A server for tests, made with the public interface: one graph that takes its time. */

import { createApp, serve } from "../src/index.js";

/** A graph that says on standard error when it has begun. */
const slow = {
  async invoke({ seconds }: { seconds: number }) {
    process.stderr.write("a run has begun\n");
    await Bun.sleep(seconds * 1000);
    return { slept: seconds };
  },
};

await serve(createApp({ slow }), { port: Number(process.env["PORT"]) });
