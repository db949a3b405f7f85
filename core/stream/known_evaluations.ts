import type { Tensor } from "../graph/tensor.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Effect, Evaluation } from "./frame.ts";
import { evaluationsOf } from "./validation.ts";

/**
 * What validation is to compute, of all stages that steps have come through so far: those of a group
 * that learns at some steps alone count also where an epoch ends with another step.
 */
export class KnownEvaluations {
  readonly #noted = new WeakSet<Effect>();
  /** Effects with an evaluation or with metrics, by their log names, in the order of the pipe. */
  readonly #effects = new Map<string, Effect>();
  readonly #weights = new Map<Parameter, Tensor>();

  /** Notes what the stages of a step have asked for, if it is new. */
  note(effects: readonly Effect[]): void {
    for (const effect of effects) if (!this.#noted.has(effect)) this.#add(effect);
  }

  /** All evaluations, as the stages of a step have them, and else as the last that had them. */
  after(effects: readonly Effect[]): Evaluation[] {
    for (const effect of effects) this.#add(effect);
    return evaluationsOf([...this.#effects.values(), { evaluationWeights: this.#weights }]);
  }

  #add(effect: Effect): void {
    this.#noted.add(effect);
    const { evaluation, metrics, evaluationWeights = [] } = effect;
    if (evaluation) this.#effects.set(evaluation.name, { evaluation });
    if (metrics) {
      this.#effects.set(`metrics ${metrics.metrics.map(({ name }) => name).join()}`, { metrics });
    }
    for (const [parameter, weight] of evaluationWeights) this.#weights.set(parameter, weight);
  }
}
