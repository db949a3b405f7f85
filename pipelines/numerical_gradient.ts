/**
 * The 2–3–1 network learns exclusive or twice: by numerical gradients and by backpropagation.
 *
 *     deno run pipelines/numerical_gradient.ts
 *
 * The slope of the cost C for a weight w is about (C(w + ε) − C(w)) / ε. That takes a forward pass
 * more for each of the 13 weights, where backpropagation takes one backward pass for all of them. Both
 * start from the same weights, and the two curves that are printed lie on each other.
 */
import { defer, map, type Observable, type OperatorFunction, zip } from "rxjs";
import {
  arrays,
  backward,
  binaryCrossentropy,
  concat,
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
  type Tensor,
  tensor,
  update,
} from "../mod.ts";
import { commandLine, wholeNumber } from "./command_line.ts";

const options = commandLine(
  "Trains 2-3-1 by numerical gradients beside backpropagation.\n\n" +
    "  deno run pipelines/numerical_gradient.ts",
  {
    seed: { value: "N", help: "of the first weights", default: "42", parse: wholeNumber(0) },
    steps: { value: "N", help: "steps to take", default: "300", parse: wholeNumber(1) },
  },
);

/** Stands where backward() stands in the pipe, and says the same without any calculus. */
function numericalBackward(epsilon: number): OperatorFunction<Scored, Differentiated> {
  const gradientsOf = (step: Scored): Map<Parameter, Tensor> => {
    const { model, lossFunction, x, y, frame } = step;
    const costAt = (weights: Map<Parameter, Tensor>) =>
      lossFunction.apply(y, model.apply(weights, x, frame.run.context(true))).mean();
    const slope = (parameter: Parameter, place: number) => {
      const { size, shape } = parameter;
      const only = tensor(new Float32Array(size).fill(1, place, place + 1), { shape });
      const moved = frame.state.get(parameter)!.add(only.mul(epsilon));
      const cost = costAt(new Map(frame.state).set(parameter, moved));
      return cost.sub(step.loss).div(epsilon).reshape([1]);
    };
    return new Map(model.parameters.map((parameter) => {
      const slopes = Array.from({ length: parameter.size }, (_, place) => slope(parameter, place));
      return [parameter, concat(slopes).reshape(parameter.shape)];
    }));
  };
  // All batches are of one size, so that the first one's graph serves for all.
  return (steps) =>
    defer(() => {
      let gradients: Map<Parameter, Tensor> | undefined;
      return steps.pipe(map((step) => new Differentiated(step, gradients ??= gradientsOf(step))));
    });
}

const data = arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { name: "exclusive or" });

/** The network, and its cost after each step; one batch holds all four samples. */
function train(differentiate: OperatorFunction<Scored, Differentiated>) {
  const model = sequential([
    input([2]),
    dense(3, { activation: "tanh" }),
    dense(1, { activation: "sigmoid" }),
  ], { seed: options.seed });
  // In float64: in float32 the difference of two nearly equal costs is mostly rounding.
  const source = { batchSize: 4, epochs: options.steps, device: "reference" } as const;
  const costs: Observable<number> = miniBatches(data, source).pipe(
    forward(model),
    loss(binaryCrossentropy()),
    differentiate,
    update(sgd({ learningRate: 0.5 })),
    epochs(),
    map(({ logs }) => logs.loss),
  );
  return { model, costs };
}

const [numerical, exact] = [train(numericalBackward(1e-6)), train(backward())];
await zip(numerical.costs, exact.costs).forEach(([byNumbers, byBackpropagation]) => {
  console.log(
    JSON.stringify({ event: "step", numerical: byNumbers, backpropagation: byBackpropagation }),
  );
});
