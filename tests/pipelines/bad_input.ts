import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { linesOf, type Outcome, runPipeline } from "./run_pipeline.ts";

/** A run that must be refused. */
export interface BadInput {
  /** What is wrong. */
  readonly title: string;
  /** The pipeline; default `mnist`. */
  readonly pipeline?: string;
  /** Its options, one blank between them. */
  readonly options: string;
  /** Parts of the message: what was given, what was expected, what to do. */
  readonly says: readonly string[];
  /** Flags of Deno; by default no permission. */
  readonly flags?: readonly string[];
}

/** Runs that may go on at once: the tests share two processors with others. */
const atOnce = 3;

/**
 * Runs every row, and registers a step for each.
 *
 * @param context The test that holds the steps.
 * @param code The exit code of them all.
 */
export async function refuseAll(
  context: Deno.TestContext,
  code: number,
  rows: readonly BadInput[],
): Promise<void> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async () => {
    while (next < rows.length) {
      const place = next++;
      const { pipeline = "mnist", options, flags } = rows[place];
      outcomes[place] = await runPipeline(pipeline, options.split(" "), flags);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  for (const [place, row] of rows.entries()) {
    await context.step(row.title, () => checkRefusal(outcomes[place], row, code));
  }
}

function checkRefusal({ code, stdout, stderr }: Outcome, { says }: BadInput, expected: number) {
  assert.equal(code, expected, stderr);
  for (const part of says) {
    assert(stderr.includes(part), `${JSON.stringify(part)} is not in: ${stderr}`);
  }
  // A message for the person who has typed the command, not for us.
  assert.doesNotMatch(stderr, /^\s+at |Uncaught|panicked|undefined|\[object|\.ts:\d/m);
  const lines = stderr.trimEnd().split("\n");
  // Wrong usage may have a second line, which points to --help.
  assert(lines.length <= expected, stderr);
  const told = stdout === "" ? [] : linesOf(stdout);
  // Results of what is no training may stand before a training that does not begin.
  if (!told.some(({ event }) => event === "start" || event === "end")) return;
  // It failed under way: programs are told the same.
  const end = told.at(-1)!;
  assert.deepEqual([end.event, end.reason, end.message], ["end", "error", lines[0]]);
}

/**
 * The files of a folder and the digests of their bytes, to see later that nothing has changed. Were
 * it the bytes themselves, the report of a difference would take minutes to write.
 */
export function contentsOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => {
      const bytes = Deno.readFileSync(`${folder}/${name}`);
      return [name, createHash("sha256").update(bytes).digest("hex")];
    }),
  );
}
