import assert from "node:assert/strict";
import { dense, dropout, input, type Layer, sequential, summary } from "../../../core/nn/mod.ts";

Deno.test("summary prints Keras's table of D2: 784–30–30–10", () => {
  const model = sequential([
    input([784]),
    dense(30, { activation: "relu" }),
    dense(30, { activation: "relu" }),
    dense(10, { activation: "softmax" }),
  ]);
  assert.equal(
    summary(model),
    `Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense_1 (Dense)                 │ (None, 30)             │        23,550 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_2 (Dense)                 │ (None, 30)             │           930 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_3 (Dense)                 │ (None, 10)             │           310 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 24,790 (96.84 KB)
 Trainable params: 24,790 (96.84 KB)
 Non-trainable params: 0 (0.00 B)`,
  );
});

const counter: Layer = {
  type: "Counter",
  name: "a_name_that_is_longer_than_the_column_of_keras",
  init: () => ({
    outputShape: [],
    parameters: [
      { name: "count", shape: [1000, 1000], values: new Float32Array(1e6), trainable: false },
    ],
  }),
  apply: (_parameters, x) => x.sum(1),
};

Deno.test("summary widens columns, and tells frozen weights apart", () => {
  const text = summary(sequential([input([4]), dense(2), dropout(0.5), counter], { name: "mlp" }));
  const lines = text.split("\n");
  assert.equal(lines[0], 'Model: "mlp"');
  assert.equal(new Set(lines.slice(1, -3).map((line) => line.length)).size, 1, "aligned");
  assert(text.includes("│ dropout_1 (Dropout)  "));
  assert(text.includes("│ a_name_that_is_longer_than_the_column_of_keras (Counter) │ (None,)"));
  assert.deepEqual(lines.slice(-3), [
    " Total params: 1,000,010 (3.81 MB)",
    " Trainable params: 10 (40.00 B)",
    " Non-trainable params: 1,000,000 (3.81 MB)",
  ]);
});
