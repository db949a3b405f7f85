/** Layers that change the values of pictures: against formulas in float64, on every device. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { ShapeError } from "../../../core/graph/errors.ts";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, tensor, uniform } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { constantContext, TestContext, valuesOf } from "./context.ts";
import { blurredAround, drawn, equalizedBy, type Picture, randomPictures } from "./pictures.ts";

const [count, height, width] = [24, 5, 6];
const shape = [height, width, 3];
// Values of eight bits, from −1 to 1: nothing is on the edge of rounding.
const [black, white] = [-1, 1];
const valueRange = [black, white] as const;
const pictures = randomPictures(count, shape, 5, (value) => Math.floor(value * 256) / 127.5 - 1);
// Grey, one of a single color, and one that is black.
pictures[0] = drawn(shape, (y, x) => pictures[0][y][x][0]);
pictures[1] = drawn(shape, (_y, _x, c) => [191, 96, 128][c] / 127.5 - 1);
pictures[2] = drawn(shape, () => black);
const cut = (value: number) => Math.min(white, Math.max(black, value));
const share = (value: number) => (value - black) / (white - black);
const value = (part: number) => black + Math.min(1, Math.max(0, part)) * (white - black);
const grey = ([r, g, b]: number[]) => 0.2989 * r + 0.587 * g + 0.114 * b;
const mean = (values: number[]) => values.reduce((sum, each) => sum + each) / values.length;
const values = (picture: Picture, change: (value: number) => number) =>
  picture.map((row) => row.map((pixel) => pixel.map(change)));

/** Red, green and blue by the textbook's conversion to hue, saturation and value, and back. */
function recolored(
  picture: Picture,
  change: (h: number, s: number, v: number) => [number, number, number],
): Picture {
  return picture.map((row) =>
    row.map((pixel) => {
      const [r, g, b] = pixel.map(share);
      const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
      const chroma = most - least;
      let degrees = 0;
      if (chroma > 0 && most === r) degrees = 60 * ((g - b) / chroma);
      else if (chroma > 0 && most === g) degrees = 60 * ((b - r) / chroma + 2);
      else if (chroma > 0) degrees = 60 * ((r - g) / chroma + 4);
      const [hue, s, v] = change(degrees / 360, most > 0 ? chroma / most : 0, most);
      const turn = ((hue % 1) + 1) % 1 * 6;
      const c = v * s;
      const second = c * (1 - Math.abs(turn % 2 - 1));
      const sixths = [
        ...[[c, second, 0], [second, c, 0], [0, c, second]],
        ...[[0, second, c], [second, 0, c], [c, 0, second]],
      ];
      return sixths[Math.floor(turn) % 6].map((part) => value(part + v - c));
    })
  );
}

const brighter = (picture: Picture, u: number) =>
  values(picture, (each) => cut(each + (u * 0.4 - 0.2) * (white - black)));
const contrasted = (picture: Picture, u: number) => {
  const means = [0, 1, 2].map((c) => mean(picture.flat().map((pixel) => pixel[c])));
  const strength = 0.7 + 0.6 * u;
  return drawn(shape, (y, x, c) => cut(means[c] + (picture[y][x][c] - means[c]) * strength));
};
const saturated = (picture: Picture, u: number) => {
  const factor = 0.2 + u * 0.6;
  return recolored(picture, (h, s, v) => [h, Math.min(1, s * factor / (1 - factor + 1e-7)), v]);
};
const turnedBy = (picture: Picture, u: number, side: number) =>
  recolored(picture, (h, s, v) => [h + (side < 0.5 ? -1 : 1) * u * 0.8 / 2, s, v]);

interface Case {
  layer: (options: { seed?: number }) => nn.Layer;
  /** Names of the numbers that it draws. */
  draws: string[];
  formula: (picture: Picture, ...numbers: number[]) => Picture;
}

const cases: Record<string, Case> = {
  randomSharpness: {
    layer: (options) => nn.randomSharpness([0.1, 0.9], { valueRange, ...options }),
    draws: ["sharpness"],
    formula: (picture, u) => {
      const smooth = blurredAround(picture);
      const amount = 2 * (0.1 + 0.8 * u);
      return drawn(
        shape,
        (y, x, c) => cut(smooth[y][x][c] + (picture[y][x][c] - smooth[y][x][c]) * amount),
      );
    },
  },
  randomPosterization: {
    layer: (options) => nn.randomPosterization([2, 7], { valueRange, ...options }),
    draws: ["bits"],
    formula: (picture, u) => {
      const step = 2 ** Math.floor(1 + 6 * u);
      return values(
        picture,
        (each) => value(Math.floor(Math.round(share(each) * 255) / step) * step / 255),
      );
    },
  },
  randomGrayscale: {
    layer: (options) => nn.randomGrayscale(0.5, options),
    draws: ["threshold"],
    formula: (picture, u) =>
      drawn(shape, (y, x, c) => u < 0.5 ? grey(picture[y][x]) : picture[y][x][c]),
  },
  randomInvert: {
    layer: (options) => nn.randomInvert([0.4, 0.8], { valueRange: [-1, 3], ...options }),
    draws: ["threshold", "chance"],
    formula: (picture, u, p) => values(picture, (each) => u < 0.4 + 0.4 * p ? 2 - each : each),
  },
  randomColorDegeneration: {
    layer: (options) => nn.randomColorDegeneration(0.8, { valueRange, ...options }),
    draws: ["degeneration"],
    formula: (picture, u) =>
      drawn(shape, (y, x, c) => {
        const dull = grey(picture[y][x]);
        return cut(picture[y][x][c] + 0.8 * u * (dull - picture[y][x][c]));
      }),
  },
  randomHue: {
    layer: (options) => nn.randomHue(0.8, { valueRange, ...options }),
    draws: ["hue", "hue_side"],
    formula: turnedBy,
  },
  randomSaturation: {
    layer: (options) => nn.randomSaturation([0.2, 0.8], { valueRange, ...options }),
    draws: ["saturation"],
    formula: saturated,
  },
  randomColorJitter: {
    layer: (options) =>
      nn.randomColorJitter({
        ...{ brightnessFactor: 0.2, contrastFactor: 0.3, saturationFactor: [0.2, 0.8] as const },
        ...{ hueFactor: 0.8, valueRange, ...options },
      }),
    draws: ["brightness", "contrast", "saturation", "hue", "hue_side"],
    formula: (picture, brightness, contrast, saturation, hue, side) =>
      turnedBy(
        saturated(contrasted(brighter(picture, brightness), contrast), saturation),
        hue,
        side,
      ),
  },
  solarization: {
    layer: (options) =>
      nn.solarization({
        ...{ additionFactor: 0.25, thresholdFactor: [0.25, 0.75], valueRange, ...options },
      }),
    draws: ["addition", "threshold"],
    formula: (picture, a, t) =>
      values(picture, (each) => {
        const part = Math.min(1, share(each) + 0.25 * a);
        return value(part < 0.25 + 0.5 * t ? part : 1 - part);
      }),
  },
  autoContrast: {
    layer: () => nn.autoContrast({ valueRange }),
    draws: [],
    formula: (picture) => {
      const each = [0, 1, 2].map((c) => picture.flat().map((pixel) => pixel[c]));
      return drawn(shape, (y, x, c) => {
        const [low, high] = [Math.min(...each[c]), Math.max(...each[c])];
        return high > low ? value((picture[y][x][c] - low) / (high - low)) : picture[y][x][c];
      });
    },
  },
  equalization: {
    layer: () => nn.equalization({ valueRange }),
    draws: [],
    formula: (picture) => equalizedBy(picture, black, white),
  },
  "equalization of 20 bins": {
    layer: () => nn.equalization({ valueRange, bins: 20 }),
    draws: [],
    formula: (picture) => equalizedBy(picture, black, white, 20),
  },
};

const x = tensor(pictures);

const constants = constantContext();

// Kernels take a software adapter long to compile; the others are of these layers' ops.
const few = ["randomColorJitter", "randomPosterization", "equalization"];

await testOnDevices("every layer's pictures are those of its formula", async (device) => {
  const chosen = device.device === "webgpu" ? few.map((name) => [name, cases[name]] as const) : [
    ...Object.entries(cases),
  ];
  const names = chosen.flatMap(([, { draws }]) => draws);
  const numbers = evaluateReference(
    names.map((name) => uniform(constants.randomKey(name), [count], constants.counter)),
  );
  const outputs = chosen.map(([, { layer }]) => layer({}).apply({}, x, constants));
  const found = await evaluateOn(device, outputs);
  chosen.forEach(([name, { draws, formula }], place) => {
    const own = numbers.splice(0, draws.length);
    const expected = pictures.map((picture, n) =>
      formula(picture, ...own.map(({ data }) => data[n]))
    );
    assertClose(found[place], expected.flat(3), 3e-5, name);
  });
});

await testOnDevices("gradients are the same on every device", async (device) => {
  const names = device.device === "webgpu" ? few : Object.keys(cases);
  const slopes = names.map((name) => {
    const y = cases[name].layer({}).apply({}, x, constants);
    return gradients(y.square(), [x])[0];
  });
  const expected = evaluateReference(slopes);
  const found = await evaluateOn(device, slopes);
  slopes.forEach((_, at) => assertClose(found[at], expected[at].data, 2e-3, `${at}`));
});

for (const [name, { layer, draws }] of Object.entries(cases)) {
  Deno.test(`${name} follows from seed and step, and has a place in models`, () => {
    const changed = (made: nn.Layer, { seed = 42, step = 0, training = true } = {}) => {
      const context = new TestContext(training, seed);
      return valuesOf(made.apply({}, x, context), context.bindings(step));
    };
    const made = layer({});
    const first = changed(made);
    assert.deepEqual(changed(made), first);
    assert.throws(() => made.init([4, 5], nn.namedKey(1, "x")), ShapeError);
    if (draws.length === 0) return assert.deepEqual(changed(made, { training: false }), first);
    assert.notDeepEqual(changed(made, { seed: 43 }), first);
    assert.notDeepEqual(changed(made, { step: 1 }), first);
    const own = layer({ seed: 7 });
    assert.deepEqual(changed(own, { seed: 43 }), changed(own));
    assert.equal(made.apply({}, x, new TestContext(false)), x);
  });
}

Deno.test("equalization takes pictures of any size, and ties go as in the formula", () => {
  // 63 pixels besides the darkest: quotients of halves and of all other kinds.
  const large = randomPictures(4, [8, 8, 1], 9, (random) => Math.floor(random * 12) * 20);
  const y = nn.equalization().apply({}, tensor(large), new TestContext());
  const expected = large.map((picture) => equalizedBy(picture, 0, 255));
  assert.deepEqual(valuesOf(y).map(Math.round), expected.flat(3).map(Math.round));
});

Deno.test("colors are asked for, and options out of range are refused", () => {
  assert.throws(
    () => nn.sequential([nn.input([4, 4, 1]), nn.randomHue(0.5)]),
    /random_hue_1: expected pictures of 3 channels, red, green and blue, got shape \[4, 4, 1\]/,
  );
  assert.throws(() => nn.randomHue(-0.5), /factor of randomHue .*received -0.5/);
  assert.throws(() => nn.randomSharpness(1.5), /factor of randomSharpness .*1.5/);
  assert.throws(() => nn.randomPosterization(9), /factor of randomPosterization .*9/);
  assert.throws(() => nn.randomPosterization(2.5), /the bits of randomPosterization .*2.5/);
  assert.throws(() => nn.randomGrayscale(2), /factor of randomGrayscale .*2/);
  assert.throws(() => nn.equalization({ bins: 1 }), /the bins of equalization .*received 1/);
  assert.throws(() => nn.solarization({ additionFactor: 2 }), /additionFactor of solarization/);
  assert.throws(() => nn.autoContrast({ valueRange: [1, 0] }), /valueRange must be/);
  assert.throws(() => nn.randomColorJitter({ hueFactor: 2 }), /hueFactor of randomColorJitter/);
});
