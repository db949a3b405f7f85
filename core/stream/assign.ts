import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import { isFinite } from "../ops/is_finite.ts";
import { select } from "../ops/select.ts";
import { stopGradient } from "../ops/stop_gradient.ts";
import type { Effect, Frame } from "./frame.ts";

/** The weights of a model as the next stage sees them; the model becomes one of the run's. */
export function weightsOf(frame: Frame, model: AnyModel): Map<Parameter, Tensor> {
  const { run, state } = frame;
  run.addModel(model);
  const { leaves } = run.weightTable;
  return new Map(
    model.parameters.map((weight) => [weight, state.get(weight) ?? leaves.get(weight)!]),
  );
}

/** A state of an operator's own. */
export function slotOf(
  { run: { weightTable } }: Frame,
  name: string,
  shape: Shape,
  fill: number | Parameter,
): Tensor {
  if (typeof fill === "object") leafOf(weightTable.leaves, fill);
  if (typeof fill === "object" && !sameShape(fill.shape, shape)) {
    throw new ShapeError(
      `Cannot fill the slot ${name} of ${formatShape(shape)} with a copy of ${fill.name} as that ` +
        `has the shape ${formatShape(fill.shape)}`,
    );
  }
  const slot = weightTable.slot(name, shape, fill);
  if (sameShape(slot.shape, shape)) return slot;
  throw new ShapeError(
    `Cannot make the slot ${name} of ${formatShape(shape)} as another one of that name has the ` +
      `shape ${formatShape(slot.shape)}: give it a name of its own`,
  );
}

/** Effects of assignments, by the weights before them, what is assigned and to what. */
export type Assigned = WeakMap<Frame["state"], WeakMap<Tensor, Map<Tensor, Effect>>>;

/** Gives a weight, or a state of an operator's own, another value after the step. */
export function assign(frame: Frame, target: Parameter | Tensor, value: Tensor): void {
  const { run, state } = frame;
  const { leaves } = run.weightTable;
  const leaf = target instanceof Tensor ? target : leafOf(leaves, target);
  if (!run.weightTable.storage(leaf)) {
    throw new TypeError(
      `Cannot assign to ${leaf.describe()} as it is neither a weight nor a slot: give a Parameter ` +
        `of the model, or what step.slot has made`,
    );
  }
  if (value.dtype !== "f32" || !sameShape(value.shape, leaf.shape)) {
    throw new ShapeError(
      `Cannot assign to ${leaf.attributes.name} as the value must be f32 of the shape ` +
        `${formatShape(leaf.shape)}: received ${value.describe()}`,
    );
  }
  // A step finds its plan by the effects of its stages: the same assignment is the same effect.
  let assigned = run.weightTable.assigned.get(state);
  if (!assigned) run.weightTable.assigned.set(state, assigned = new WeakMap());
  let targets = assigned.get(value);
  if (!targets) assigned.set(value, targets = new Map());
  let effect = targets.get(leaf);
  if (!effect) {
    const weight = target instanceof Tensor ? weightOf(leaves, leaf) : target;
    const old = (weight && state.get(weight)) ?? leaf;
    const next = select(isFinite(value), value, old);
    effect = {
      assignments: [{ state: leaf, value: next }],
      ...(weight && { state: new Map([...leaves, ...state, [weight, stopGradient(next)]]) }),
    };
    targets.set(leaf, effect);
  }
  frame.add(effect);
}

function leafOf(leaves: ReadonlyMap<Parameter, Tensor>, parameter: Parameter): Tensor {
  const leaf = leaves.get(parameter);
  if (leaf) return leaf;
  throw new RangeError(
    `Cannot use the weight ${parameter?.name} as no model of the run has it: forward(model) or ` +
      `step.weightsOf(model) brings a model in`,
  );
}

function weightOf(leaves: ReadonlyMap<Parameter, Tensor>, leaf: Tensor): Parameter | undefined {
  for (const [parameter, other] of leaves) if (other === leaf) return parameter;
}
