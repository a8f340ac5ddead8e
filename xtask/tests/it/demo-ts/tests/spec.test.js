import { expect, test } from "bun:test";
import { spec } from "../src/spec.js";

test("the spec says the version", () => {
  expect(spec().info.version).toMatch(/^\d+\.\d+\.\d+/);
});
