/**
 * A plugin: the graph `shout` says a text again, louder.
 *
 * Served by `PLUGINS=./shout.ts fractal-agents-runtime` in this folder.
 */

import type { Graph, Plugin } from "@l4b4r4b4b4/fractal-agents-runtime";

// Every compiled langgraph graph is one; so is whatever else can be invoked.
const shout: Graph = {
  async invoke({ text }: { text: string }) {
    return { text: text.toUpperCase() };
  },
};

export const plugin: Plugin = { name: "shout", apiVersion: "1", graphs: { shout } };
