import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import {
  accumulateGradients,
  backward,
  clipGradients,
  epochs,
  forward,
  gradientNorms,
  loss,
  miniBatches,
  sgd,
  update,
} from "../../../mod.ts";
import { testOnDevices } from "../../devices.ts";
import { crossentropy, points, smallModel } from "../../training/pipes.ts";

const data = points(64);

function length(...parts: ArrayLike<number>[]): number {
  return Math.sqrt(parts.flatMap((part) => Array.from(part)).reduce((sum, x) => sum + x * x, 0));
}

function close(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-5 * expected, `${what}: ${actual} for ${expected}`);
}

await testOnDevices(
  "gradientNorms logs the lengths of the gradients by layer, and of all",
  async (options) => {
    const model = smallModel();
    const read: Promise<ArrayLike<number>[]>[] = [];
    const values: Promise<Readonly<Record<string, number>>>[] = [];
    const training = miniBatches(data, { batchSize: 16, ...options }).pipe(
      forward(model),
      loss(crossentropy),
      backward(),
      tap(({ gradients }) =>
        void read.push(Promise.all(model.parameters.map((it) => gradients.get(it)!.data())))
      ),
      gradientNorms(),
      update(sgd({ learningRate: 0.1 })),
      tap((step) => void values.push(step.values())),
      epochs(),
    );
    const { logs } = await lastValueFrom(training);
    let sum = 0;
    for (let step = 0; step < 4; step++) {
      const [kernel1, bias1, kernel2, bias2] = await read[step];
      const found = await values[step];
      close(found["gradient_norm/dense_1"], length(kernel1, bias1), "dense_1");
      close(found["gradient_norm/dense_2"], length(kernel2, bias2), "dense_2");
      close(found.gradient_norm, length(kernel1, bias1, kernel2, bias2), "all");
      sum += found.gradient_norm;
    }
    close(logs.gradient_norm, sum / 4, "mean over the epoch");
    assert.deepEqual(Object.keys(logs), [
      "loss",
      "gradient_norm",
      "gradient_norm/dense_1",
      "gradient_norm/dense_2",
      "learning_rate",
    ]);
  },
);

Deno.test("gradientNorms measures every n-th step, below what clips, and no step that only gathers", async () => {
  for (const [every, batches, expected] of [[3, 1, "00100100"], [1, 2, "01010101"]] as const) {
    const values: Promise<Readonly<Record<string, number>>>[] = [];
    const training = miniBatches(data, { batchSize: 8, device: "reference" }).pipe(
      forward(smallModel()),
      loss(crossentropy),
      backward(),
      accumulateGradients(batches),
      clipGradients({ globalNorm: 0.01 }),
      gradientNorms({ every }),
      update(sgd()),
      tap((step) => void values.push(step.values())),
      epochs(),
    );
    const { logs } = await lastValueFrom(training);
    const norms = (await Promise.all(values)).map(({ gradient_norm }) => gradient_norm);
    assert.equal(norms.map((norm) => norm === undefined ? "0" : "1").join(""), expected);
    for (const norm of norms) if (norm !== undefined) close(norm, 0.01, "clipped");
    close(logs.gradient_norm, 0.01, "mean over the steps measured");
  }
});

Deno.test("gradientNorms refuses what is no number of steps", () => {
  assert.throws(() => gradientNorms({ every: 0 }), /every of gradientNorms.*from 1: received 0/);
});
