/**
 * Runs every example of the docs and every test: `deno task test`. Options of `deno test`, such as
 * `--filter NAME`, are passed on.
 */
import { stripVTControlCharacters } from "node:util";

/**
 * Tests that run beside others without noticing: they look at no clock and no memory of the process, and
 * their files are their own.
 */
const sideBySide = [
  "tests/core/nn",
  "tests/core/ops",
  "tests/core/state",
  "tests/core/stream",
  "tests/data",
  "tests/foundations",
  "tests/pipelines",
];

const options = ["test", "--no-check", "-A", "--sanitize-ops", "--sanitize-resources"];
const runs = [
  [...options, "--doc", "--parallel", "core", "gpu", "data", "mod.ts", "README.md", ...sideBySide],
  [...options, `--ignore=${sideBySide.join(",")}`, "tests"],
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
  for (const args of runs) if (!await run(args)) Deno.exit(1);
}
