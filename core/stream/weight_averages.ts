import type { Assignment } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Parameter } from "../nn/parameter.ts";
import { stopGradient } from "../ops/stop_gradient.ts";
import { sub } from "../ops/sub.ts";
import type { Snapshot } from "./epoch.ts";
import type { Effect, Frame } from "./frame.ts";
import type { StateValue } from "./kept_state.ts";
import type { Interlude } from "./interlude.ts";
import type { Run } from "./run.ts";
import { Memory } from "./stage.ts";
import type { AnyUpdated } from "./stages.ts";

/** How averages follow the weights. */
export interface AveragingRule {
  /** The operator whose rule it is, for messages. */
  readonly operator: string;
  /** The share of the old average in the new one, from 0 to below 1; `null` to leave it. */
  share(step: AnyUpdated, averaged: number): number | null;
  /** Whether the averages take the weights' place at this step, and training goes on from them. */
  overwrites?(step: AnyUpdated, averaged: number): boolean;
  /** Whether the averages stand in for the weights from the end of an epoch to the next step. */
  readonly validate: boolean;
  /** Whether they still do after the run's last epoch. */
  readonly keep: boolean;
}

type AveragesState = {
  /** How often the averages were moved. */
  readonly averaged: number;
  /** The weights that they stand in for, if they do. */
  readonly trained: Snapshot | null;
  /** Whether others have taken the averages' place since, so that these do not come back. */
  readonly superseded: boolean;
};

/**
 * Running averages of a model's trainable weights, on the device: average ← share·average +
 * (1 − share)·weight. Between epochs they stand in for the weights, so that validation,
 * checkpoints and whatever else looks at an epoch sees them.
 */
export class WeightAverages implements Interlude {
  readonly #memory = new Memory<Effect>();
  #state: AveragesState = { averaged: 0, trained: null, superseded: false };
  #share = 0;
  /** True once the operator was left; a step that was under way may end after that. */
  #left = false;
  #name: string;
  #run: Run | undefined;

  /** @param kind What they are, for the names of their slots. @param rule How they follow. */
  constructor(kind: string, private readonly rule: AveragingRule) {
    this.#name = kind;
  }

  /** To be told of the run before its first step. */
  meet(run: Run): void {
    this.#run = run;
    this.#name = run.keep(this.#name, {
      // A run that is over is saved with the weights of its last step, whatever has come after it.
      save: () => ({ ...this.#state, superseded: this.#state.superseded && !run.closed }),
      restore: (saved: StateValue) => this.#state = saved as unknown as AveragesState,
    });
    run.interludes.push(this);
  }

  /** Lets the averages follow a step, if they are to. */
  follow(step: AnyUpdated): void {
    if (!step.updates) return;
    const share = this.rule.share(step, this.#state.averaged);
    if (share === null) return;
    this.#share = share;
    this.#state = { ...this.#state, averaged: this.#state.averaged + 1 };
    const overwrites = this.rule.overwrites?.(step, this.#state.averaged) ?? false;
    step.frame.add(this.#memory.get(
      [step.frame.state, step.model, overwrites],
      () => this.#effect(step, overwrites),
    ));
  }

  begin(last: Frame): void {
    const isLast = last.epoch === last.run.epochs;
    const { averaged, trained } = this.#state;
    if (averaged === 0 || trained || !(this.rule.validate || (isLast && this.rule.keep))) return;
    // Nobody is there any more to put the weights back.
    if (this.#left && !this.rule.keep) return;
    if (!this.#left) {
      this.#state = { averaged, trained: last.run.snapshot(), superseded: false };
    }
    const { weightTable } = last.run;
    for (const parameter of weightTable.leaves.keys()) {
      const slot = this.#average(parameter, last.run);
      if (slot) weightTable.replace(parameter, slot);
    }
  }

  end(): void {
    const { averaged, trained, superseded } = this.#state;
    if (!trained) return;
    if (!superseded) this.#run!.weightTable.restore(trained);
    trained.dispose();
    this.#state = { averaged, trained: null, superseded: false };
  }

  supersede(): void {
    this.#state = { ...this.#state, superseded: true };
  }

  /** The run is over, its weights still there. A file that is being made has the state as it was. */
  finish(): void {
    const { trained, superseded } = this.#state;
    const run = this.#run;
    // Of two runs that were put one behind the other the first is over before the operator is left.
    if (!trained || superseded || this.rule.keep || run!.closed) return;
    // Averages of others may be there to stay.
    run!.weightTable.restore(trained, (parameter) => this.#average(parameter, run!) !== undefined);
  }

  /** Frees what is left. */
  dispose(): void {
    this.#left = true;
    this.#state.trained?.dispose();
    this.#state = { ...this.#state, trained: null };
  }

  /** The average of a weight, if there is one; weights that stand still at a step may have one too. */
  #average(parameter: Parameter, run: Run): Tensor | undefined {
    return run.weightTable.existingSlot(this.#slotOf(parameter, run), parameter.shape);
  }

  #slotOf(parameter: Parameter, run: Run): string {
    return `${this.#name}/${run.weightTable.nameOf(parameter)}`;
  }

  #effect(step: AnyUpdated, overwrites: boolean): Effect {
    const { run } = step.frame;
    const share = run.scalars.computed(`${this.#name}/share`, () => this.#share);
    const { leaves } = run.weightTable;
    const assignments: Assignment[] = [];
    const state = new Map(step.frame.state);
    const evaluationWeights = new Map<Parameter, Tensor>();
    for (const parameter of step.gradients.keys()) {
      // One that begins to learn late is averaged from where it stood.
      const slot = run.weightTable.slot(this.#slotOf(parameter, run), parameter.shape, parameter);
      const weight = state.get(parameter)!;
      const average = slot.mul(share).add(weight.mul(sub(1, share)));
      assignments.push({ state: slot, value: average });
      // What stands in is validated as it is, whatever the optimizer makes of the weights for that.
      if (this.rule.validate) evaluationWeights.set(parameter, leaves.get(parameter)!);
      if (!overwrites) continue;
      assignments.push({ state: leaves.get(parameter)!, value: average });
      state.set(parameter, stopGradient(average));
    }
    return { assignments, state, evaluationWeights };
  }
}
