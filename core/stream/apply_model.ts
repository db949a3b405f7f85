import type { Assignment } from "../graph/program.ts";
import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import type { Tensors } from "../nn/named.ts";
import type { Parameter } from "../nn/parameter.ts";
import { isFinite } from "../ops/is_finite.ts";
import { select } from "../ops/select.ts";
import { stopGradient } from "../ops/stop_gradient.ts";
import type { Effect } from "./frame.ts";
import type { Run } from "./run.ts";

/** What a model makes of a batch. */
export interface Applied<O extends Tensors = Tensors> {
  /** The model's outputs. */
  readonly outputs: O;
  /** Which steps of them count, by the names of outputs; `null` for a model's only one. */
  readonly masks: ReadonlyMap<string | null, Tensor>;
  /** What its layers add to the loss, scalars. */
  readonly penalties: readonly Tensor[];
  /** What becomes of the layers' own weights; nothing for most models, and in inference. */
  readonly effect?: Effect;
}

/**
 * Applies a model to a batch, and gathers what its layers assign and add to the loss.
 *
 * An element that would become NaN or infinite keeps its old value, so that one bad batch cannot
 * poison a moving average. In inference only states are assigned, and only who predicts in order
 * takes that up.
 *
 * @param leaves Where weights are kept: those of the run, or others in the place of some.
 * @param stream What stands before the names of random keys; nothing by default.
 */
export function applyModel<X extends Tensors, O extends Tensors>(
  run: Run,
  model: Model<X, O>,
  state: ReadonlyMap<Parameter, Tensor>,
  x: X,
  training: boolean,
  leaves: ReadonlyMap<Parameter, Tensor> = run.weightTable.leaves,
  stream = "",
): Applied<O> {
  // A layer that stands twice in a model goes on from what its first place has assigned.
  const values = new Map(state);
  const assigned = new Map<Parameter, Tensor>();
  const penalties: Tensor[] = [];
  const { outputs, masks } = model.applyMasked(values, x, {
    ...run.context(training, stream),
    trainable: model.trainable,
    assign(name, next) {
      const parameter = findState(model, name, next);
      if (!training && !parameter.state) return;
      const value = select(isFinite(next), next, values.get(parameter)!);
      // What comes after it, a gradient that a layer takes among them, sees a weight like others.
      values.set(parameter, stopGradient(value));
      assigned.set(parameter, value);
    },
    addLoss(penalty) {
      if (penalty.rank !== 0 || penalty.dtype !== "f32") {
        throw new ShapeError(
          `expected addLoss to be given a scalar, f32, got ${penalty.describe()} (take its sum)`,
        );
      }
      penalties.push(penalty);
    },
  });
  if (assigned.size === 0) return { outputs, masks, penalties };
  const assignments: Assignment[] = [...assigned].map(([parameter, value]) => ({
    state: leaves.get(parameter)!,
    value,
  }));
  return { outputs, masks, penalties, effect: { assignments, state: values } };
}

function findState(model: AnyModel, name: string, next: Tensor): Parameter {
  const parameter = model.weights.get(name);
  if (!parameter || !sameShape(parameter.shape, next.shape)) {
    throw new ShapeError(
      parameter
        ? `expected a value of shape ${formatShape(parameter.shape)} to assign to ${name}, got ` +
          next.describe()
        : `expected a weight to assign to, got "${name}" (does the layer's init make it?)`,
    );
  }
  if (parameter.trainable) {
    throw new Error(
      `expected a weight that optimizers leave alone, ${name} is trainable (describe it with ` +
        `trainable: false)`,
    );
  }
  return parameter;
}
