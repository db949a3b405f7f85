/** Pipes that the training tests share; built from the rooms, as a user would. */
import { lastValueFrom, type Observable, tap, toArray } from "rxjs";
import {
  type AnyModel,
  arrays,
  backward,
  type DataSet,
  dense,
  forward,
  input,
  type Loss,
  loss,
  meanSquaredError,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  type Optimizer,
  sequential,
  sparseCategoricalCrossentropy,
  update,
  type Updated,
} from "../../mod.ts";
import { settled } from "../../core/stream/settled.ts";
import { mulberry32 } from "../core/ops/generator.ts";

/** D2 of systems.md: 784–30–30–10. */
export function d2(seed = 1): Model {
  const relu = { activation: "relu" } as const;
  return sequential([input([784]), dense(30, relu), dense(30, relu), dense(10)], { seed });
}

/** Cross-entropy of logits and class ids. */
export const crossentropy: Loss = sparseCategoricalCrossentropy({ fromLogits: true });

/** Points of three classes on a plane, not quite apart. */
export function points(samples: number, seed = 3): DataSet {
  const random = mulberry32(seed);
  const labels = Array.from({ length: samples }, () => Math.floor(random() * 3));
  const x = labels.map((label) => [
    Math.cos(label * 2) + random() - 0.5,
    Math.sin(label * 2) + random() - 0.5,
  ]);
  return arrays(x, labels, { classes: 3 });
}

/** A small network for {@link points}. */
export function smallModel(seed = 5): Model {
  return sequential([input([2]), dense(8, { activation: "tanh" }), dense(3)], { seed });
}

/** Stages of a whole step. */
export function steps(
  model: Model,
  data: DataSet,
  optimizer: Optimizer,
  options: MiniBatchesOptions = {},
  lossFunction: Loss = crossentropy,
): Observable<Updated> {
  return miniBatches(data, options).pipe(
    forward(model),
    loss(lossFunction),
    backward(),
    update(optimizer),
  );
}

/** The loss of every step, before its update; the run must end by itself. */
export async function lossesOf(pipe: Observable<Updated>): Promise<number[]> {
  const values: Promise<Readonly<Record<string, number>>>[] = [];
  const read = tap((step: Updated) => {
    const promise = step.values();
    // A run that fails leaves promises behind that nobody asks again.
    promise.catch(() => {});
    values.push(promise);
  });
  await lastValueFrom(pipe.pipe(read, toArray()));
  return (await Promise.all(values)).map(({ loss }) => loss);
}

/** A copy of all weights, by name, once a GPU has given them back. */
export async function weightsOf(model: AnyModel): Promise<Record<string, number[]>> {
  await settled(model);
  return Object.fromEntries(model.parameters.map(({ name, value }) => [name, Array.from(value)]));
}

/**
 * One weight w, from 1, whose loss is w²: a step at rate r makes it (1 − 2r)·w, so that weights
 * tell which rates were used.
 */
export function onePole(): { model: Model; data: DataSet; loss: Loss } {
  const model = sequential([
    input([1]),
    dense(1, { useBias: false, kernelInitializer: "ones" }),
  ]);
  return { model, data: arrays([[1]], [[0]]), loss: meanSquaredError() };
}
