/** RandAugment and AugMix: every picture against the formula of the change that was drawn for it. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { gammaDraws } from "../../../core/nn/layers/augmentation/gamma_draws.ts";
import { augMix, namedKey, randAugment, tensor, uniform } from "../../../mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { TestContext } from "./context.ts";
import {
  blurredAround,
  drawn as drawnAt,
  equalizedBy,
  type Picture,
  randomPictures,
} from "./pictures.ts";

const [count, height, width, channels] = [240, 5, 6, 3];
const [black, white] = [-1, 1];
const pictures = randomPictures(count, [height, width, channels], 21, (value) => value * 2 - 1);
const outside = 0.25;
const drawn = (at: (y: number, x: number, c: number) => number) =>
  drawnAt([height, width, channels], at);

/** Four pixels around a place, weighted by how near they are. */
function between(picture: Picture, y: number, x: number, c: number): number {
  let sum = 0;
  for (const [p, down] of [[Math.floor(y), 0], [Math.floor(y) + 1, 1]]) {
    for (const [q, right] of [[Math.floor(x), 0], [Math.floor(x) + 1, 1]]) {
      const [v, u] = [y - Math.floor(y), x - Math.floor(x)];
      const share = (down ? v : 1 - v) * (right ? u : 1 - u);
      sum += share * (picture[p]?.[q]?.[c] ?? outside);
    }
  }
  return sum;
}

/** A picture whose pixel at a place, from the middle, comes from another place. */
const moved = (picture: Picture, from: (v: number, u: number) => [number, number]) =>
  drawn((y, x, c) => {
    const [v, u] = from(y - (height - 1) / 2, x - (width - 1) / 2);
    return between(picture, v + (height - 1) / 2, u + (width - 1) / 2, c);
  });
const cut = (value: number) => Math.min(white, Math.max(black, value));
const mean = (values: number[]) => values.reduce((sum, value) => sum + value) / values.length;

/** The changes, in the order in which they are drawn. */
const changes: ((picture: Picture, a: number) => Picture)[] = [
  (picture) => picture,
  (picture, a) => moved(picture, (v, u) => [v, u + 0.3 * a * v]),
  (picture, a) => moved(picture, (v, u) => [v + 0.3 * a * u, u]),
  (picture, a) => moved(picture, (v, u) => [v, u + 0.45 * a * width]),
  (picture, a) => moved(picture, (v, u) => [v + 0.45 * a * height, u]),
  (picture, a) => {
    const turn = a * Math.PI / 6;
    return moved(picture, (v, u) => [
      Math.cos(turn) * v + Math.sin(turn) * u,
      Math.cos(turn) * u - Math.sin(turn) * v,
    ]);
  },
  (picture, a) => drawn((y, x, c) => cut(picture[y][x][c] + 0.9 * a * 2)),
  (picture, a) => {
    const middle = [0, 1, 2].map((c) => mean(picture.flat().map((pixel) => pixel[c])));
    return drawn((y, x, c) => cut(middle[c] + (picture[y][x][c] - middle[c]) * (1 + 0.9 * a)));
  },
  (picture, a) =>
    drawn((y, x, c) => {
      const grey = mean(picture[y][x]);
      return cut(grey + (picture[y][x][c] - grey) * (1 + 0.9 * a));
    }),
  (picture, a) => {
    const smooth = blurredAround(picture);
    return drawn((y, x, c) =>
      cut(smooth[y][x][c] + (picture[y][x][c] - smooth[y][x][c]) * (1 + 0.9 * a))
    );
  },
  (picture, a) =>
    drawn((y, x, c) =>
      picture[y][x][c] > 1 - Math.abs(a) * 2 ? -picture[y][x][c] : picture[y][x][c]
    ),
  (picture, a) => {
    const step = 2 ** Math.round(Math.abs(a) * 4);
    // What is less than a thousandth below a level has only been rounded.
    const steps = (value: number) => Math.floor(((value + 1) * 127.5 + 1e-3) / step);
    return drawn((y, x, c) => steps(picture[y][x][c]) * step / 127.5 - 1);
  },
  (picture) => {
    const values = [0, 1, 2].map((c) => picture.flat().map((pixel) => pixel[c]));
    const [low, high] = [Math.min, Math.max].map((most) => values.map((each) => most(...each)));
    return drawn((y, x, c) => (picture[y][x][c] - low[c]) / (high[c] - low[c]) * 2 - 1);
  },
  (picture) => equalizedBy(picture, black, white),
];

Deno.test("two turns send each picture through the changes that are drawn for it", () => {
  const factor = 0.8;
  const layer = randAugment({
    valueRange: [black, white],
    factor,
    fillMode: "constant",
    fillValue: outside,
  });
  const context = new TestContext(true);
  const y = layer.apply({}, tensor(pictures), context);
  const numbers = ["kind_0", "amount_0", "kind_1", "amount_1"].map((name) =>
    uniform(context.randomKey(name), [count], context.counter)
  );
  const [found, ...draws] = evaluateReference([y, ...numbers], context.bindings(7))
    .map(({ data }) => data);
  const times = changes.map(() => 0);
  const size = height * width * channels;
  pictures.forEach((picture, n) => {
    let expected = picture;
    const chosen = [0, 1].map((turn) => {
      const kind = Math.floor(draws[2 * turn][n] * changes.length);
      times[kind]++;
      expected = changes[kind](expected, (draws[2 * turn + 1][n] * 2 - 1) * factor);
      return kind;
    });
    const most = expected.flat(2).reduce(
      (most, value, at) => Math.max(most, Math.abs(value - found[n * size + at])),
      0,
    );
    assert(most < 1e-5, `picture ${n}, changes ${chosen}: ${most} apart`);
  });
  const share = 2 * count / changes.length;
  assert(times.every((each) => Math.abs(each - share) < 5 * Math.sqrt(share)), `${times}`);
});

/** Random numbers of a step, as layers draw them. */
function drawsOf(context: TestContext, pictures: number) {
  return {
    uniform: (name: string) => uniform(context.randomKey(name), [pictures, 1, 1], context.counter),
    key: (name: string) => context.randomKey(name),
    counter: context.counter,
  };
}

Deno.test("numbers of a gamma distribution have its mean, its variance and its quantiles", () => {
  for (const alpha of [0.1, 1, 3.5, 10]) {
    const context = new TestContext(true);
    const y = gammaDraws(alpha)(drawsOf(context, 20000), "weight");
    const values = [...evaluateReference([y], context.bindings())[0].data];
    const middle = mean(values);
    const variance = mean(values.map((value) => (value - middle) ** 2));
    assert(Math.abs(middle - alpha) < 5 * Math.sqrt(alpha / 20000), `${alpha}: mean ${middle}`);
    // The fourth moment of Gamma(α) is 3α² + 6α.
    const deviation = Math.sqrt((2 * alpha ** 2 + 6 * alpha) / 20000);
    assert(Math.abs(variance - alpha) < 5 * deviation, `${alpha}: variance ${variance}`);
    if (alpha !== 1) continue;
    for (const quantile of [0.1, 0.5, 0.9, 0.99]) {
      const below = values.filter((value) => value < -Math.log(1 - quantile)).length / 20000;
      assert(Math.abs(below - quantile) < 5 * Math.sqrt(quantile * (1 - quantile) / 20000));
    }
  }
});

await testOnDevices("chains are mixed with what each picture becomes by them", async (device) => {
  const few = pictures.slice(0, 60);
  const [factor, alpha] = [0.8, 0.5];
  // Kernels take a software adapter long to compile.
  const [depth, ways] = device.device === "webgpu" ? [1, [false]] : [2, [true, false]];
  const context = Object.assign(new TestContext(true), {
    counter: tensor(5, { dtype: "u32" }),
    randomKey: (name: string) => {
      const { key0, key1 } = namedKey(42, name);
      return { key0: tensor(key0, { dtype: "u32" }), key1: tensor(key1, { dtype: "u32" }) };
    },
  });
  const draws = drawsOf(context, few.length);
  const valuesOf = (x: ReturnType<typeof draws.uniform>) => evaluateReference([x])[0].data;
  for (const allOps of ways) {
    const options = { valueRange: [black, white] as const, fillMode: "constant" as const };
    const layer = augMix({
      ...{ ...options, fillValue: outside, factor, alpha, allOps },
      ...{ numChains: 2, chainDepth: depth },
    });
    const [found] = await evaluateOn(device, [layer.apply({}, tensor(few), context)]);
    const known = new Map<string, ArrayLike<number>>();
    const number = (name: string, n: number) => {
      if (!known.has(name)) known.set(name, valuesOf(draws.uniform(name)));
      return known.get(name)![n];
    };
    const gammaOf = (name: string) => valuesOf(gammaDraws(alpha)(draws, name));
    const shares = [0, 1].map((chain) => gammaOf(`weight_${chain}`));
    const [own, other] = [gammaOf("own"), gammaOf("other")];
    const kinds = allOps ? changes : [...changes.slice(0, 6), ...changes.slice(10)];
    const expected = few.flatMap((picture, n) => {
      const made = [0, 1].map((chain) =>
        [0, 1].slice(0, depth).reduce((changed, place) => {
          const kind = Math.floor(number(`kind_${chain}_${place}`, n) * kinds.length);
          return kinds[kind](changed, (number(`amount_${chain}_${place}`, n) * 2 - 1) * factor);
        }, picture)
      );
      const m = own[n] / (own[n] + other[n]);
      const total = shares[0][n] + shares[1][n];
      return drawn((y, x, c) => {
        const mixed = made.reduce((sum, one, chain) => sum + one[y][x][c] * shares[chain][n], 0);
        return cut(m * picture[y][x][c] + (1 - m) * mixed / total);
      }).flat(2);
    });
    // In float32 a value may fall to the other side of a step.
    const apart = expected.filter((value, at) => !(Math.abs(value - found[at]) < 1e-4)).length;
    const most = device.device === "reference" ? 0 : expected.length / 500;
    assert(apart <= most, `${apart} of ${expected.length} values are apart`);
  }
});

Deno.test("a picture of one value stays as it is, a factor of 0 moves nothing", () => {
  const plain = tensor(new Float32Array(60 * 8).fill(0.5), { shape: [60, 2, 2, 2] });
  const context = new TestContext(true);
  const y = randAugment({ valueRange: [0, 1], factor: 0, numOps: 3 }).apply({}, plain, context);
  const { data } = evaluateReference([y], context.bindings())[0];
  // Posterizing by a factor of 0 still makes whole steps of 1/255.
  assert(data.every((value) => Math.abs(value - 0.5) < 1 / 255), `${data.slice(0, 8)}`);
});

Deno.test("options out of range are refused", () => {
  assert.throws(() => randAugment({ numOps: 0 }), /the numOps of randAugment.*received 0/);
  assert.throws(() => randAugment({ factor: 1.5 }), /factor of randAugment.*1.5/);
  assert.throws(() => augMix({ alpha: 0 }), /alpha of augMix.*received 0/);
  assert.throws(() => augMix({ chainDepth: 0.5 }), /the chainDepth of augMix.*received 0.5/);
  assert.throws(() => randAugment({ valueRange: [1, 0] }), /valueRange must be .*received \[1,0\]/);
  assert.throws(() => randAugment({ fillMode: "white" as "wrap" }), /fillMode must be one of/);
});
