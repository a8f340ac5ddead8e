/**
 * A plugin with the graph `shout`, which returns a text in upper case.
 *
 * `PLUGINS=./shout.ts fractal-agents-runtime` in this folder serves it.
 */

import type { Graph, Plugin } from "@l4b4r4b4b4/fractal-agents-runtime";

// A compiled langgraph graph is a Graph, and so is any object with an `invoke` method.
const shout: Graph = {
  async invoke({ text }: { text: string }) {
    return { text: text.toUpperCase() };
  },
};

export const plugin: Plugin = { name: "shout", apiVersion: "1", graphs: { shout } };
