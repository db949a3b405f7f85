import type { BehaviorSubject } from "rxjs";
import type { Hyperparameter } from "../nn/hyperparameter.ts";

/**
 * Warns, once, where an operator changes a hyperparameter that nothing listens to: another one was
 * given to the optimizer or the layer, or a plain number.
 *
 * @param operator The operator, for the message.
 * @param hyperparameter What it changes.
 * @returns To be called with each step or epoch. It looks at the second one: the first may not have
 * come to what is below.
 */
export function unusedWarning(
  operator: string,
  hyperparameter: Hyperparameter,
): (event: { readonly run?: unknown }) => void {
  let events = 0;
  return ({ run }) => {
    if (run === undefined || ++events !== 2) return;
    if ((hyperparameter as Partial<BehaviorSubject<number>>).observed !== false) return;
    console.error(
      `Warning: ${operator} changes nothing, as nothing listens to its ${hyperparameter.name}: give ` +
        `the same one to what is to use it, as in sgd({ learningRate: rate }) or dropout(rate)`,
    );
  };
}
