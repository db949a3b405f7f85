import { evaluateReference } from "../../../core/cpu/reference.ts";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import type { Loss, Model, Optimizer, Parameter } from "../../../core/nn/mod.ts";
import { gradients, mean } from "../../../core/ops/mod.ts";
import { array, TestContext } from "./context.ts";
import { startSlots } from "./slots.ts";

/** A batch for {@link Trainer.step}. */
export interface TrainingBatch {
  readonly inputs: ReferenceArray;
  readonly targets: ReferenceArray;
}

/** Trains a model in float64, its graph built once for each batch shape. */
export class Trainer {
  readonly context = new TestContext();
  readonly weights = new Map<Parameter, Tensor>();
  readonly #state = new Map<Tensor, ReferenceArray>();
  #step = 0;

  constructor(readonly model: Model, readonly loss: Loss, readonly optimizer: Optimizer) {
    for (const parameter of model.parameters) {
      const leaf = stateLeaf(parameter.name, parameter.shape);
      this.weights.set(parameter, leaf);
      this.#state.set(leaf, array(parameter.shape, parameter.value));
    }
  }

  readonly #slots = new Map<Parameter, Record<string, Tensor>>();

  /** Values of a weight. */
  value(name: string): Float64Array {
    const parameter = this.model.parameters.find((parameter) => parameter.name === name)!;
    return this.#state.get(this.weights.get(parameter)!)!.data;
  }

  /** One step; gives the loss before it. */
  step({ inputs, targets }: TrainingBatch): number {
    const x = stateLeaf("inputs", inputs.shape, inputs.dtype);
    const y = stateLeaf("targets", targets.shape, targets.dtype);
    const outputs = this.model.apply(this.weights, x, this.context);
    const loss = mean(this.loss.apply(y, outputs));
    const slopes = gradients(loss, [...this.weights.values()]);
    const targetsOf: Tensor[] = [];
    const results: Tensor[] = [];
    [...this.weights].forEach(([parameter, weight], index) => {
      const slots = this.#slotsOf(parameter);
      const updated = this.optimizer.apply(weight, slopes[index], slots, this.context);
      targetsOf.push(weight, ...Object.values(slots));
      results.push(updated.parameter, ...Object.keys(slots).map((name) => updated.slots[name]));
    });
    const bindings = new Map([...this.#state, ...this.context.bindings(this.#step++)]);
    bindings.set(x, inputs).set(y, targets);
    const [value, ...next] = evaluateReference([loss, ...results], bindings);
    targetsOf.forEach((leaf, index) => this.#state.set(leaf, next[index]));
    return value.data[0];
  }

  #slotsOf(parameter: Parameter): Record<string, Tensor> {
    let slots = this.#slots.get(parameter);
    if (!slots) {
      const { data } = this.#state.get(this.weights.get(parameter)!)!;
      const start = startSlots(this.optimizer, parameter, data);
      slots = start.slots;
      for (const [leaf, values] of start.state) this.#state.set(leaf, values);
      this.#slots.set(parameter, slots);
    }
    return slots;
  }
}
