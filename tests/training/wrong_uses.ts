/** What wrong uses are tried with, and what each must end in. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import * as millrace from "../../mod.ts";
import { inFolder, names } from "../core/stream/fake_epoch.ts";

// What a program in JavaScript may give.
// deno-lint-ignore no-explicit-any
export type Any = any;
/** The framework without its types. */
export const m = millrace as Any;

export const cpu = { device: "cpu", threads: 1 } as const;
export const rows = Array.from({ length: 12 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
export const data = m.arrays(rows, rows.map(([a, b]) => [a - b]));
export const model = (units = 1) => m.sequential([m.input([2]), m.dense(units)]);
export const loss = m.meanSquaredError();
export const options = () => ({ ...cpu, loss, optimizer: m.sgd() });
export const train = (more: Any = {}, dataSet: Any = data, network: Any = model()) =>
  lastValueFrom(m.fit(network, dataSet, { ...options(), ...more }));

/** What is done, in the folder of the test, and what must be said of it. */
export type Use = readonly [
  title: string,
  use: (folder: string) => Any,
  name: string,
  says: RegExp,
];

/** Registers a test whose steps try each. */
export function refuseUses(title: string, uses: readonly Use[]): void {
  Deno.test(`${title} are told with what to do`, (context) =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/empty`, new Uint8Array());
      await Deno.writeTextFile(`${folder}/text`, "no numbers but words, and quite a few of them");
      for (const [title, use, name, says] of uses) {
        await context.step(title, async () => {
          await assert.rejects(async () => await use(folder), (error: Error) => {
            assert.equal(error.name, name, error.message);
            assert.match(error.message, says);
            assert.doesNotMatch(error.message, /\[object|\.$|not a function|destructure/);
            return true;
          });
        });
      }
      assert.deepEqual(names(folder).filter((file) => file !== "other"), ["empty", "text"]);
    }));
}
