import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { tensor } from "../../../ops/eager.ts";
import { gather } from "../../../ops/gather.ts";
import { mul } from "../../../ops/mul.ts";
import { pow } from "../../../ops/pow.ts";
import { floor } from "../../../ops/round.ts";
import { sub } from "../../../ops/sub.ts";
import type { Draws } from "./image_layer.ts";

/** Steps of the table, and cells of the sum that it is made from. */
const [steps, cells] = [1024, 1 << 15];

/**
 * What draws numbers of Gamma(α, 1), one a picture: a number of Gamma(α + 1, 1) from a table of quantiles,
 * times u^(1/α), which makes it one of Gamma(α, 1).
 *
 * @param alpha The distribution's shape, from 0.1 to 10.
 */
export function gammaDraws(alpha: number): (draws: Draws, name: string) => Tensor {
  const table = quantiles(alpha + 1);
  return (draws, name) => {
    const position = mul(draws.uniform(name, [0, 1]), steps);
    const step = floor(position);
    const index = cast(step, "u32");
    const [below, above] = [gather(table, index), gather(table, add(index, 1))];
    const whole = add(below, mul(sub(above, below), sub(position, step)));
    return mul(whole, pow(draws.uniform(`${name}_power`, [0, 1]), 1 / alpha));
  };
}

/** Values below which are 0, 1/1024, 2/1024 … of all numbers of Gamma(shape, 1), by the trapezoid rule. */
function quantiles(shape: number): Tensor {
  const width = (shape + 12 * Math.sqrt(shape) + 20) / cells;
  const density = (at: number) => at === 0 ? 0 : Math.exp((shape - 1) * Math.log(at) - at);
  const totals = new Float64Array(cells + 1);
  for (let cell = 0; cell < cells; cell++) {
    totals[cell + 1] = totals[cell] +
      (density(cell * width) + density((cell + 1) * width)) / 2;
  }
  const table = new Float32Array(steps + 2);
  let cell = 0;
  for (let step = 1; step <= steps; step++) {
    // The last one has no end: it stands for half of the last share.
    const wanted = totals[cells] * Math.min(step, steps - 0.25) / steps;
    while (totals[cell + 1] < wanted) cell++;
    table[step] = (cell + (wanted - totals[cell]) / (totals[cell + 1] - totals[cell])) * width;
  }
  table[steps + 1] = table[steps];
  return tensor(table);
}
