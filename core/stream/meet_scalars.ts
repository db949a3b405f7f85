/**
 * A run that goes on has its hyperparameters back before its first step: an operator above may set
 * them for that step, by what they are, and is not to be overruled. What asks for them is known once
 * a stage has been described, so it is described here on symbols that no step computes.
 */
import { inputLeaf, stateLeaf } from "../graph/leaf.ts";
import type { Shape } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import { mapNamed } from "../nn/named.ts";
import { type Optimizer, slotStart, type UpdateContext } from "../nn/optimizer.ts";
import { applyModel } from "./apply_model.ts";
import type { Run } from "./run.ts";

/** Gives the hyperparameters of a model's layers the numbers that they had. */
export function meetLayers(run: Run, model: AnyModel): void {
  if (!run.saved) return;
  const { batchSize, samples } = run.saved.settings;
  const x = mapNamed<Shape, ReturnType<typeof inputLeaf>>(
    model.inputShape,
    Array.isArray,
    (shape) => inputLeaf("no batch", [Math.min(batchSize, samples), ...shape], "f32"),
  );
  applyModel(run, model, run.weightTable.leaves, x, true);
}

/** Gives the hyperparameters of an optimizer the numbers that they had. */
export function meetOptimizer(run: Run, optimizer: Optimizer, context: UpdateContext): void {
  if (!run.saved) return;
  context.scalar(optimizer.learningRate, "learning_rate");
  for (const [parameter, leaf] of run.weightTable.leaves) {
    const slots = Object.entries(optimizer.slots(parameter)).map(([name, start]) =>
      [name, stateLeaf(name, slotStart(start, parameter).shape)] as const
    );
    optimizer.apply(leaf, leaf, Object.fromEntries(slots), context);
  }
}
