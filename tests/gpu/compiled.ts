/** Programs to look at as they are compiled for a GPU. */
import { inputLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { planProgram } from "../../core/graph/plan.ts";
import { type Assignment, createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gather, gradients, sparseSoftmaxCrossEntropy } from "../../core/ops/mod.ts";
import { compilePlan } from "../../gpu/compile.ts";
import { defaultTuning } from "../../gpu/tuning.ts";

/** The dispatches of a program. */
export const compile = (
  outputs: Tensor[],
  assignments: Assignment[] = [],
  tuning = defaultTuning,
) => compilePlan(planProgram(createProgram(outputs, assignments)), 0, tuning);

/** A dense layer with relu. */
export const dense = (x: Tensor, name: string, units: number) => {
  const kernel = stateLeaf(`${name}/kernel`, [x.shape[1], units]);
  return x.matmul(kernel).add(stateLeaf(`${name}/bias`, [units])).relu();
};

/** A classifier of bytes, its loss, and a step of gradient descent. */
export const classifier = (batch: number, widths: number[]) => {
  const images = inputLeaf("images", [50, widths[0]], "u8");
  const labels = inputLeaf("labels", [50], "u32");
  const order = inputLeaf("order", [batch], "u32");
  const weights = widths.slice(1).map((units, place) =>
    stateLeaf(`w${place}`, [widths[place], units])
  );
  const x = gather(images, order, { dtype: "f32", scale: 1 / 255 });
  const logits = weights.reduce((y, w, place) => (place > 0 ? y.relu() : y).matmul(w), x);
  const targets = gather(labels, order, { dtype: "u32" });
  const loss = sparseSoftmaxCrossEntropy(logits, targets).mean();
  const assignments = gradients(loss, weights).map((gradient, place) => ({
    state: weights[place],
    value: weights[place].sub(gradient),
  }));
  return { loss, assignments };
};

/** Kernels for an adapter that computes on the CPU. */
export const software = {
  ...defaultTuning,
  software: true,
  processors: 2,
  lanes: 8,
  storageBuffers: 16,
  rowWork: 8192,
};
