/** The example plugin in the environment of its author: in a folder of its own, with the built package. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { PACKAGE } from "../src/version.js";
import { PATIENCE, ROOT } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

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

/** Runs a program in the app's folder. Returns its output. */
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
  "the example type-checks against the types of the package",
  () => {
    run("node_modules/.bin/tsc", "-p", folder);
  },
  PATIENCE,
);
