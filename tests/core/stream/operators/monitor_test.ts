import assert from "node:assert/strict";
import { Monitor, monitorDirection } from "../../../../core/stream/operators/monitor.ts";

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

Deno.test("mode auto reads the direction from the name", () => {
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
  const cases: [Monitor, number, number, number, boolean][] = [
    [falling, 1, 2, 0, true],
    [falling, 2, 2, 0, false],
    [falling, 1, 2, 1, false],
    [falling, 0.5, 2, 1, true],
    [falling, 0.5, 2, -1, true],
    [falling, NaN, 2, 0, false],
    [falling, 5, falling.worst, 0, true],
    [rising, 2, 1, 0, true],
    [rising, 1, 1, 0, false],
    [rising, 2, 1, 1, false],
    [rising, 2.5, 1, -1, true],
    [rising, NaN, rising.worst, 0, false],
    [rising, -5, rising.worst, 0, true],
  ];
  for (const [monitor, value, reference, minDelta, expected] of cases) {
    assert.equal(monitor.improves(value, reference, minDelta), expected);
  }
});
