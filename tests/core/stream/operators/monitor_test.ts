import assert from "node:assert/strict";
import { from, lastValueFrom, type MonoTypeOperatorFunction, toArray } from "rxjs";
import {
  accuracy,
  arrays,
  checkpoint,
  dense,
  earlyStopping,
  type Epoch,
  fit,
  input,
  meanSquaredError,
  type Metric,
  reduceOnPlateau,
  sequential,
  sgd,
} from "../../../../mod.ts";
import { Monitor, monitorDirection } from "../../../../core/stream/operators/monitor.ts";
import {
  fakeEpoch,
  fakeEpochs,
  FakeRun,
  inFolder,
  runOf,
  usedHyperparameter,
} from "../fake_epoch.ts";

const directions: Record<"min" | "max", string[]> = {
  min: [
    "loss",
    "val_loss",
    "decoder_loss",
    "mean_squared_error",
    "val_mean_absolute_error",
    "mse",
    "val_mae",
    "binary_crossentropy",
    "kl_divergence",
    "false_positives",
  ],
  max: [
    "accuracy",
    "val_accuracy",
    "acc",
    "sparse_categorical_accuracy",
    "auc",
    "val_precision",
    "recall",
    "f1",
    "f1_score",
    "mean_iou",
    "r2_score",
    "cosine_similarity",
  ],
};

Deno.test("mode auto reads the direction from the name where no metric tells it", () => {
  for (const direction of ["min", "max"] as const) {
    for (const name of directions[direction]) {
      assert.equal(monitorDirection("test", name, "auto"), direction, name);
    }
  }
  for (const name of ["learning_rate", "glossy", "space", "inaccuracy", "", "val_"]) {
    assert.throws(() => monitorDirection("test", name, "auto"), RangeError, name);
    assert.equal(monitorDirection("test", name, "max"), "max");
  }
});

Deno.test("an improvement is strict and beyond the least change", () => {
  const falling = new Monitor("test", "loss", "min");
  const rising = new Monitor("test", "accuracy", "max");
  const cases: [Monitor, number | null, number | null, number, boolean][] = [
    [falling, 1, 2, 0, true],
    [falling, 2, 2, 0, false],
    [falling, 1, 2, 1, false],
    [falling, 0.5, 2, 1, true],
    [falling, 0.5, 2, -1, true],
    [falling, NaN, 2, 0, false],
    [falling, 5, null, 0, true],
    [rising, 2, 1, 0, true],
    [rising, 1, 1, 0, false],
    [rising, 2, 1, 1, false],
    [rising, 2.5, 1, -1, true],
    [rising, NaN, null, 0, false],
    [rising, -5, null, 0, true],
    [rising, -Infinity, null, 0, false],
    [rising, null, null, 0, false],
    [falling, null, 5, 0, false],
  ];
  for (const [monitor, value, reference, minDelta, expected] of cases) {
    assert.equal(monitor.improves(value, reference, minDelta), expected);
  }
});

/** Epochs of a log whose metric says where it gets better, whatever its name. */
function directed(name: string, direction: "min" | "max", values: readonly number[]): Epoch[] {
  return fakeEpochs(values, name).map((epoch) => ({ ...epoch, directions: { [name]: direction } }));
}

Deno.test("mode auto goes by the metric's own direction, a given mode by itself", () => {
  const [epoch] = directed("val_margin_loss", "max", [0.5]);
  const auto = new Monitor("test", "val_margin_loss");
  assert.equal(auto.direction, null);
  assert.equal(auto.read(epoch, ""), 0.5);
  assert.equal(auto.direction, "max");
  const given = new Monitor("test", "val_margin_loss", "min");
  given.read(epoch, "");
  assert.equal(given.direction, "min");
  given.direction = "max"; // a checkpoint of a run that had gone by the metric
  assert.equal(given.direction, "min");
});

Deno.test("early stopping, plateaus and checkpoints go by it", async () => {
  const values = [0.1, 0.2, 0.3, 0.2, 0.2];
  const epochs = directed("val_gain", "max", values);
  const options = { monitor: "val_gain", patience: 2 };
  const stopped = await lastValueFrom(from(epochs).pipe(earlyStopping(options)));
  assert.equal(stopped.epoch, 5);
  assert.match(stopped.run.explanation!, /has not improved on 0.3/);
  const rate = usedHyperparameter(1);
  await lastValueFrom(from(epochs).pipe(reduceOnPlateau(rate, { ...options, factor: 0.5 })));
  assert.equal(rate.value, 0.5);
  await inFolder(async (folder) => {
    const path = `${folder}/{epoch}.safetensors`;
    const rule = { monitor: "val_gain", keep: 2 } as const;
    await lastValueFrom(runOf(new FakeRun(), epochs).pipe(checkpoint(path, rule)));
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "2.safetensors",
      "3.safetensors",
    ]);
  });
});

Deno.test("a log whose direction nobody tells ends the run", async () => {
  const operators: MonoTypeOperatorFunction<Epoch>[] = [
    earlyStopping({ monitor: "val_reward" }),
    reduceOnPlateau(usedHyperparameter(1), { monitor: "val_reward" }),
    checkpoint("none.safetensors", { monitor: "val_reward" }),
  ];
  for (const operator of operators) {
    await assert.rejects(
      lastValueFrom(from(fakeEpochs([1, 2], "val_reward")).pipe(operator)),
      /"val_reward" does not tell .* pass mode "min" .* "max"/,
    );
  }
});

Deno.test("a stop is remembered with its direction", async () => {
  const rule = { monitor: "val_gain", stoppingThreshold: 0.25 };
  const first = new FakeRun();
  const epochs = directed("val_gain", "max", [0.1, 0.3, 0.5]).map((one) => ({
    ...one,
    run: first,
  }));
  await lastValueFrom(runOf(first, epochs).pipe(earlyStopping(rule)));
  const resumed = new FakeRun(first.states);
  const rest = await lastValueFrom(
    runOf(resumed, [fakeEpoch(3, { val_gain: 0.5 }, resumed)]).pipe(earlyStopping(rule), toArray()),
    { defaultValue: [] },
  );
  assert.equal(resumed.reason, "early_stopping");
  assert.match(resumed.explanation!, /0.3, better than the stoppingThreshold 0.25/);
  assert.ok(rest.length <= 1);
});

Deno.test("epochs say where losses and metrics get better", async () => {
  const data = arrays([[0], [1], [2], [3]], [0, 1, 1, 0], { classes: 2 });
  const model = () => sequential([input([1]), dense(1)]);
  const misses: Metric = {
    name: "odd_ones",
    direction: "min",
    apply: (
      targets,
      outputs,
    ) => [outputs.sub(targets.cast("f32").reshape([outputs.shape[0], 1])).sum()],
    result: ([total]) => total,
  };
  const { directions } = await lastValueFrom(fit(model(), data, {
    loss: meanSquaredError(),
    optimizer: sgd(),
    metrics: [accuracy(), misses],
    validation: data,
    epochs: 1,
    device: "cpu",
    threads: 1,
  }));
  assert.deepEqual(directions, {
    loss: "min",
    accuracy: "max",
    odd_ones: "min",
    val_loss: "min",
    val_accuracy: "max",
    val_odd_ones: "min",
  });
});
