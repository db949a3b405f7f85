/**
 * Runs every example of the docs and every test: `deno task test`. Options of `deno test`, such as
 * `--filter NAME`, are passed on.
 */
import { stripVTControlCharacters } from "node:util";
import { bundlePackage } from "./bundle_package.ts";

/**
 * Tests that nothing may run beside: they look at the clock or at the memory of the process, end
 * processes at given moments, or are about threads. All others run side by side.
 */
export const alone = [
  "tests/bench",
  "tests/core/cpu",
  "tests/core/graph/deep_plan_test.ts",
  "tests/core/search/kill_test.ts",
  "tests/core/search/workers_test.ts",
  "tests/gpu/profile_test.ts",
  "tests/training/back_pressure_test.ts",
  "tests/training/events_test.ts",
  "tests/training/faster_device_test.ts",
  "tests/training/few_steps_test.ts",
  "tests/training/kill_test.ts",
  "tests/training/memory_test.ts",
  "tests/training/profile_test.ts",
  "tests/training/recompute_test.ts",
  "tests/training/refused_memory_test.ts",
  "tests/training/time_steps_test.ts",
];

const options = ["test", "--no-check", "-A", "--sanitize-ops", "--sanitize-resources"];

/** The runs of `deno test`, one after the other; in the first, examples import the package by `config`. */
const runs = (config: string) => [
  [
    ...[...options, "--parallel", "--doc", `--config=${config}`],
    ...["--ignore=core/cpu/kernels/assembly", "core", "gpu", "data", "mod.ts", "README.md"],
  ],
  // By themselves: beside files of the root folder, `deno test` would ignore nothing.
  [...options, "--parallel", `--ignore=${alone.join(",")}`, "tests"],
  [...options, ...alone],
];

/**
 * Whether a run of `deno test` has passed. Mesa's software adapter now and then corrupts its heap while
 * the process exits, after the last verdict: that alone is no failed test.
 *
 * @param code Exit code of the process.
 * @param output What it has printed to stdout.
 */
export function hasPassed(code: number, output: string): boolean {
  if (code === 0) return true;
  const verdict = stripVTControlCharacters(output).match(/^(ok|FAILED) \| \d+ passed/gm)?.at(-1);
  // Deno's own exit codes are small; those of a signal are not.
  return code > 128 && verdict?.startsWith("ok") === true;
}

async function run(args: readonly string[]): Promise<boolean> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...args, ...Deno.args],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let end = "";
  for await (const bytes of process.stdout) {
    for (let sent = 0; sent < bytes.length;) sent += await Deno.stdout.write(bytes.subarray(sent));
    // The verdict is among the last lines, but a driver may write behind it.
    end = (end + decoder.decode(bytes, { stream: true })).slice(-10_000);
  }
  const { code } = await process.status;
  const passed = hasPassed(code, end);
  if (passed && code !== 0) console.error(`After the verdict the process ended with code ${code}`);
  return passed;
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  try {
    for (const args of runs(await bundlePackage(folder))) {
      if (await run(args)) continue;
      Deno.exitCode = 1;
      break;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
