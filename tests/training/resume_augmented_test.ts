/** A run whose pictures are changed and mixed at random goes on to the same bits when it is resumed. */
import assert from "node:assert/strict";
import { lastValueFrom, tap, toArray } from "rxjs";
import {
  adam,
  arrays,
  backward,
  categoricalCrossentropy,
  cutMix,
  dense,
  epochs,
  flatten,
  forward,
  gaussianNoise,
  input,
  type Layer,
  loss,
  miniBatches,
  type MiniBatchesOptions,
  mixUp,
  randomAffine,
  randomBrightness,
  randomContrast,
  randomCrop,
  randomElasticTransform,
  randomErasing,
  randomFlip,
  sequential,
  update,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { deviceTest } from "./devices.ts";
import { weightsOf } from "./pipes.ts";

const random = mulberry32(4);
const valueRange = [0, 1] as const;
const data = arrays(
  Array.from(
    { length: 22 },
    () => Array.from({ length: 7 }, () => Array.from({ length: 6 }, () => [random(), random()])),
  ),
  Array.from({ length: 22 }, (_, n) => [0, 1, 2].map((id) => Number(id === n % 3))),
);

const affine = { heightFactor: 0.2, rotationFactor: 0.1, zoomFactor: 0.2, shearFactor: 0.1 };
const few = () => [randomAffine(affine), randomErasing({ factor: 0.8, valueRange })];
const all = () => [
  ...few(),
  randomElasticTransform({ fillMode: "constant" }),
  randomFlip(),
  randomContrast(0.5, { valueRange }),
  randomBrightness(0.2, { valueRange }),
  randomCrop(5, 5),
  gaussianNoise(0.05),
];

async function train(changes: readonly Layer[], options: MiniBatchesOptions, folder?: string) {
  const model = sequential([input([7, 6, 2]), ...changes, flatten(), dense(3)], { seed: 3 });
  const training = miniBatches(data, { batchSize: 8, epochs: 3, seed: 11, ...options }).pipe(
    mixUp(),
    cutMix(),
    forward(model),
    loss(categoricalCrossentropy({ fromLogits: true })),
    backward(),
    update(adam({ learningRate: 0.01 })),
    tap(({ step, run }) => {
      if (folder === undefined || step % 2 !== 0) return;
      void run.save({}, ({ bytes }) => Deno.writeFile(`${folder}/${step}`, bytes));
    }),
    epochs({ validation: data }),
  );
  const epochsOfRun = await lastValueFrom(training.pipe(toArray()));
  return { logs: epochsOfRun.map(({ logs }) => logs), weights: await weightsOf(model) };
}

await deviceTest(
  "a run with augmentation goes on to the same bits from any of its files",
  async (device) => {
    const folder = await Deno.makeTempDir();
    try {
      // A software adapter compiles for a second or two for each layer and run.
      const [changes, resumed] = device.type === "webgpu" ? [few(), [4]] : [all(), [2, 4, 6, 8]];
      const whole = await train(changes, { device }, folder);
      assert.equal(new Set(whole.logs.map(({ loss }) => loss)).size, 3);
      const files = [...Deno.readDirSync(folder)].map(({ name }) => Number(name));
      assert.deepEqual(files.toSorted(), [2, 4, 6, 8]);
      for (const file of resumed) {
        const { logs, weights } = await train(changes, { device, resume: `${folder}/${file}` });
        assert.deepEqual(logs, whole.logs.slice(Math.floor(file / 3)), `logs, ${file}`);
        assert.deepEqual(weights, whole.weights, `weights after step ${file}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  "cpu",
  "webgpu",
);
