/** Averages beside what else puts weights in their place: the best ones, and averages of other models. */
import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, type Observable, tap, toArray } from "rxjs";
import {
  backward,
  type Batch,
  type DataSet,
  earlyStopping,
  type Epoch,
  epochs,
  exponentialMovingAverage,
  forward,
  loss,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  sgd,
  type Snapshot,
  update,
  type Updated,
} from "../../../mod.ts";
import { crossentropy, points, smallModel, weightsOf } from "../../training/pipes.ts";
import { inFolder } from "./fake_epoch.ts";

const data: DataSet = points(40);
const settings = { batchSize: 8, epochs: 4, seed: 2, device: "cpu", threads: 1 } as const;

function group(model: Model, average: MonoTypeOperatorFunction<Updated>, name: string) {
  const rate = { learningRate: 0.3, momentum: 0.5 };
  return (source: Observable<Batch>) =>
    source.pipe(
      forward(model),
      loss(crossentropy, { name }),
      backward(),
      update(sgd(rate)),
      average,
    );
}

/** Trains with averages that are not kept; gives the weights that each epoch was validated with. */
async function unkept(
  operator: MonoTypeOperatorFunction<Epoch>,
  options: MiniBatchesOptions = {},
  folder?: string,
) {
  const model = smallModel();
  const average = exponentialMovingAverage<Updated>({ momentum: 0.6, keep: false });
  const steps = miniBatches(data, { ...settings, ...options }).pipe(group(model, average, "loss"));
  const seen: ReturnType<Epoch["run"]["weights"]>[] = [];
  const training = steps.pipe(
    tap(({ step, run }) => {
      if (folder) void run.save({}, ({ bytes }) => Deno.writeFile(`${folder}/${step}`, bytes));
    }),
    epochs({ validation: data }),
    tap(({ run }) => void seen.push(run.weights())),
    operator,
  );
  await lastValueFrom(training.pipe(toArray()));
  const kernels = await Promise.all(seen.map(async (weights) => {
    return [...(await weights).get("dense_1/kernel")!.data];
  }));
  return { seen: kernels, weights: (await weightsOf(model))["dense_1/kernel"] };
}

Deno.test("earlyStopping's best weights stay, also where averages are not kept", () =>
  inFolder(async (folder) => {
    // The first epoch is the best one: the loss falls.
    const stopping = (patience: number) =>
      earlyStopping<Epoch>({ mode: "max", patience, restoreBest: true });
    for (const patience of [1, 9]) {
      const whole = await unkept(stopping(patience), {}, folder);
      assert.equal(whole.seen.length, patience === 1 ? 2 : 4);
      assert.deepEqual(whole.weights, whole.seen[0]);
      const last = 5 * whole.seen.length;
      for (const step of [1, 5, last - 1, last]) {
        const { weights } = await unkept(stopping(patience), { resume: `${folder}/${step}` });
        assert.deepEqual(weights, whole.weights, `after step ${step}`);
      }
      // With more patience the run goes on from the weights that were trained.
      const more = await unkept(stopping(9), { resume: `${folder}/10` });
      const unbroken = await unkept(stopping(9));
      assert.deepEqual(more.seen, unbroken.seen.slice(2));
    }
  }));

Deno.test("training goes on from what an operator puts in the averages' place", async () => {
  let kept: Snapshot | undefined;
  const goBack = tap<Epoch>(({ epoch, run }) => {
    if (epoch === 1) kept = run.snapshot();
    if (epoch === 2) run.restore(kept!);
  });
  const [plain, back] = [await unkept(tap()), await unkept(goBack)];
  assert.deepEqual(back.seen.slice(0, 1), plain.seen.slice(0, 1));
  assert.notDeepEqual(back.seen[2], plain.seen[2]);
});

for (const [first, second] of [[true, false], [false, true]]) {
  Deno.test(`of two averages ${first ? "the first" : "the second"} alone is kept`, async () => {
    const train = async (keep: readonly boolean[], validate = true) => {
      const models = [smallModel(1), smallModel(2)];
      const averages = keep.map((kept) =>
        exponentialMovingAverage<Updated>({ momentum: 0.6, keep: kept, validate })
      );
      const steps = miniBatches(data, settings).pipe(
        group(models[0], averages[0], "loss_1"),
        group(models[1], averages[1], "loss_2"),
      );
      await lastValueFrom(steps.pipe(epochs()));
      return await Promise.all(models.map(weightsOf));
    };
    const averaged = await train([true, true]);
    const trained = await train([false, false], false);
    const [one, other] = await train([first, second]);
    assert.deepEqual(one, (first ? averaged : trained)[0]);
    assert.deepEqual(other, (second ? averaged : trained)[1]);
  });
}
