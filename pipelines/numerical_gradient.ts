/**
 * The 2–3–1 network learns exclusive or twice: by numerical gradients and by backpropagation.
 *
 *     deno run pipelines/numerical_gradient.ts
 *
 * The slope of the cost C for a weight w is about (C(w + ε) − C(w)) / ε. That takes a forward pass
 * more for each of the 13 weights, where backpropagation takes one backward pass for all of them. Both
 * start from the same weights, and the two curves that are printed lie on each other.
 */
import { map, type OperatorFunction, zip } from "rxjs";
import {
  arrays,
  backward,
  binaryCrossentropy,
  dense,
  Differentiated,
  epochs,
  forward,
  input,
  loss,
  miniBatches,
  type Parameter,
  type Scored,
  sequential,
  sgd,
  stack,
  type Tensor,
  tensor,
  update,
} from "../mod.ts";
import { commandLine } from "./command_line.ts";
import { runOptions } from "./training_options.ts";

const { seed } = commandLine(
  "Trains 2-3-1 by numerical gradients beside backpropagation, on exclusive or.",
  { seed: { ...runOptions.seed, help: "of the first weights" } },
);

/** Stands where backward() stands in the pipe, and says the same without any calculus. */
function numericalBackward(epsilon: number): OperatorFunction<Scored, Differentiated> {
  const slopeOf = (step: Scored, parameter: Parameter, place: number) => {
    const { model, lossFunction, x, y, context } = step;
    const { shape, size } = parameter;
    const only = tensor(new Float32Array(size).fill(1, place, place + 1), { shape });
    const weights = new Map(step.weightsOf(model));
    weights.set(parameter, weights.get(parameter)!.add(only.mul(epsilon)));
    const cost = lossFunction!.apply(y, model.apply(weights, x, context)).mean();
    return cost.sub(step.loss).div(epsilon);
  };
  const gradientsOf = (step: Scored) =>
    new Map(step.model.parameters.map((parameter) => {
      const places = Array.from(parameter.value.keys());
      const slopes = stack(places.map((place) => slopeOf(step, parameter, place)));
      return [parameter, slopes.reshape(parameter.shape)];
    }));
  // The loss is one tensor in all steps of a run, and so are these: symbols, made once.
  const known = new WeakMap<Tensor, Differentiated["gradients"]>();
  return map((step) => {
    if (!known.has(step.loss)) known.set(step.loss, gradientsOf(step));
    return new Differentiated(step, known.get(step.loss)!);
  });
}

const exclusiveOr = arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]);

/** A new network's costs, before each step; one batch holds all four samples. */
function train(differentiate: OperatorFunction<Scored, Differentiated>) {
  const model = sequential([
    input([2]),
    dense(3, { activation: "tanh" }),
    dense(1, { activation: "sigmoid" }),
  ], { seed });
  // In float64: in float32 the difference of two nearly equal costs is mostly rounding.
  const source = { batchSize: 4, epochs: 300, device: "reference" } as const;
  return miniBatches(exclusiveOr, source).pipe(
    forward(model),
    loss(binaryCrossentropy()),
    differentiate,
    update(sgd({ learningRate: 0.5 })),
    epochs(),
    map(({ logs }) => logs.loss),
  );
}

let step = 0;
await zip(train(numericalBackward(1e-6)), train(backward())).forEach(
  ([numerical, backpropagation]) => {
    console.log(JSON.stringify({ event: "step", step: ++step, numerical, backpropagation }));
  },
);
console.log(JSON.stringify({ event: "end", reason: "completed", steps: step }));
