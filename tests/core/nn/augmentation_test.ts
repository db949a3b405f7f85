/** Layers that change pictures: against PyTorch, by their statistics, and on every device. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { ShapeError } from "../../../core/graph/errors.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { concat, gradients, sampleImage, slice, tensor } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import golden from "../../golden/sampling.json" with { type: "json" };
import { mulberry32 } from "../ops/cases.ts";
import { assertClose } from "./close.ts";
import { constantContext, TestContext, valuesOf } from "./context.ts";
import { testLayerCases } from "./layer_cases.ts";

await testLayerCases(
  "layers that move pixels give the outputs and gradients of PyTorch's grid_sample",
  golden.cases,
);

const random = mulberry32(11);

/** Pictures of random pixels. */
function pictures(shape: readonly number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(Array.from({ length: size }, random), { shape: [...shape] });
}

/** What a layer makes of pictures in training, picture by picture. */
function changed(layer: nn.Layer, x: Tensor, { seed = 42, step = 0 } = {}): number[][] {
  const context = new TestContext(true, seed);
  const y = layer.apply({}, x, context);
  const values = valuesOf(y, context.bindings(step));
  const size = values.length / y.shape[0];
  return Array.from({ length: y.shape[0] }, (_, n) => values.slice(n * size, (n + 1) * size));
}

const x = pictures([400, 4, 3, 2]);
const given = changed(nn.identity(), x);

/** Places of a picture in another order. */
const mirrored = (picture: number[], down: boolean, across: boolean) =>
  Array.from({ length: 24 }, (_, at) => {
    const [row, column, channel] = [Math.floor(at / 6), Math.floor(at / 2) % 3, at % 2];
    const [p, q] = [down ? 3 - row : row, across ? 2 - column : column];
    return picture[(p * 3 + q) * 2 + channel];
  });

for (
  const [mode, ways] of [
    ["horizontal", [[false, false], [false, true]]],
    ["vertical", [[false, false], [true, false]]],
    ["horizontal_and_vertical", [[false, false], [false, true], [true, false], [true, true]]],
  ] as const
) {
  Deno.test(`randomFlip ${mode} gives each of ${ways.length} mirrored pictures as often`, () => {
    const counts = ways.map(() => 0);
    changed(nn.randomFlip(mode), x).forEach((picture, n) => {
      const way = ways.findIndex(([down, across]) =>
        mirrored(given[n], down, across).every((value, at) => value === picture[at])
      );
      assert.ok(way >= 0, `picture ${n} is none of them`);
      counts[way]++;
    });
    const share = 1 / ways.length;
    for (const count of counts) {
      assert.ok(Math.abs(count - 400 * share) < 5 * Math.sqrt(400 * share * (1 - share)));
    }
  });
}

Deno.test("randomCrop cuts out every part equally often, the same pixels", () => {
  const counts = new Map<string, number>();
  changed(nn.randomCrop(3, 2), x).forEach((part, n) => {
    for (let top = 0; top < 2; top++) {
      for (let left = 0; left < 2; left++) {
        const same = part.every((value, at) => {
          const [row, column] = [Math.floor(at / 4), Math.floor(at / 2) % 2];
          return value === given[n][((top + row) * 3 + left + column) * 2 + at % 2];
        });
        if (same) counts.set(`${top},${left}`, (counts.get(`${top},${left}`) ?? 0) + 1);
      }
    }
  });
  assert.equal(counts.size, 4);
  assert.equal([...counts.values()].reduce((sum, count) => sum + count), 400);
  for (const count of counts.values()) assert.ok(Math.abs(count - 100) < 5 * Math.sqrt(75));
});

Deno.test("randomCrop in inference is the largest part in the middle of those proportions", () => {
  const inference = new TestContext(false);
  const wide = pictures([2, 4, 9, 1]);
  const cropped = nn.randomCrop(4, 4).apply({}, wide, inference);
  assert.deepEqual(valuesOf(cropped), valuesOf(slice(wide, [0, 0, 2, 0], [2, 4, 6, 1])));
  const halved = nn.randomCrop(2, 2).apply({}, wide, inference);
  const expected = nn.resizing(2, 2, { cropToAspectRatio: true }).apply({}, wide, inference);
  assert.deepEqual(valuesOf(halved), valuesOf(expected));
});

Deno.test("randomContrast scales the distance from a channel's mean, by an even factor", () => {
  const factors = changed(nn.randomContrast([0.5, 0.25]), x).map((picture, n) => {
    const mean = (channel: number) =>
      given[n].filter((_, at) => at % 2 === channel).reduce((sum, value) => sum + value, 0) / 12;
    const ratios = picture.map((value, at) =>
      (value - mean(at % 2)) / (given[n][at] - mean(at % 2))
    );
    // What falls below black is cut off.
    const inside = ratios.filter((_, at) => picture[at] > 0);
    for (const ratio of inside) assert.ok(Math.abs(ratio - inside[0]) < 1e-9);
    return inside[0];
  });
  assertEven(factors, 0.5, 1.25);
});

Deno.test("randomBrightness adds one number to a picture, and cuts off at black and white", () => {
  const layer = nn.randomBrightness([-0.25, 0.5], { valueRange: [0, 1] });
  const shifts = changed(layer, x).map((picture, n) => {
    const inside = picture.map((value, at) => [value, value - given[n][at]])
      .filter(([value]) => value > 0 && value < 1).map(([, shift]) => shift);
    assert.ok(picture.every((value) => value >= 0 && value <= 1));
    for (const shift of inside) assert.ok(Math.abs(shift - inside[0]) < 1e-9);
    return inside[0];
  });
  assertEven(shifts, -0.25, 0.5);
});

Deno.test("randomErasing erases one rectangle of the wanted size in that share of pictures", () => {
  const large = pictures([200, 10, 20, 1]);
  const layer = nn.randomErasing({ factor: [0.7, 0.7], scale: [0.09, 0.25], fillValue: 200 });
  let erased = 0;
  for (const picture of changed(layer, large)) {
    const places = picture.flatMap((value, at) => value === 200 ? [at] : []);
    if (places.length === 0) continue;
    erased++;
    const rows = new Set(places.map((at) => Math.floor(at / 20)));
    const columns = new Set(places.map((at) => at % 20));
    assert.equal(places.length, rows.size * columns.size, "a rectangle");
    // Shares of 0.3 to 0.5: a length of 3 to 5 covers 3 to 5 whole places, or one less or more.
    assert.ok(rows.size >= 2 && rows.size <= 6 && columns.size >= 5 && columns.size <= 11);
  }
  assert.ok(Math.abs(erased - 140) < 5 * Math.sqrt(200 * 0.7 * 0.3), `${erased}`);
  const noise = changed(nn.randomErasing({ factor: [1, 1], valueRange: [0, 1] }), large);
  assert.ok(noise.every((picture) => picture.every((value) => value >= 0 && value <= 1)));
  assert.ok(noise.some((picture) => picture.includes(0) && picture.includes(1)));
});

Deno.test("randomElasticTransform moves places by the wanted amounts, neighbours alike", () => {
  // A picture whose pixels are their own columns shows how far each was moved.
  const [height, width] = [28, 28];
  const ramp = tensor(
    Array.from({ length: 20 * height * width }, (_, at) => at % width),
    { shape: [20, height, width, 1] },
  );
  const layer = nn.randomElasticTransform({ factor: [1, 1], scale: [0.5, 0.5] });
  const moves = changed(layer, ramp).flatMap((picture) =>
    picture.map((value, at) => value - at % width)
      .filter((_, at) => at % width > 5 && at % width < 22)
  );
  const deviation = Math.sqrt(moves.reduce((sum, move) => sum + move ** 2, 0) / moves.length);
  // σ = 0.7 and α = 1.4: a blur of white noise of deviation σ has one of 1 / (2√π), nearly.
  const expected = 1.4 / (2 * Math.sqrt(Math.PI));
  assert.ok(Math.abs(deviation - expected) < 0.1 * expected, `${deviation} for ${expected}`);
  const pairs = moves.slice(1).map((move, at) => move * moves[at]);
  const correlation = pairs.reduce((sum, pair) => sum + pair, 0) / pairs.length / deviation ** 2;
  assert.ok(correlation > 0.5, `${correlation}`);
  assert.equal(nn.randomElasticTransform({ scale: 0 }).apply({}, x, new TestContext()), x);
});

/** That numbers are spread evenly: within the range, with its mean and its deviation. */
function assertEven(values: readonly number[], low: number, high: number): void {
  assert.ok(values.every((value) => value > low - 1e-6 && value < high + 1e-6));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = (high - low) / Math.sqrt(12);
  assert.ok(Math.abs(mean - (low + high) / 2) < 5 * deviation / Math.sqrt(values.length));
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(Math.sqrt(squares) - deviation) < 0.15 * deviation);
}

const layers: Record<string, (options: { seed?: number; inputShape?: number[] }) => nn.Layer> = {
  randomAffine: (options) => nn.randomAffine({ zoomFactor: 0.2, shearFactor: 0.2, ...options }),
  randomTranslation: (options) => nn.randomTranslation(0.3, 0.3, options),
  randomRotation: (options) => nn.randomRotation(0.2, options),
  randomZoom: (options) => nn.randomZoom(0.3, { widthFactor: 0.2, ...options }),
  randomFlip: (options) => nn.randomFlip("horizontal", options),
  randomCrop: (options) => nn.randomCrop(3, 2, options),
  randomContrast: (options) => nn.randomContrast(0.5, options),
  randomBrightness: (options) => nn.randomBrightness(0.5, { valueRange: [0, 1], ...options }),
  randAugment: (options) => nn.randAugment({ valueRange: [0, 1], ...options }),
  randomErasing: (options) => nn.randomErasing({ valueRange: [0, 1], ...options }),
  randomElasticTransform: (options) => nn.randomElasticTransform(options),
};

const few = pictures([9, 4, 5, 2]);
for (const [name, make] of Object.entries(layers)) {
  Deno.test(`${name} follows from seed and step, and rests in inference`, () => {
    const layer = make({});
    assert.deepEqual(changed(layer, few), changed(layer, few));
    assert.notDeepEqual(changed(layer, few, { seed: 43 }), changed(layer, few));
    assert.notDeepEqual(changed(layer, few, { step: 1 }), changed(layer, few));
    const own = make({ seed: 7 });
    assert.deepEqual(changed(own, few, { seed: 43 }), changed(own, few));
    if (name !== "randomCrop") assert.equal(layer.apply({}, few, new TestContext(false)), few);
    assert.throws(() => layer.init([4, 5], nn.namedKey(1, "x")), ShapeError);
  });
}

await testOnDevices("the same seed gives the same pictures on every device", async (device) => {
  const constants = constantContext();
  const tensors = Object.values(layers).flatMap((make) => {
    const y = make({}).apply({}, few, constants);
    return [y, ...gradients(y.square(), [few])];
  });
  const expected = evaluateReference(tensors);
  const found = await evaluateOn(device, tensors);
  tensors.forEach((_, at) => assertClose(found[at], expected[at].data, 1e-4, `${at}`));
});

Deno.test("wrap and reflect are samples of a picture with its copies around it", () => {
  const [height, width] = [3, 4];
  const image = pictures([1, height, width, 1]);
  const points = [1, 5, 8];
  const coordinates = (size: number) =>
    tensor(Array.from({ length: 40 }, () => -size + 3 * size * random() * 0.99), { shape: points });
  const [y, column] = [coordinates(height), coordinates(width)];
  const flipped = (x: Tensor, axis: 1 | 2) => {
    const size = x.shape[axis];
    const parts = Array.from(
      { length: size },
      (_, at) => slice(x, [0, 0, 0, 0].with(axis, size - 1 - at), x.shape.with(axis, size - at)),
    );
    return concat(parts, axis);
  };
  const same = (x: Tensor) => x;
  for (const [fillMode, copy] of [["wrap", same], ["reflect", flipped]] as const) {
    const tall = concat([copy(image, 1), image, copy(image, 1)], 1);
    const all = concat([copy(tall, 2), tall, copy(tall, 2)], 2);
    const expected = sampleImage(all, y.add(height), column.add(width), { fillMode: "nearest" });
    const inner = valuesOf(sampleImage(image, y, column, { fillMode }));
    const [rows, columns] = [valuesOf(y), valuesOf(column)];
    valuesOf(expected).forEach((value, at) => {
      // Beside the outermost pixels of the copies, too, there would be copies.
      if (rows[at] > 2 * height - 1 || columns[at] > 2 * width - 1) return;
      assert.ok(Math.abs(inner[at] - value) < 1e-6, `${fillMode} at ${rows[at]}, ${columns[at]}`);
    });
  }
});

Deno.test("coordinates that are no numbers, or far away, do no harm", () => {
  const image = pictures([1, 3, 3, 1]);
  const far = tensor([[[1e30, -1e30, 3e9, 1]]]);
  for (const fillMode of ["reflect", "wrap", "constant", "nearest"] as const) {
    const found = valuesOf(sampleImage(image, far, far, { fillMode, fillValue: 0.5 }));
    assert.ok(found.every((value) => value >= 0 && value <= 1), `${found}`);
  }
});
