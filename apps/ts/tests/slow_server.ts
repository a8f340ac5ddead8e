/** A server for tests with one slow graph, built with the public interface. */

import { createApp, serve } from "../src/index.js";

/** A graph that writes a line to stderr when a run begins. */
const slow = {
  async invoke({ seconds }: { seconds: number }) {
    process.stderr.write("a run has begun\n");
    await Bun.sleep(seconds * 1000);
    return { slept: seconds };
  },
};

await serve(createApp({ slow }), { port: Number(process.env["PORT"]) });
