import { ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { listNames, type Tensors } from "../nn/named.ts";
import { namedKey } from "../nn/named_key.ts";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { add } from "../ops/add.ts";
import { cast } from "../ops/cast.ts";
import { tensor } from "../ops/eager.ts";
import { gather } from "../ops/gather.ts";
import { less } from "../ops/less.ts";
import { minimum } from "../ops/minimum.ts";
import { mul } from "../ops/mul.ts";
import { pow } from "../ops/pow.ts";
import { type RandomKey, uniform } from "../ops/random.ts";
import { reshape } from "../ops/reshape.ts";
import { floor } from "../ops/round.ts";
import { select } from "../ops/select.ts";
import { sub } from "../ops/sub.ts";
import { Memory, stage } from "./stage.ts";
import { Batch } from "./stages.ts";

/** Options of operators that mix samples. */
export interface MixingOptions {
  /** Parameter of the Beta distribution that shares come from, above 0 to 10: small for little mixing. */
  readonly alpha?: number;
  /** Seed of the mixing; by default that of the run. */
  readonly seed?: number;
}

/** What a mixture needs. */
export interface Mixture {
  /** Inputs of a batch, `[batch, ...features]`. */
  readonly x: Tensor;
  /** Inputs of the samples that are mixed in. */
  readonly other: Tensor;
  /** The share of each sample's own part, `[batch]`, of a Beta distribution. */
  readonly share: Tensor;
  /** A random number for each sample, from 0 to below 1, `[batch]`. */
  readonly uniform: (name: string) => Tensor;
}

/** Mixed inputs, and the share that is a sample's own, `[batch]`. */
export interface Mixed {
  /** Inputs, of the shape they had. */
  readonly x: Tensor;
  /** Shares, from 0 to 1. */
  readonly share: Tensor;
}

/**
 * An operator that mixes each sample of a batch with another one of it, inputs and targets.
 *
 * @param name What it is called, for messages and keys.
 * @param options See {@link MixingOptions}.
 * @param defaultAlpha The parameter of the Beta distribution unless given.
 * @param mix How inputs are mixed.
 */
export function mixing(
  name: string,
  options: MixingOptions,
  defaultAlpha: number,
  mix: (mixture: Mixture) => Mixed,
): MonoTypeOperatorFunction<Batch> {
  const { seed } = options;
  const alpha = checkScalar(`alpha of ${name}`, options.alpha ?? defaultAlpha, {
    minimum: 1e-3,
    maximum: 10,
  });
  const table = quantiles(alpha);
  const own = seed === undefined ? undefined : namedKey(seed, name);
  return stage(name, "miniBatches", () => {
    const memory = new Memory<{ x: Tensor; y: Tensor; sampleWeight: Tensor | null }>();
    return (batch) => {
      const { x, y, sampleWeight } = batch;
      const mixed = memory.get([x, y, sampleWeight], () => {
        check(name, x, y);
        const { counter, randomKey } = batch.frame.run.context(true);
        const samples = y.shape[0];
        const drawn = (part: string, count = samples) => {
          const key: RandomKey = own?.fold(part) ?? randomKey(`${name}/${part}`);
          return uniform(key, [count], counter);
        };
        const rows = partners(drawn("partner", 1), samples);
        const parts = mix({
          x,
          other: gather(x, rows),
          share: betaShares(table, alpha, drawn("share"), drawn("side")),
          uniform: drawn,
        });
        const blend = (mine: Tensor) => blended(mine, gather(mine, rows), parts.share);
        return { x: parts.x, y: blend(y), sampleWeight: sampleWeight && blend(sampleWeight) };
      });
      return new Batch(batch.frame, mixed.x, mixed.y, mixed.sampleWeight);
    };
  });
}

/** share · mine + (1 − share) · other, sample by sample. */
export function blended(mine: Tensor, other: Tensor, share: Tensor): Tensor {
  const shares = reshape(share, [mine.shape[0], ...mine.shape.slice(1).map(() => 1)]);
  return add(mul(mine, shares), mul(other, sub(1, shares)));
}

/** Numbers of the samples that stand some places further, by chance the same for all: never 0 places. */
function partners(chance: Tensor, samples: number): Tensor {
  if (samples < 2) return iota([samples], 0);
  // Rounding may give the number that lies one too high.
  const places = minimum(floor(mul(chance, samples - 1)), samples - 2);
  const further = add(cast(add(places, 1), "u32"), iota([samples], 0));
  return select(less(further, samples), further, sub(further, samples));
}

/** Steps of the table of quantiles. */
const steps = 512;

/**
 * For even steps of the lower half of Beta(α, α), the α-th power of the quantile: it runs nearly
 * straight, also where the quantile itself is as small as the 1/α-th power of the step.
 *
 * With v = t^α the density t^(α−1) (1 − t)^(α−1) dt is (1 − v^(1/α))^(α−1) dv / α, which is smooth up to
 * t = ½. Its integral is summed up by Simpson's rule and inverted.
 */
function quantiles(alpha: number): Tensor {
  const cells = 1 << 14;
  const width = 0.5 ** alpha / cells;
  const density = (v: number) => (1 - v ** (1 / alpha)) ** (alpha - 1);
  const totals = new Float64Array(cells + 1);
  for (let cell = 0; cell < cells; cell++) {
    const [low, middle, high] = [cell, cell + 0.5, cell + 1].map((at) => density(at * width));
    totals[cell + 1] = totals[cell] + (low + 4 * middle + high) / 6;
  }
  const table = new Float32Array(steps + 2);
  let cell = 0;
  for (let step = 0; step <= steps; step++) {
    const wanted = totals[cells] * step / steps;
    while (cell < cells - 1 && totals[cell + 1] < wanted) cell++;
    const inside = (wanted - totals[cell]) / (totals[cell + 1] - totals[cell]);
    table[step] = (cell + inside) * width;
  }
  table[steps + 1] = table[steps];
  return tensor(table);
}

/** Numbers of Beta(α, α) from numbers spread evenly, by the table of {@link quantiles}. */
function betaShares(table: Tensor, alpha: number, chance: Tensor, side: Tensor): Tensor {
  const position = mul(chance, steps);
  const step = floor(position);
  const index = cast(step, "u32");
  const [below, above] = [gather(table, index), gather(table, add(index, 1))];
  const power = add(below, mul(sub(above, below), sub(position, step)));
  const small = pow(power, 1 / alpha);
  return select(less(side, 0.5), small, sub(1, small));
}

function check(name: string, x: Tensors, y: Tensors): void {
  for (const [what, given] of [["input", x], ["target", y]] as const) {
    if (given instanceof Tensor) continue;
    throw new TypeError(
      `Cannot apply ${name} as there must be one ${what}: received ${what}s by name ` +
        `(${listNames(Object.keys(given))})`,
    );
  }
  const target = y as Tensor;
  if (target.dtype === "f32" && target.rank >= 2) return;
  throw new ShapeError(
    `Cannot apply ${name} as targets must be rows that can be mixed, as one-hot rows ` +
      `[batch, classes]: received ${
        formatShape(target.shape)
      } ${target.dtype} (make one-hot rows of ` +
      `labels, and use categoricalCrossentropy)`,
  );
}
