import { expect, test } from "bun:test";
import { plugin } from "./shout.js";

test("it greets", () => {
  expect(plugin.greeting()).toBe("hello from shout");
});
