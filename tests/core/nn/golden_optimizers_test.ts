import { evaluateReference } from "../../../core/cpu/reference.ts";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import {
  adam,
  adamw,
  dense,
  input,
  meanSquaredError,
  type Optimizer,
  rmsprop,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
} from "../../../core/nn/mod.ts";
import { assertClose } from "./close.ts";
import { array, TestContext } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";
import { startSlots } from "./slots.ts";
import { Trainer } from "./train.ts";
import optimizersJson from "../../golden/optimizers.json" with { type: "json" };
import trajectoriesJson from "../../golden/trajectories.json" with { type: "json" };

interface OptimizerFile {
  initial: GoldenTensor;
  gradients: GoldenTensor[];
  cases: Record<string, { source: string; options: object; parameters: GoldenTensor[] }>;
}

const optimizers = optimizersJson as unknown as OptimizerFile;

// Of the pairs, ours is Keras's; PyTorch's forms of the rest are the same.
const factories: Record<string, (options: object) => Optimizer> = {
  sgd,
  sgd_momentum: sgd,
  sgd_nesterov: sgd,
  sgd_weightDecay_keras: sgd,
  sgd_weightDecay_pytorch: sgd,
  rmsprop_keras: rmsprop,
  adam_keras: adam,
  adamw_keras: adamw,
};

/** Parameters after each step under given gradients. */
function* steps(optimizer: Optimizer): Generator<Float64Array> {
  const { initial: { shape, data }, gradients } = optimizers;
  const context = new TestContext();
  const parameter = stateLeaf("parameter", shape);
  const gradient = stateLeaf("gradient", shape);
  const { slots, state } = startSlots(optimizer, { shape }, data);
  state.set(parameter, array(shape, data));
  const updated = optimizer.apply(parameter, gradient, slots, context);
  const names = Object.keys(slots);
  for (const [step, given] of gradients.entries()) {
    const bindings = new Map([...state, ...context.bindings(step)]);
    bindings.set(gradient, array(shape, given.data));
    const outputs = [updated.parameter, ...names.map((name) => updated.slots[name])];
    const [value, ...rest] = evaluateReference(outputs, bindings);
    state.set(parameter, value);
    names.forEach((name, index) => state.set(slots[name], rest[index]));
    yield value.data;
  }
}

for (const [name, factory] of Object.entries(factories)) {
  Deno.test(`optimizer ${name} takes the ten golden steps`, () => {
    const { options, parameters } = optimizers.cases[name];
    let step = 0;
    for (const value of steps(factory(options))) {
      assertClose(value, parameters[step].data, 1e-12, `step ${++step}`);
    }
  });
}

interface TrajectoryFile {
  given: Record<"inputs" | "targets" | "labels" | "kernel1" | "bias1" | "kernel2" | "bias2", {
    shape: number[];
    data: number[];
  }>;
  batchSize: number;
  steps: number;
  runs: {
    optimizer: string;
    options: object;
    loss: string;
    losses: number[];
    final: Record<string, GoldenTensor>;
  }[];
}

const trajectories = trajectoriesJson as unknown as TrajectoryFile;

/** How far ours may be from each run: PyTorch's Adam places epsilon otherwise. */
const runs: Record<string, { factory: (options: object) => Optimizer; tolerance: number }> = {
  sgd: { factory: sgd, tolerance: 1e-10 },
  momentum: { factory: sgd, tolerance: 1e-10 },
  nesterov: { factory: sgd, tolerance: 1e-10 },
  rmsprop: { factory: rmsprop, tolerance: 1e-6 },
  rmsprop_keras: { factory: rmsprop, tolerance: 1e-9 },
  adam_keras: { factory: adam, tolerance: 1e-9 },
  adamw_keras: { factory: adamw, tolerance: 1e-9 },
  adam: { factory: adam, tolerance: 1e-4 },
  adamw: { factory: adamw, tolerance: 1e-4 },
};

for (const run of trajectories.runs) {
  if (!(run.optimizer in runs)) continue;
  Deno.test(`trajectory of ${run.optimizer} with ${run.loss}`, () => {
    const { factory, tolerance } = runs[run.optimizer];
    const { given, batchSize } = trajectories;
    const model = sequential([input([8]), dense(12, { activation: "relu" }), dense(4)]);
    const names = ["kernel1", "bias1", "kernel2", "bias2"] as const;
    names.forEach((name, index) => model.parameters[index].set(given[name].data));
    const regression = run.loss === "meanSquaredError";
    const loss = regression
      ? meanSquaredError()
      : sparseCategoricalCrossentropy({ fromLogits: true });
    const trainer = new Trainer(model, loss, factory(run.options));
    const rows = (tensor: GoldenTensor, start: number, dtype: "f32" | "u32") => {
      const width = tensor.data.length / tensor.shape[0];
      const data = tensor.data.slice(start * width, (start + batchSize) * width);
      return array([batchSize, ...tensor.shape.slice(1)], data, dtype);
    };
    const losses = run.losses.map((_, step) => {
      const start = batchSize * (step % 4);
      return trainer.step({
        inputs: rows(given.inputs, start, "f32"),
        targets: rows(
          regression ? given.targets : given.labels,
          start,
          regression ? "f32" : "u32",
        ),
      });
    });
    assertClose(losses, run.losses, tolerance, "losses");
    names.forEach((name, index) =>
      assertClose(
        trainer.value(model.parameters[index].name),
        run.final[name].data,
        tolerance * 10,
        name,
      )
    );
  });
}
