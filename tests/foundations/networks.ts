/** What the suites of the foundations share: networks of any size, and loops to hold them against. */
import { lastValueFrom, type Observable } from "rxjs";
import { settled } from "../../core/stream/settled.ts";
import {
  type ActivationName,
  dense,
  type Epoch,
  input,
  type Model,
  sequential,
} from "../../mod.ts";

/** How {@link network} makes its layers. */
export interface NetworkOptions {
  /** Activation of the hidden layers; default `sigmoid`. */
  readonly hidden?: ActivationName;
  /** Activation of the last layer; default that of the hidden ones. */
  readonly last?: ActivationName;
  /** Seed of the first weights; default 5. */
  readonly seed?: number;
}

/** F6: a network of dense layers, from the list of their sizes; the first is that of the inputs. */
export function network(sizes: readonly number[], options: NetworkOptions = {}): Model {
  const { hidden = "sigmoid", last = hidden, seed = 5 } = options;
  const [features, ...units] = sizes;
  const layers = units.map((count, place) =>
    dense(count, { activation: place === units.length - 1 ? last : hidden })
  );
  return sequential([input([features]), ...layers], { seed });
}

/** Number of weights and biases. */
export function parameterCount(model: Model): number {
  return model.parameters.reduce((count, { size }) => count + size, 0);
}

/** Gives a model the weights written down, in the order of its parameters. */
export function setWeights(model: Model, weights: readonly (readonly number[])[]): void {
  model.parameters.forEach((parameter, place) => parameter.set(weights[place]));
}

/** Trains to the end, and until a GPU has given the weights back; the last epoch. */
export async function train(model: Model, training: Observable<Epoch>): Promise<Epoch> {
  const last = await lastValueFrom(training);
  await settled(model);
  return last;
}

/** A dense layer by plain loops in float64: the notes' network from scratch. */
export function layerByLoops(
  rows: readonly (readonly number[])[],
  kernel: ArrayLike<number>,
  bias: ArrayLike<number>,
  activation: (z: number) => number,
): number[][] {
  const units = bias.length;
  return rows.map((row) =>
    Array.from({ length: units }, (_, unit) => {
      let z = bias[unit];
      row.forEach((value, feature) => z += value * kernel[feature * units + unit]);
      return activation(z);
    })
  );
}

/** 1 / (1 + e⁻ᶻ). */
export function sigmoidOf(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** Numbers from −1 to 1, the same for the same seed: Lehmer's generator. */
export function seededNumbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = state * 48271 % 2147483647;
    return state / 2147483647 * 2 - 1;
  });
}
