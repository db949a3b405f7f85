/** Two runs that are shared, whose branches are subscribed in turns. */
import assert from "node:assert/strict";
import { filter, lastValueFrom, merge, share, toArray } from "rxjs";
import {
  arrays,
  backward,
  dense,
  earlyStopping,
  epochs,
  forward,
  input,
  jsonLines,
  loss,
  meanSquaredError,
  miniBatches,
  sequential,
  sgd,
  update,
} from "../../mod.ts";

const rows = Array.from({ length: 20 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const data = arrays(rows, rows.map(([a, b]) => a - 2 * b));

function shared(name: string) {
  const model = sequential([input([2]), dense(1)], { name, seed: 1 });
  return miniBatches(data, { batchSize: 10, epochs: 2, device: "cpu", threads: 1 }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(sgd()),
    share(),
  );
}

/** A log in memory: which events it has, and of which model. */
function log() {
  let text = "";
  return {
    writeSync(bytes: Uint8Array): number {
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
    events: () =>
      text.trim().split("\n").map((line) => JSON.parse(line)).map(({ event, model }) =>
        model ? `${event} ${model}` : event
      ),
  };
}

Deno.test("a branch belongs to its own run, whichever was subscribed last", async () => {
  const names = ["a", "b"];
  for (const plain of [true, false]) {
    const runs = names.map((name) => {
      const steps = shared(name);
      return { steps, log: log(), first: plain ? steps : steps.pipe(jsonLines(log())) };
    });
    const branches = runs.map(({ steps, log }) =>
      steps.pipe(
        filter(() => true),
        epochs(),
        earlyStopping({ monitor: "loss", patience: 9 }),
        jsonLines(log),
      )
    );
    await lastValueFrom(merge(...runs.map(({ first }) => first), ...branches).pipe(toArray()));
    runs.forEach(({ log }, place) => {
      const start = plain ? [`start ${names[place]}`] : [];
      assert.deepEqual(log.events(), [...start, "epoch", "epoch", "end"]);
    });
  }
});
