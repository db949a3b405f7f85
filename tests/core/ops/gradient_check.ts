import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { gradients, mul, sum, tensor } from "../../../core/ops/mod.ts";
import type { CaseInput } from "./generator.ts";

const epsilon = 1e-6;
const absolute = 1e-5;
const relative = 1e-3;

/** Leaves for `inputs`, and their values in float64. */
export function bind(
  inputs: readonly CaseInput[],
): { leaves: Tensor[]; bindings: Map<Tensor, ReferenceArray> } {
  const leaves = inputs.map(({ shape, dtype }, place) => inputLeaf(`input ${place}`, shape, dtype));
  const bindings = new Map(leaves.map((leaf, place) => {
    const { shape, dtype, data } = inputs[place];
    return [leaf, { shape, dtype, data: Float64Array.from(data) }];
  }));
  return { leaves, bindings };
}

/**
 * Compares the gradients of Σ weight·result with central differences, in float64.
 *
 * The weights are random: with equal ones the gradient of a softmax, say, is zero whatever it does.
 */
export function checkGradient(
  inputs: readonly CaseInput[],
  build: (...tensors: Tensor[]) => Tensor,
  differentiable: readonly number[],
  random: () => number,
): void {
  const { leaves, bindings } = bind(inputs);
  const result = build(...leaves);
  const weights = Float32Array.from({ length: result.size }, () => 0.5 + random());
  const total = sum(mul(result, tensor(weights, { shape: result.shape })));
  const sources = differentiable.map((place) => leaves[place]);
  const slopes = gradients(total, sources);
  const analytic = evaluateReference(slopes, bindings);
  const value = () => evaluateReference([total], bindings)[0].data[0];
  sources.forEach((source, at) => {
    assert.deepEqual(slopes[at].shape, source.shape, "a gradient has the shape of its source");
    const { data } = bindings.get(source)!;
    for (let index = 0; index < data.length; index++) {
      const kept = data[index];
      data[index] = kept + epsilon;
      const above = value();
      data[index] = kept - epsilon;
      const below = value();
      data[index] = kept;
      const numeric = (above - below) / (2 * epsilon);
      const actual = analytic[at].data[index];
      assert.ok(
        Math.abs(actual - numeric) <= absolute + relative * Math.abs(numeric),
        `input ${differentiable[at]}, element ${index}: gradient ${actual}, differences ${numeric}`,
      );
    }
  });
}
