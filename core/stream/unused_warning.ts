import type { BehaviorSubject } from "rxjs";
import type { Hyperparameter } from "../nn/hyperparameter.ts";

/**
 * Warns, the first time that it is called, where an operator changes a hyperparameter that nothing
 * listens to: another one was given to the optimizer or the layer, or a plain number.
 *
 * @param operator The operator, for the message.
 * @param hyperparameter What it changes.
 * @returns To be called with an event of a run, which has met by then what it makes steps of.
 */
export function unusedWarning(
  operator: string,
  hyperparameter: Hyperparameter,
): (event: { readonly run?: unknown }) => void {
  let looked = false;
  return ({ run }) => {
    if (looked || run === undefined) return;
    looked = true;
    if ((hyperparameter as Partial<BehaviorSubject<number>>).observed !== false) return;
    console.error(
      `Warning: ${operator} changes nothing, as nothing listens to its ${hyperparameter.name}: give ` +
        `the same one to what is to use it, as in sgd({ learningRate: rate }) or dropout(rate)`,
    );
  };
}
