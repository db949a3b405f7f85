/** The event files of a resumed run are those of one that was left alone. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  checkpoint,
  fit,
  type MiniBatchesOptions,
  sgd,
  tensorBoard,
  type TensorBoardOptions,
} from "../../mod.ts";
import { captureErrors, inFolder, names } from "../core/stream/fake_epoch.ts";
import { eventsIn } from "../core/stream/operators/event_file.ts";
import { crossentropy, points, smallModel } from "./pipes.ts";

const data = points(40);

/** Three epochs of five steps, saved after every one. */
async function train(folder: string, options: MiniBatchesOptions & TensorBoardOptions = {}) {
  const { updateFrequency = "batch", histogramFrequency = 2, ...others } = options;
  const training = fit(smallModel(), data, {
    ...{ batchSize: 8, epochs: 3, seed: 2, device: "cpu", threads: 1, ...others },
    loss: crossentropy,
    optimizer: sgd({ learningRate: 0.3, momentum: 0.5 }),
    validation: data,
    stepOperators: [
      tensorBoard(`${folder}/logs`, { updateFrequency }),
      checkpoint(`${folder}/{step}.run`, { save: "last", keep: Infinity, everySteps: 1 }),
    ],
    callbacks: [
      tensorBoard(`${folder}/logs`, { histogramFrequency }),
      checkpoint(`${folder}/{epoch}.epoch`, { save: "last", keep: Infinity }),
    ],
  });
  // None is left where a run is saved at its end.
  await lastValueFrom(training, { defaultValue: null });
}

/** All events but their times, which a resumed run has of its own. */
const seen = (folder: string) =>
  ["train", "validation"].map((run) =>
    eventsIn(`${folder}/logs/${run}`).map(({ wallTime: _, ...event }) => event)
  );

const fileOf = (folder: string, run: string) =>
  `${folder}/logs/${run}/${names(`${folder}/logs/${run}`)[0]}`;

Deno.test("a resumed run has each event once, wherever it was saved and whatever came after", () =>
  inFolder(async (folder) => {
    await train(folder);
    const whole = seen(folder);
    assert.deepEqual(whole.map((events) => events.length), [1 + 15 + 3 + 1, 1 + 3]);
    const saved = names(folder).filter((name) => name !== "logs");
    assert.equal(saved.length, 15 + 3);
    for (const [place, name] of saved.entries()) {
      // As a process leaves it that was killed in the middle of an event.
      const torn = new Uint8Array([9, 0, 0].slice(place % 3));
      await Deno.writeFile(fileOf(folder, "train"), torn, { append: true });
      await train(folder, { resume: `${folder}/${name}` });
      assert.deepEqual(seen(folder), whole, name);
    }
  }));

Deno.test("events that came after the save are gone at once, of validation too", () =>
  inFolder(async (folder) => {
    await train(folder);
    // It ends where it begins.
    await train(folder, { resume: `${folder}/2.epoch`, epochs: 2 });
    assert.deepEqual(seen(folder).map((events) => events.length), [1 + 10 + 2 + 1, 1 + 2]);
    await train(folder, { resume: `${folder}/3.run`, epochs: 1 });
    assert.deepEqual(seen(folder).map((events) => events.length), [1 + 5 + 1, 1 + 1]);
  }));

Deno.test("files that are gone or too short are told of, and the log goes on", () =>
  inFolder(async (folder) => {
    await train(folder);
    const whole = seen(folder);
    const resume = `${folder}/2.epoch`;
    await Deno.truncate(fileOf(folder, "train"), 150);
    await Deno.remove(fileOf(folder, "validation"));
    const said = await captureErrors(() => train(folder, { resume }));
    assert.equal(said.length, 2);
    assert.match(said[0], /^tensorBoard: ".*\/train" does not hold the events that the resumed/);
    assert.match(said[1], /^tensorBoard: ".*\/validation" does not hold/);
    const [train2, validation] = seen(folder);
    assert.deepEqual(train2.slice(-6), whole[0].slice(-6));
    assert.deepEqual(validation, [whole[1][0], whole[1][3]]);
    await Deno.remove(`${folder}/logs`, { recursive: true });
    assert.equal((await captureErrors(() => train(folder, { resume }))).length, 1);
    assert.deepEqual(seen(folder)[0], [whole[0][0], ...whole[0].slice(-6)]);
  }));
