/** The cells' activations, a row at a time: right at the awkward points, on any number of units. */
import assert from "node:assert/strict";
import { openCpu } from "../../../core/cpu/device.ts";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { recurrence, relu, sigmoid, tanh, tensor, zeros } from "../../../core/ops/mod.ts";
import { numbers } from "./kernel_world.ts";

const awkward = [
  ...[0, -0, 1, -1, 4e-4, -3.9e-4, 1e-20, -1e-30, 0.6931, -7.9, 7.91, 16, -16, 60, -80, 87, -87],
  ...[87.4, -87.4, 88.8, -104, 500, -500, 3e38, -3e38, Infinity, -Infinity, NaN],
];

const functions = { tanh, sigmoid, relu, linear: (x: ReturnType<typeof tensor>) => x };

Deno.test("activations of cells are the ops of the same names, at awkward points and elsewhere", async () => {
  using device = openCpu({ threads: 1 });
  const next = numbers(31);
  const random = Array.from({ length: 401 }, () => (next(2001) - 1000) / 100);
  for (const points of [[...awkward, ...random], ...[1, 2, 3, 5].map((n) => random.slice(0, n))]) {
    const units = points.length;
    const sums = tensor(Float32Array.from(points), { shape: [1, 1, units] });
    for (const activation of ["tanh", "sigmoid", "relu", "linear"] as const) {
      // One step from nothing: the state is the activation of the inputs' sums alone.
      const kept = recurrence(sums, zeros([units, units]), zeros([units]), {
        cell: "simpleRnn",
        activation,
        recurrentActivation: "sigmoid",
        sequences: true,
      });
      const right = functions[activation](sums);
      const [[...actual], [...expected]] = await evaluateTensors([kept, right], device);
      expected.forEach((value, at) => {
        const error = Math.abs(actual[at] - value);
        // Powers below the normal numbers are 0 here.
        const close = error <= 4 * 2 ** -23 * Math.abs(value) || error < 1.2e-38;
        assert.ok(
          close || Object.is(actual[at], value),
          `${activation} of ${points[at]}: ${actual[at]}, not ${value}`,
        );
      });
    }
  }
});
