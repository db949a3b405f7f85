// F7: ∂C/∂w ≈ (C(w + ε) − C(w)) / ε for each of the 13 parameters of 2–3–1, against backpropagation.
import assert from "node:assert/strict";
import { lastValueFrom, mergeMap } from "rxjs";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { stateLeaf } from "../../core/graph/leaf.ts";
import {
  arrays,
  backward,
  fit,
  forward,
  gradients,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  sgd,
  tensor,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { array, TestContext } from "../core/nn/context.ts";
import { testOnDevices } from "../devices.ts";
import { network, train } from "./networks.ts";

const rows = [[0.2, -1], [1, 0.5], [-0.4, 0.3], [0.7, 0.9]];
const targets = [[1], [0], [1], [0]];

/** The cost of a network and its slopes as float64 functions of all weights in one list. */
function costOf(model: Model) {
  const leaves = model.parameters.map(({ name, shape }) => stateLeaf(name, shape));
  const values = new Map(model.parameters.map((parameter, place) => [parameter, leaves[place]]));
  const outputs = model.apply(values, tensor(rows), new TestContext());
  const cost = meanSquaredError().apply(tensor(targets), outputs).mean();
  const slopes = gradients(cost, leaves);
  const bind = (weights: readonly number[]) => {
    let start = 0;
    return new Map(leaves.map((leaf) => [
      leaf,
      array(leaf.shape, weights.slice(start, start += leaf.size)),
    ]));
  };
  return {
    at: (weights: readonly number[]) => evaluateReference([cost], bind(weights))[0].data[0],
    slopes: (weights: readonly number[]) =>
      evaluateReference(slopes, bind(weights)).flatMap(({ data }) => [...data]),
  };
}

function numericalGradient(
  cost: (weights: readonly number[]) => number,
  weights: readonly number[],
  epsilon: number,
): number[] {
  const here = cost(weights);
  return weights.map((weight, place) =>
    (cost(weights.with(place, weight + epsilon)) - here) / epsilon
  );
}

const model = () => network([2, 3, 1], { seed: 11 });
const weightsOf = ({ parameters }: Model) => parameters.flatMap(({ value }) => [...value]);

Deno.test("F7: 13 forward passes agree with one backward pass, in float64", () => {
  const weights = weightsOf(model());
  const cost = costOf(model());
  let passes = 0;
  const counted = (moved: readonly number[]) => {
    passes++;
    return cost.at(moved);
  };
  const numerical = numericalGradient(counted, weights, 1e-6);
  assert.equal(numerical.length, 13);
  assert.equal(passes, 1 + 13);
  const exact = cost.slopes(weights);
  assert(exact.every((slope) => Math.abs(slope) > 1e-4), "no slope may agree by being nothing");
  // A forward difference is off by half the curvature times ε.
  assertClose(numerical, exact, 1e-6);
});

Deno.test("F7: ten times the ε is ten times the error, as the formula says", () => {
  const weights = weightsOf(model());
  const cost = costOf(model());
  const exact = cost.slopes(weights);
  const error = (epsilon: number) =>
    Math.max(
      ...numericalGradient(cost.at, weights, epsilon).map((slope, place) =>
        Math.abs(slope - exact[place])
      ),
    );
  const ratio = error(1e-3) / error(1e-4);
  assert(ratio > 9.5 && ratio < 10.5, `${ratio}`);
});

Deno.test("F7: one gradient-descent step from either goes to the same weights, downhill", () => {
  const weights = weightsOf(model());
  const cost = costOf(model());
  const step = (slopes: number[]) => weights.map((weight, place) => weight - 0.5 * slopes[place]);
  const numerical = step(numericalGradient(cost.at, weights, 1e-6));
  assertClose(numerical, step(cost.slopes(weights)), 1e-6);
  assert(cost.at(numerical) < cost.at(weights));
});

await testOnDevices("F7: backward() gives the numerical gradient", async (options) => {
  const trained = model();
  const expected = numericalGradient(costOf(trained).at, weightsOf(trained), 1e-6);
  const steps = miniBatches(arrays(rows, targets), { batchSize: 4, ...options }).pipe(
    forward(trained),
    loss(meanSquaredError()),
    backward(),
    mergeMap(({ gradients }) => Promise.all([...gradients.values()].map((each) => each.data()))),
  );
  const slopes = await lastValueFrom(steps);
  assertClose(slopes.flatMap((values) => [...values]), expected, 2e-6);
});

await testOnDevices("F7: update() takes the numerical gradient's step", async (options) => {
  const trained = model();
  const before = weightsOf(trained);
  const slopes = numericalGradient(costOf(trained).at, before, 1e-6);
  const optimizer = sgd({ learningRate: 0.5 });
  const settings = { loss: meanSquaredError(), optimizer, batchSize: 4, ...options };
  await train(trained, fit(trained, arrays(rows, targets), settings));
  assertClose(
    weightsOf(trained),
    before.map((weight, place) => weight - 0.5 * slopes[place]),
    2e-6,
  );
});
