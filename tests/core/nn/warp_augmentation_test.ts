/** Layers that lean, blur and warp pictures: against formulas in float64, on every device. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, tensor, uniform } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { constantContext, TestContext, valuesOf } from "./context.ts";
import { drawn, type Picture, randomPictures } from "./pictures.ts";

const [count, height, width] = [24, 5, 6];
const shape = [height, width, 2];
const outside = 0.25;
const pictures = randomPictures(count, shape, 5);
const x = tensor(pictures);

/** What stands at a place between four pixels. */
function between(picture: Picture, y: number, x: number, c: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const pixel = (p: number, q: number) => picture[p]?.[q]?.[c] ?? outside;
  const row = (p: number) => pixel(p, left) * (left + 1 - x) + pixel(p, left + 1) * (x - left);
  return row(top) * (top + 1 - y) + row(top + 1) * (y - top);
}

/** Solves a system of linear equations by elimination. */
function solved(rows: number[][]): number[] {
  const size = rows.length;
  for (let k = 0; k < size; k++) {
    const best = rows.slice(k).reduce(
      (best, row, at) => Math.abs(row[k]) > Math.abs(rows[best][k]) ? k + at : best,
      k,
    );
    [rows[k], rows[best]] = [rows[best], rows[k]];
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const share = rows[i][k] / rows[k][k];
      rows[i] = rows[i].map((value, at) => value - share * rows[k][at]);
    }
  }
  return rows.map((row, k) => row[size] / row[k]);
}

/** A picture whose corners are moved, by the eight numbers that take the new ones to the old ones. */
function warped(picture: Picture, moves: number[]): Picture {
  const [bottom, right] = [height - 1, width - 1];
  const old = [[0, 0], [right, 0], [right, bottom], [0, bottom]];
  const equations = old.flatMap(([u, v], place) => {
    const [byX, byY] = moves.slice(2 * place, 2 * place + 2);
    const p = u === 0 ? byX / 2 * right : right - byX / 2 * right;
    const q = v === 0 ? byY / 2 * bottom : bottom - byY / 2 * bottom;
    return [[p, q, 1, 0, 0, 0, -p * u, -q * u, u], [0, 0, 0, p, q, 1, -p * v, -q * v, v]];
  });
  const [a, b, c, d, e, f, g, h] = solved(equations);
  return drawn(shape, (y, x, channel) => {
    const depth = g * x + h * y + 1;
    return between(picture, (d * x + e * y + f) / depth, (a * x + b * y + c) / depth, channel);
  });
}

/** A picture blurred along both axes, over the pixels that are there. */
function blurred(picture: Picture, sigmas: [number, number], reach: [number, number]): Picture {
  return drawn(shape, (y, x, c) => {
    let [sum, total] = [0, 0];
    for (let p = Math.max(0, y - reach[0]); p <= Math.min(height - 1, y + reach[0]); p++) {
      for (let q = Math.max(0, x - reach[1]); q <= Math.min(width - 1, x + reach[1]); q++) {
        const far = ((p - y) / sigmas[0]) ** 2 + ((q - x) / sigmas[1]) ** 2;
        sum += picture[p][q][c] * Math.exp(-far / 2);
        total += Math.exp(-far / 2);
      }
    }
    return sum / total;
  });
}

interface Case {
  layer: (options: { seed?: number }) => nn.Layer;
  /** Names of the numbers that it draws. */
  draws: string[];
  formula: (picture: Picture, ...numbers: number[]) => Picture;
}

const fill = { fillMode: "constant", fillValue: outside } as const;
const cases: Record<string, Case> = {
  randomShear: {
    layer: (options) => nn.randomShear([-0.1, 0.5], 0.3, { ...fill, ...options }),
    draws: ["shear", "rise"],
    formula: (picture, a, b) => {
      const [sideways, down] = [0.6 * a - 0.1, 0.6 * b - 0.3];
      return drawn(shape, (y, x, c) => {
        const [i, j] = [y - (height - 1) / 2, x - (width - 1) / 2];
        return between(picture, y + down * j, x + sideways * i, c);
      });
    },
  },
  randomPerspective: {
    layer: (options) =>
      nn.randomPerspective({ factor: [0.6, 0.8], scale: 0.7, fillValue: outside, ...options }),
    draws: [
      ...["threshold", "chance"],
      ...[0, 1, 2, 3].flatMap((place) => ["x", "y"].map((axis) => `corner_${place}_${axis}`)),
    ],
    formula: (picture, threshold, chance, ...moves) =>
      threshold < 0.6 + 0.2 * chance ? warped(picture, moves.map((move) => move * 0.7)) : picture,
  },
  randomGaussianBlur: {
    layer: (options) =>
      nn.randomGaussianBlur({
        ...{ factor: [0.6, 0.8], kernelSize: [3, 5], sigma: [0.4, 1.5], valueRange: [0, 1] },
        ...options,
      }),
    draws: ["threshold", "chance", "sigma_height", "sigma_width"],
    formula: (picture, threshold, chance, a, b) =>
      threshold < 0.6 + 0.2 * chance
        ? blurred(picture, [0.4 + 1.1 * a, 0.4 + 1.1 * b], [1, 2])
        : picture,
  },
};

const constants = constantContext();

await testOnDevices("every layer's pictures are those of its formula", async (device) => {
  const made = Object.entries(cases).map(([name, { layer, draws, formula }]) => {
    const numbers = evaluateReference(
      draws.map((draw) => uniform(constants.randomKey(draw), [count], constants.counter)),
    );
    const expected = pictures.map((picture, n) =>
      formula(picture, ...numbers.map((u) => u.data[n]))
    );
    return { name, y: layer({}).apply({}, x, constants), expected };
  });
  const found = await evaluateOn(device, made.map(({ y }) => y));
  made.forEach(({ name, expected }, at) => assertClose(found[at], expected.flat(3), 2e-4, name));
});

await testOnDevices("gradients are the same on every device", async (device) => {
  const slopes = Object.values(cases).map(({ layer }) =>
    gradients(layer({}).apply({}, x, constants).square(), [x])[0]
  );
  const expected = evaluateReference(slopes);
  const found = await evaluateOn(device, slopes);
  slopes.forEach((_, at) => assertClose(found[at], expected[at].data, 1e-3, `${at}`));
});

for (const [name, { layer }] of Object.entries(cases)) {
  Deno.test(`${name} follows from seed and step, and rests in inference`, () => {
    const changed = (made: nn.Layer, { seed = 42, step = 0 } = {}) => {
      const context = new TestContext(true, seed);
      return valuesOf(made.apply({}, x, context), context.bindings(step));
    };
    const made = layer({});
    assert.deepEqual(changed(made), changed(made));
    assert.notDeepEqual(changed(made, { seed: 43 }), changed(made));
    assert.notDeepEqual(changed(made, { step: 1 }), changed(made));
    const own = layer({ seed: 7 });
    assert.deepEqual(changed(own, { seed: 43 }), changed(own));
    assert.equal(made.apply({}, x, new TestContext(false)), x);
  });
}

Deno.test("corners that nearly meet, and no width at all, give pictures without NaN", () => {
  const thin = tensor(randomPictures(40, [4, 1, 1], 3));
  for (
    const [given, layer] of [
      [x, nn.randomPerspective({ factor: [1, 1], scale: 1 })],
      [thin, nn.randomPerspective({ factor: [1, 1], scale: 1, fillMode: "reflect" })],
      [thin, nn.randomGaussianBlur({ factor: [1, 1], kernelSize: 7, sigma: 0 })],
    ] as const
  ) {
    const context = new TestContext(true);
    const values = valuesOf(layer.apply({}, given, context), context.bindings());
    assert(values.every((value) => value >= 0 && value <= 1), layer.type);
  }
});

Deno.test("options out of range are refused", () => {
  assert.throws(() => nn.randomShear(2), /xFactor of randomShear .*received 2/);
  assert.throws(() => nn.randomShear(0, [0.5, 0]), /the smaller one first/);
  assert.throws(() => nn.randomPerspective({ scale: 1.5 }), /scale of randomPerspective .*1.5/);
  assert.throws(
    () => nn.randomPerspective({ fillMode: "mirror" as "wrap" }),
    /randomPerspective as fillMode/,
  );
  assert.throws(() => nn.randomGaussianBlur({ kernelSize: 4 }), /kernelSize must be odd.*\[4, 4\]/);
  assert.throws(() => nn.randomGaussianBlur({ sigma: -1 }), /sigma of randomGaussianBlur .*-1/);
});
