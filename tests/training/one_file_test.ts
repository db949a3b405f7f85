/** From raw rows to a network, into one file, and from that file alone to predictions on raw rows. */
import assert from "node:assert/strict";
import { readWeightsMetadata } from "../../mod.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { rawTexts, strikes } from "./one_file_rows.ts";

const child = new URL("one_file_child.ts", import.meta.url).pathname;

async function run(...options: string[]): Promise<number[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "-A", child, ...options],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const labels = {
  table: strikes(40, 2).map(({ damage }) => Number(damage)),
  text: rawTexts(40, 2).labels,
};

for (const kind of ["table", "text"] as const) {
  Deno.test(`a ${kind} model predicts on raw data from its checkpoint alone, in another process`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/${kind}.safetensors`;
      const learnt = await run(kind, "learn", path);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [
        `${kind}.safetensors`,
      ]);
      assert.deepEqual(await run(kind, "predict", path), learnt, "to the last bit");
      const right = learnt.filter((chance, place) => Number(chance > 0.5) === labels[kind][place]);
      assert.ok(right.length >= 34, `${right.length} of 40`);
      const { epoch, logs, run: state } = await readWeightsMetadata(path);
      assert.equal(epoch, "20");
      assert.ok(JSON.parse(logs).loss > 0 && state, "it is a checkpoint to resume from, too");
    }));
}
