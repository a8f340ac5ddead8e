// A package that knows its version and the commit it was built from, and that plugins are written for.
import { readFileSync } from "node:fs";

const manifest = new URL("../package.json", import.meta.url);

export const VERSION = JSON.parse(readFileSync(manifest, "utf8")).version;
export { COMMIT } from "./commit.js";

export class Plugin {
  constructor(name, apiVersion) {
    this.name = name;
    this.apiVersion = apiVersion;
  }
  greeting() {
    return `hello from ${this.name}`;
  }
}
