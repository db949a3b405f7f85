import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Assignment } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkCount } from "../nn/check_count.ts";
import type { AnyModel } from "../nn/connect.ts";
import { checkScalarSource, type ScalarSource } from "../nn/scalar.ts";
import { stopGradient } from "../ops/stop_gradient.ts";
import { sub } from "../ops/sub.ts";
import { checkModel } from "./check_model.ts";
import type { Effect, Frame } from "./frame.ts";
import { Memory, stage } from "./stage.ts";
import type { AnyUpdated, Updated } from "./stages.ts";
import { type WeightPair, weightPairs, type WeightPairsOptions } from "./weight_pairs.ts";

/** Options of {@link updateTarget}. */
export interface UpdateTargetOptions extends Pick<WeightPairsOptions, "by"> {
  /**
   * Share of the target's old weights in its new ones, from 0 to 1, a number or a stream of numbers;
   * default 0.99. With 0 it takes over the weights as they are.
   */
  readonly momentum?: ScalarSource;
  /** Updates of the online network after which the target follows, from 1; default 1. */
  readonly everyUpdates?: number;
}

const shares = { minimum: 0, maximum: 1 };

/**
 * Lets a network follow another one slowly, which a loss compares with it: the target network of
 * BYOL, the teacher of a mean teacher, the key encoder of MoCo.
 *
 * target ← momentum · target + (1 − momentum) · online, for trainable weights, after the update above.
 * Others, as moving averages of batch normalisation, are taken over as they are. What comes below sees
 * the target as it has become. In the model that is trained the target stands as `frozen(target)`:
 * only this operator changes it. {@link copyWeights} lets both begin alike.
 *
 * @param online The network that learns; it may have more weights than the target.
 * @param target The network that follows: its weights are in checkpoints, and are its own when the run
 * ends.
 * @param options Momentum, how often, how weights find each other.
 * @returns An operator on steps below `update`, which it passes on as they are.
 * @throws {RangeError} when an option is out of range, or no name is in both networks.
 * @throws {ShapeError} when the shapes of weights differ.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, connect, copyWeights, dense, forward, frozen, functional, input, loss,
 *   miniBatches, sequential, sgd, update, updateTarget,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const network = () => sequential([input([1]), dense(1, { useBias: false })]);
 * const [student, teacher] = [network(), network()];
 * student.parameters[0].set([4]);
 * await copyWeights(student, teacher);
 * const x = input([1]);
 * const model = functional({
 *   inputs: { x },
 *   outputs: { student: connect(x, student), teacher: connect(x, frozen(teacher)) },
 * });
 * const steps = miniBatches(arrays({ x: [[1]] }), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(({ outputs: { student, teacher } }) => student.square().add(student.sub(teacher)).mean(-1)),
 *   backward(),
 *   update(sgd({ learningRate: 0.25 })), // by 2 · 4 + 1
 *   updateTarget(student, teacher, { momentum: 0.5 }),
 * );
 * await lastValueFrom(steps);
 * assert.deepEqual([student.parameters[0].value[0], teacher.parameters[0].value[0]], [1.75, 2.875]);
 * ```
 *
 * Source: Tarvainen and Valpola, "Mean teachers are better role models", 2017; Grill and others,
 * "Bootstrap your own latent", 2020. PyTorch: `AveragedModel`, which copies buffers too.
 */
export function updateTarget<Step extends AnyUpdated = Updated>(
  online: AnyModel,
  target: AnyModel,
  options: UpdateTargetOptions = {},
): MonoTypeOperatorFunction<Step> {
  checkModel("follow a network with updateTarget", online);
  checkModel("follow a network with updateTarget", target);
  const { everyUpdates = 1 } = options;
  const momentum = checkScalarSource(
    "the momentum of updateTarget",
    options.momentum ?? 0.99,
    shares,
  );
  checkCount("everyUpdates of updateTarget", everyUpdates, 1);
  const pairs = weightPairs("update a target", online, target, options)
    .filter(({ parameter }) => !parameter.state);
  if (pairs.some(({ parameter, source }) => parameter === source)) {
    throw new RangeError(
      `Cannot update a target as ${target.name} shares weights with ${online.name}: make a network ` +
        `of its own, and copy the weights with copyWeights`,
    );
  }
  return stage("updateTarget", "update", (onRun) => {
    const memory = new Memory<Effect>();
    let updates = 0;
    let name = "update_target";
    onRun((run) => {
      name = run.keep("update_target", {
        save: () => ({ updates }),
        restore: (saved) => ({ updates } = saved as { updates: number }),
      });
      for (const model of [online, target]) run.addModel(model);
      run.weightTable.expectChanges(target);
      run.scalars.resume(momentum, `${name}/momentum`);
    });
    return (step) => {
      const { updates: isUpdate, frame } = step;
      if (!isUpdate || ++updates % everyUpdates !== 0) return step;
      frame.add(memory.get([frame.state], () => {
        const share = frame.run.scalars.scalar(momentum, `${name}/momentum`, shares);
        return effectOf(frame, pairs, share);
      }));
      return step;
    };
  });
}

/** What becomes of the target's weights, with `share` of the old ones. */
function effectOf(
  { run, state: before }: Frame,
  pairs: readonly WeightPair[],
  share: Tensor,
): Effect {
  const { leaves } = run.weightTable;
  const assignments: Assignment[] = [];
  const state = new Map([...leaves, ...before]);
  for (const { parameter, source } of pairs) {
    const [old, given] = [state.get(parameter)!, state.get(source)!];
    const value = source.trainable ? old.mul(share).add(given.mul(sub(1, share))) : given;
    assignments.push({ state: leaves.get(parameter)!, value });
    state.set(parameter, stopGradient(value));
  }
  return { assignments, state };
}
