import { expect, test } from "vitest";
import { greet } from "../src/index.js";

test("somebody is greeted", () => {
  expect(greet("Ada")).toBe("Hello, Ada");
});
