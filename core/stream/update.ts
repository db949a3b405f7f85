import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Assignment } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import { type Optimizer, slotStart, type UpdateContext } from "../nn/optimizer.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { ScalarSource } from "../nn/scalar.ts";
import { isFinite } from "../ops/is_finite.ts";
import { logicalAnd } from "../ops/logical.ts";
import { select } from "../ops/select.ts";
import { stopGradient } from "../ops/stop_gradient.ts";
import type { Effect } from "./frame.ts";
import { countsHeldBack, heldBack } from "./held_back.ts";
import type { RecordDefinition } from "./record_layout.ts";
import { meetOptimizer } from "./meet_scalars.ts";
import type { Run } from "./run.ts";
import { received } from "../state/received.ts";
import { Memory, stage } from "./stage.ts";
import { type AnyDifferentiated, type Differentiated, Updated } from "./stages.ts";
import { checkMatch, matcherOf, type WeightPattern } from "../nn/weight_pattern.ts";

const noWeights: ReadonlyMap<Parameter, Tensor> = new Map();

/** Options of {@link update}. */
export interface UpdateOptions {
  /** The weights that this optimizer changes; default all that have gradients. */
  readonly only?: WeightPattern;
}

/**
 * Changes the weights by their gradients.
 *
 * The update is guarded on the device: where the loss or a new value is NaN or infinite, the old
 * value stays, so that one bad batch cannot poison the weights before the host hears of it. Values
 * that stay so under a finite loss are counted at every hundredth step and at the last of an epoch,
 * and end the run with a `NonFiniteError`. The constraint of a weight is applied after the
 * optimizer.
 *
 * Several optimizers may share one pipe, each with weights of its own: `update(adam(), { only:
 * "head" })` and `update(sgd(), { only: /^body/ })`. A weight that none of them takes is warned of,
 * and so is a model without trainable weights, as in Keras.
 *
 * @param optimizer The rule. Its state begins anew with each run that is not resumed.
 * @param options Weights that it changes.
 * @returns An operator from {@link Differentiated} to {@link Updated}.
 * @throws {RangeError} on the error channel, when a weight would be changed twice by the same
 * gradients, or `only` means no weight of the model.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, input, loss, meanSquaredError, miniBatches, sequential, sgd,
 *   update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const steps = miniBatches(arrays([[1]], [[2]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate: 0.125 })),
 * );
 * await lastValueFrom(steps);
 * assert.deepEqual([...model.parameters[0].value], [0.5]);
 * ```
 */
export function update<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  optimizer: Optimizer,
  options: UpdateOptions = {},
): OperatorFunction<Differentiated<X, Y, O>, Updated<X, Y, O>> {
  if (typeof optimizer?.slots !== "function" || typeof optimizer.apply !== "function") {
    throw new TypeError(
      `Cannot make a stage as update takes an optimizer, such as sgd(): received ` +
        received(optimizer),
    );
  }
  const { only } = options;
  const takes = only === undefined ? () => true : matcherOf(only);
  return stage("update", "backward", (onRun) => {
    const memory = new Memory<{ effect: Effect; updated: ReadonlySet<Parameter> }>();
    let iteration = 0;
    // Schedules go by updates, which are fewer than steps where gradients are accumulated.
    const schedules = new Map<ScalarSource, ScalarSource>();
    const byUpdates = (source: ScalarSource): ScalarSource => {
      if (typeof source !== "function") return source;
      if (!schedules.has(source)) schedules.set(source, () => source(Math.max(0, iteration - 1)));
      return schedules.get(source)!;
    };
    // A pipe may hold several optimizers: their states and counts are kept apart.
    let name = optimizer.name;
    const contextOf = (run: Run): UpdateContext => ({
      scalar: (source, scalar, range) =>
        run.scalars.scalar(byUpdates(source), `${name}/${scalar}`, range),
      iterationScalar: (scalar, value) =>
        run.scalars.computed(`${name}/${scalar}`, () => value(iteration)),
    });
    onRun((run) => {
      name = run.keep(optimizer.name, {
        save: () => ({ iteration }),
        restore: (saved) => ({ iteration } = saved as { iteration: number }),
      });
      meetOptimizer(run, optimizer, contextOf(run));
    });
    return (step) => {
      if (step.updates) iteration++;
      const { run, state } = step.frame;
      const counted = countsHeldBack(step);
      const resting = restingWeights(step, optimizer, name, takes);
      const keys = [step.gradients, step.loss, state, step.updates, counted, resting.size];
      const { effect, updated } = memory.get(keys, () => {
        if (only !== undefined) checkMatch("update weights", only, step.model);
        const taken = [...step.gradients.keys()].filter((parameter) =>
          takes(step.model.nameOf(parameter))
        );
        checkOnce(step, taken, optimizer);
        const updated = new Set([...step.updated, ...taken]);
        const { checks, ...effect } = makeEffect(step, taken, optimizer, name, contextOf(run));
        const { learningRate } = effect;
        const evaluationWeights = new Map([...resting, ...effect.evaluationWeights!]);
        if (!step.updates) return { updated, effect: { learningRate, evaluationWeights } };
        return {
          updated,
          effect: { ...effect, evaluationWeights, checks: counted ? checks : [] },
        };
      });
      step.frame.add(effect);
      return new Updated(step, optimizer, updated);
    };
  });
}

/**
 * What validation puts in the place of weights that the optimizer has moved, now or in the run that
 * goes on, and that stand still at this step.
 */
function restingWeights(
  { model, gradients, frame }: AnyDifferentiated,
  optimizer: Optimizer,
  name: string,
  takes: (name: string) => boolean,
): ReadonlyMap<Parameter, Tensor> {
  if (!optimizer.evaluationWeight) return noWeights;
  const resting = new Map<Parameter, Tensor>();
  const { weightTable } = frame.run;
  for (const parameter of model.trainableParameters) {
    if (gradients.has(parameter) || !takes(model.nameOf(parameter))) continue;
    const slots = Object.entries(optimizer.slots(parameter)).flatMap(([slot, start]) => {
      const place = `${name}/${weightTable.nameOf(parameter)}/${slot}`;
      const found = weightTable.existingSlot(place, slotStart(start, parameter).shape);
      return found ? [[slot, found] as const] : [];
    });
    if (slots.length === 0) continue;
    const leaf = weightTable.leaves.get(parameter)!;
    resting.set(parameter, optimizer.evaluationWeight(leaf, Object.fromEntries(slots)));
  }
  return resting;
}

/** A second step along the same slope is a mistake: two optimizers that share a weight. */
function checkOnce(
  { updated }: AnyDifferentiated,
  taken: readonly Parameter[],
  { name }: Optimizer,
): void {
  const twice = taken.filter((parameter) => updated.has(parameter));
  if (twice.length === 0) return;
  throw new RangeError(
    `Cannot update ${
      twice.map((parameter) => parameter.name).join(", ")
    } with ${name} as an update ` +
      `above has used these gradients: give each its own weights with the option "only"`,
  );
}

function makeEffect(
  step: AnyDifferentiated,
  taken: readonly Parameter[],
  optimizer: Optimizer,
  name: string,
  context: UpdateContext,
): Effect {
  const run: Run = step.frame.run;
  const assignments: Assignment[] = [];
  const checks: RecordDefinition[] = [];
  const state = new Map(step.frame.state);
  const evaluationWeights = new Map<Parameter, Tensor>();
  const sound = isFinite(step.loss);
  const finite = step.usable ? logicalAnd(sound, step.usable) : sound;
  const guard = (leaf: Tensor, next: Tensor, old: Tensor): Tensor => {
    const value = select(logicalAnd(finite, isFinite(next)), next, old);
    assignments.push({ state: leaf, value });
    // Whoever goes on from it takes it as given: no slope leads through an update.
    return stopGradient(value);
  };
  for (const parameter of taken) {
    const gradient = step.gradients.get(parameter)!;
    const old = state.get(parameter)!;
    const slots: Record<string, Tensor> = {};
    for (const [slot, start] of Object.entries(optimizer.slots(parameter))) {
      const { shape, fill } = slotStart(start, parameter);
      slots[slot] = run.weightTable.slot(
        `${name}/${run.weightTable.nameOf(parameter)}/${slot}`,
        shape,
        fill === "parameter" ? parameter : fill,
      );
    }
    const next = optimizer.apply(old, gradient, slots, context);
    const kept = parameter.constraint?.apply(next.parameter) ?? next.parameter;
    checks.push(heldBack(run.weightTable.nameOf(parameter), finite, kept));
    const leaf = run.weightTable.leaves.get(parameter)!;
    state.set(parameter, guard(leaf, kept, old));
    const evaluated = optimizer.evaluationWeight?.(leaf, slots);
    if (evaluated) evaluationWeights.set(parameter, evaluated);
    for (const [slot, value] of Object.entries(next.slots)) guard(slots[slot], value, slots[slot]);
  }
  return {
    assignments,
    checks,
    state,
    trained: { model: step.model, all: [...step.gradients.keys()], updated: taken },
    evaluationWeights,
    learningRate: context.scalar(optimizer.learningRate, "learning_rate"),
  };
}
