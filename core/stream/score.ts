import type { Tensor } from "../graph/tensor.ts";
import type { Model } from "../nn/model.ts";
import type { Parameter } from "../nn/parameter.ts";
import { add } from "../ops/add.ts";
import { mul } from "../ops/mul.ts";
import { mean, sum } from "../ops/sum.ts";

/** What training makes small: the mean of `losses`, `[batch]`, and all penalties. */
export function lossValue(losses: Tensor, penalties: readonly Tensor[]): Tensor {
  return penalties.reduce((total, penalty) => add(total, penalty), mean(losses));
}

/** What a batch adds to the log: its losses, and the penalties once a sample. */
export function lossTotal(losses: Tensor, penalties: readonly Tensor[]): Tensor {
  return penalties.reduce(
    (total, penalty) => add(total, mul(penalty, losses.size)),
    sum(losses),
  );
}

/** The penalties of a model's trainable weights, as they are now. */
export function weightPenalties(
  model: Model,
  state: ReadonlyMap<Parameter, Tensor>,
): Tensor[] {
  return model.parameters
    .filter(({ regularizer, trainable }) => regularizer && trainable)
    .map((parameter) => parameter.regularizer!.apply(state.get(parameter)!));
}
