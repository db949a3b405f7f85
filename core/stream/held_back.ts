import { NonFiniteError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { isFinite } from "../ops/is_finite.ts";
import { logicalAnd, logicalNot } from "../ops/logical.ts";
import { select } from "../ops/select.ts";
import { sum } from "../ops/sum.ts";
import { layerOf } from "./layer_of.ts";
import type { RecordDefinition } from "./record_layout.ts";
import type { AnyBatch } from "./stages.ts";

/**
 * Steps from one count to the next. Counting at every step would cost a small network a third of
 * its speed, as all new weights are read once more.
 */
const every = 100;

/** Whether a step counts the values that its update holds back. */
export function countsHeldBack({ step, stepInEpoch, stepsPerEpoch }: AnyBatch): boolean {
  return step % every === 0 || stepInEpoch === stepsPerEpoch;
}

/**
 * Counts the elements of a weight that an update would make NaN or infinite though the step is
 * sound: the guard keeps the old ones, so that nothing else tells of it.
 *
 * @param name The weight, by its name in the run.
 * @param sound Whether the step may be used at all, a bool of rank 0.
 * @param next The new values, before the guard.
 */
export function heldBack(name: string, sound: Tensor, next: Tensor): RecordDefinition {
  const { size } = next;
  const layer = layerOf(name);
  return {
    name: `held back in ${name}`,
    totals: [sum(select(logicalAnd(sound, logicalNot(isFinite(next))), 1, 0))],
    result: (count) => count[0],
    fault: (count, step) =>
      new NonFiniteError(
        `The update of ${name} is NaN or infinite in ${count} of ${size} elements at step ${step}, ` +
          `though the loss is finite: look for a gradient that overflows or divides by 0 in ` +
          `${layer} or after it, or clip it (these elements stay as they were)`,
        step,
        layer,
      ),
  };
}
