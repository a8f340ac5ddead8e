/** The example plugin, as its author has it: a folder of its own, and the built package installed. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { PACKAGE } from "../src/version.js";
import { PATIENCE, ROOT } from "./servers.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/plugin-`);
  const installed = `${folder}/node_modules/${PACKAGE}`;
  cpSync(`${ROOT}/examples/plugin`, folder, { recursive: true });
  mkdirSync(installed, { recursive: true });
  cpSync(`${ROOT}/package.json`, `${installed}/package.json`);
  symlinkSync(`${ROOT}/node_modules`, `${installed}/node_modules`);
  symlinkSync(`${ROOT}/node_modules/@types`, `${folder}/node_modules/@types`);
  run("node_modules/.bin/tsc", "-p", "tsconfig.build.json", "--outDir", `${installed}/dist`);
}, PATIENCE);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a program in the app's folder; what it printed. */
function run(...command: string[]): string {
  const done = Bun.spawnSync(command, { cwd: ROOT });
  const printed = `${done.stdout}${done.stderr}`;
  expect({ printed, code: done.exitCode }).toEqual({ printed, code: 0 });
  return printed;
}

test(
  "its own tests pass",
  () => {
    const printed = run(process.execPath, "test", `--cwd=${folder}`);
    expect(printed).toContain("Ran 2 tests across 1 file");
    expect(printed).not.toContain("% Funcs");
  },
  PATIENCE,
);

test(
  "it has the types that the package declares",
  () => {
    run("node_modules/.bin/tsc", "-p", folder);
  },
  PATIENCE,
);
