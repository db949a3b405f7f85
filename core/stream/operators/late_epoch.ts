import type { Epoch } from "../epoch.ts";
import type { Run } from "../run.ts";

/**
 * Tells of epochs whose run has gone on since, once: its weights are no longer those of the epoch.
 *
 * @param operator The operator that wants the weights, for the warning.
 * @returns To be called with every epoch.
 */
export function lateEpochs(operator: string): (epoch: Epoch) => void {
  let warned = false;
  return ({ epoch, step, run }) => {
    const { position } = run as Partial<Run>;
    if (warned || !position || position.step === step) return;
    warned = true;
    console.error(
      `Warning: ${operator} hears of epoch ${epoch}, which ended with step ${step}, when its run has ` +
        `made step ${position.step}, so that the weights are not those of the epoch: let the run ` +
        `wait by epoch.hold(promise), rather than delay the epoch (concatMap, delay, observeOn)`,
    );
  };
}
