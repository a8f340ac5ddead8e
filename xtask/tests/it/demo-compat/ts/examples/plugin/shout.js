// A plugin.
import { Plugin } from "@demo/agent";

export const plugin = new Plugin("shout", "2");
