import { listNames, type Tensors } from "../nn/named.ts";
import { literal } from "../graph/leaf.ts";
import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { add } from "../ops/add.ts";
import { argMax } from "../ops/arg_max.ts";
import { cast } from "../ops/cast.ts";
import { tensor } from "../ops/eager.ts";
import { mul } from "../ops/mul.ts";
import { oneHot } from "../ops/one_hot.ts";
import { reshape } from "../ops/reshape.ts";
import { round } from "../ops/round.ts";
import { sub } from "../ops/sub.ts";
import { sum } from "../ops/sum.ts";
import { Memory, stage } from "./stage.ts";
import { Batch, type WeighedClasses } from "./stages.ts";

/** How much each class counts, by its number: `{ 0: 1, 1: 5 }`, or `[1, 5]`. */
export type ClassWeights = Readonly<Record<number, number>> | readonly number[];

/**
 * Lets the samples of rare classes count more, or those of some classes less, in training: the
 * weight of a sample is multiplied by that of its class.
 *
 * It stands before {@link forward}. Validation does not see it, as in Keras.
 *
 * @param weights The weight of each class, at least 0; a class that is not named has 1, as in Keras.
 * @returns An operator from {@link Batch} to {@link Batch}. Targets are labels, `[batch]` or
 * `[batch, 1]`; one-hot rows `[batch, classes]`; or labels of steps, `[batch, steps]`, of which each
 * then has the weight of its class, for a loss of class ids.
 * @throws {RangeError} when a class is not a whole number from 0, or a weight is negative or not
 * finite.
 * @throws {RangeError} on the error channel, when outputs have no place for a class that is named,
 * before a loss of class ids.
 * @throws {ShapeError} on the error channel, when the targets are no classes.
 *
 * @example
 * ```ts
 * import {
 *   arrays, binaryCrossentropy, classWeight, dense, forward, input, loss, miniBatches, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [2], [3]], [0, 0, 1]);
 * const steps = miniBatches(data, { device: "cpu", threads: 1 }).pipe(
 *   classWeight({ 1: 4 }),
 *   forward(model),
 *   loss(binaryCrossentropy({ fromLogits: true })),
 *   mergeMap((step) => step.values()),
 * );
 * const { loss: value } = await lastValueFrom(steps);
 * assert.ok(Math.abs(value - 2 * Math.LN2) < 1e-6); // (1 + 1 + 4) / 3 · ln 2
 * ```
 *
 * Keras: the `class_weight` of `fit`, which takes labels of steps for one-hot rows. PyTorch: the
 * `weight` of `CrossEntropyLoss`, whose mean is `reduction: "meanWithSampleWeight"`.
 */
export function classWeight<X extends Tensors = Tensor>(
  weights: ClassWeights,
): MonoTypeOperatorFunction<Batch<X>> {
  const table = tableOf(weights);
  return stage("classWeight", "miniBatches", () => {
    const memory = new Memory<Tensor>();
    return (batch) => {
      const { y, sampleWeight } = batch;
      const weight = memory.get([y, sampleWeight], () => {
        const ofClass = weightOf(labelsOf(y), table);
        return sampleWeight ? mul(sampleWeight, ofClass) : ofClass;
      });
      const { classWeights } = batch;
      if (classWeights) {
        throw new RangeError(
          "Cannot weight classes twice in one pipe: give all their weights to one classWeight",
        );
      }
      return new Batch(batch.frame, batch.x, y, weight, { table, sampleWeight });
    };
  });
}

/** A step makes a one-hot row of each label, as wide as the table of weights. */
const mostClasses = 2 ** 16;

function tableOf(weights: ClassWeights): Tensor {
  const entries = Object.entries(weights).map(([name, weight]) => {
    const id = Number(name);
    if (!Number.isInteger(id) || id < 0 || id >= mostClasses) {
      throw new RangeError(
        `Cannot weight classes as each must be a class id, a whole number from 0 below ` +
          `${mostClasses}: received ${JSON.stringify(name)}`,
      );
    }
    return [id, checkScalar(`the classWeight of ${id}`, weight, { minimum: 0 })];
  });
  if (entries.length === 0) {
    throw new RangeError("Cannot weight classes as at least one must be given: received none");
  }
  const classes = Math.max(...entries.map(([id]) => id)) + 1;
  const table = new Float32Array(classes).fill(1);
  for (const [id, weight] of entries) table[id] = weight;
  return tensor(table);
}

/** The class of each sample, `[batch]`, i32. */
function labelsOf(y: Tensor): Tensor {
  if (!(y instanceof Tensor)) {
    throw new TypeError(
      `Cannot apply classWeight as there must be one target: received targets by name ` +
        `(${listNames(Object.keys(y))}), weight their samples with sampleWeight`,
    );
  }
  const [samples, outputs = 1] = y.shape;
  if (y.rank > 2) {
    throw new ShapeError(
      `Cannot apply classWeight as targets must be labels [batch] or one-hot rows ` +
        `[batch, classes]: received ${formatShape(y.shape)}`,
    );
  }
  if (outputs > 1) return cast(argMax(y), "i32");
  const labels = reshape(y, [samples]);
  return cast(labels.dtype === "f32" ? round(labels) : labels, "i32");
}

/**
 * Refuses a weight of a class that outputs have no place for, before a loss of class ids.
 *
 * @param weights The weights of classes.
 * @param classes How many classes outputs have.
 * @throws {RangeError} when there are weights of more.
 */
export function checkWeighted({ table }: WeighedClasses, classes: number): void {
  if (table.size <= classes) return;
  throw new RangeError(
    `Cannot weight class ${table.size - 1} as outputs have the classes 0 to ${
      classes - 1
    } alone: ` +
      `give weights of these, and labels from 0`,
  );
}

/** The weight of each label, i32; one that the table does not reach has 1. */
export function weightOf(labels: Tensor, table: Tensor): Tensor {
  const rows = oneHot(labels, table.size);
  return add(sum(mul(rows, table), -1), sub(literal(1), sum(rows, -1)));
}
