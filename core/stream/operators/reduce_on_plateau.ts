import { defer, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { checkHyperparameter, type Hyperparameter } from "../../nn/hyperparameter.ts";
import type { Epoch } from "../epoch.ts";
import { keepState } from "../kept_state.ts";
import { unusedWarning } from "../unused_warning.ts";
import { checkMode, Monitor, type MonitorMode } from "./monitor.ts";

/** Options of {@link reduceOnPlateau}. */
export interface ReduceOnPlateauOptions {
  /** Name of the log to watch; default `"val_loss"`. */
  readonly monitor?: string;
  /** What the rate is multiplied by, from 0 to below 1; default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement after which the rate is cut, from 0; default 10. */
  readonly patience?: number;
  /** Where better is; default `"auto"`. */
  readonly mode?: MonitorMode;
  /** Least change that counts as an improvement, in the log's unit; default 1e-4. */
  readonly minDelta?: number;
  /** Epochs after a cut in which no patience is lost, from 0; default 0. */
  readonly cooldown?: number;
  /** The rate is not cut below this, from 0; default 0. */
  readonly minLearningRate?: number;
}

/**
 * Cuts a learning rate, or any other hyperparameter, when a log has stopped improving.
 *
 * @param hyperparameter The number to cut; the next epoch uses the new one.
 * @param options What to watch, for how long, and how far to go.
 * @returns An operator on epochs, which it passes on as they are.
 * @throws {RangeError} when an option is out of range; on the error channel when neither a metric
 * nor the log's name tells its direction.
 *
 * @example
 * ```ts
 * import { type Epoch, hyperparameter, reduceOnPlateau } from "@millrace/millrace";
 * import { from, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const rate = hyperparameter(0.1);
 * const epochs = [0.5, 0.5, 0.5].map((val_loss, index) => (
 *   { epoch: index + 1, logs: { val_loss } }
 * )) as unknown as Epoch[];
 * await lastValueFrom(from(epochs).pipe(reduceOnPlateau(rate, { factor: 0.5, patience: 2 })));
 * assert.equal(rate.value, 0.05);
 * ```
 *
 * Source: Keras 3, `ReduceLROnPlateau`, and its rules: the patience begins anew after a cut and is
 * frozen while cooling down. Keras takes any name without "acc" as one that should fall; here the
 * metric says where it gets better, and a name that does not tell is an error. `min_lr` is `minLearningRate`.
 */
export function reduceOnPlateau<E extends Epoch>(
  hyperparameter: Hyperparameter,
  options: ReduceOnPlateauOptions = {},
): MonoTypeOperatorFunction<E> {
  checkHyperparameter("the rate of reduceOnPlateau", hyperparameter);
  const { monitor: name = "val_loss", factor = 0.1, mode = "auto" } = options;
  if (!(factor >= 0 && factor < 1)) {
    throw new RangeError(
      `Cannot use reduceOnPlateau as its factor must be from 0 to below 1: received ${factor}`,
    );
  }
  const patience = checkCount("the patience of reduceOnPlateau", options.patience ?? 10);
  const cooldown = checkCount("the cooldown of reduceOnPlateau", options.cooldown ?? 0);
  const minDelta = checkScalar("minDelta of reduceOnPlateau", options.minDelta ?? 1e-4);
  const least = checkScalar(
    "minLearningRate of reduceOnPlateau",
    options.minLearningRate ?? 0,
    { minimum: 0 },
  );
  checkMode("reduceOnPlateau", mode);
  return (source) =>
    defer(() => {
      const monitor = new Monitor("reduceOnPlateau", name, mode);
      const warn = unusedWarning("reduceOnPlateau", hyperparameter);
      let state: PlateauState = { best: null, wait: 0, cooling: 0 };
      const kept = keepState<E>("reduceOnPlateau", {
        save: () => state,
        restore: (saved) => state = saved as PlateauState,
      });
      return source.pipe(
        kept,
        tap((epoch) => {
          warn(epoch);
          const current = monitor.read(epoch, "it does nothing after such an epoch");
          if (current === undefined) return;
          const cooling = Math.max(0, state.cooling - 1);
          const wait = state.cooling > 0 ? 0 : state.wait;
          if (monitor.improves(current, state.best, minDelta)) {
            state = { best: current, wait: 0, cooling };
            return;
          }
          state = { ...state, cooling, wait: wait + 1 };
          if (cooling > 0 || state.wait < patience || hyperparameter.value <= least) return;
          hyperparameter.next(Math.max(hyperparameter.value * factor, least));
          state = { ...state, wait: 0, cooling: cooldown };
        }),
      );
    });
}

type PlateauState = {
  /** The best value so far. */
  readonly best: number | null;
  /** Epochs since then, or since the last cut. */
  readonly wait: number;
  /** Epochs of cooling down that are left. */
  readonly cooling: number;
};
