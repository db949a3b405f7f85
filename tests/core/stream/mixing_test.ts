/** mixUp and cutMix: shares of a Beta distribution, targets that fit the inputs, on every device. */
import assert from "node:assert/strict";
import { firstValueFrom, lastValueFrom, mergeMap, toArray } from "rxjs";
import {
  arrays,
  backward,
  categoricalCrossentropy,
  classWeight,
  cutMix,
  dense,
  type DeviceOptions,
  fit,
  flatten,
  forward,
  input,
  loss,
  miniBatches,
  mixUp,
  sequential,
  sgd,
  update,
} from "../../../mod.ts";
import type { MixingOptions } from "../../../mod.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { testOnDevices } from "../../devices.ts";

const samples = 600;
const classes = 5;
/** Sample n is the number n, of class n mod 5; rows of both. */
const numbers = arrays(
  Array.from({ length: samples }, (_, n) => [n]),
  Array.from({ length: samples }, (_, n) => {
    return Array.from({ length: classes }, (_, id) => Number(id === n % classes));
  }),
);

/** Inputs and targets of mixed batches, as arrays. */
async function mixed(
  options: DeviceOptions,
  mixing: MixingOptions = {},
  { seed = 1, epochs = 2 } = {},
) {
  const steps = miniBatches(numbers, {
    batchSize: samples,
    shuffle: false,
    seed,
    epochs,
    ...options,
  }).pipe(
    mixUp(mixing),
    mergeMap(({ x, y }) => Promise.all([x.data(), y.data()])),
    toArray(),
  );
  return (await lastValueFrom(steps)).map(([x, y]) => [Array.from(x), Array.from(y)]);
}

/** How far each sample's number was moved, and to which place; by the distance of its partner. */
function sharesOf(values: readonly number[], targets: readonly number[]) {
  // x = λ n + (1 − λ) (n + places mod 600): the share follows from two samples that do not wrap.
  return values.map((value, n) => ({
    moved: value - n,
    own: targets[n * classes + n % classes],
  }));
}

Deno.test("mixUp has shares of Beta(α, α), and mixes targets as inputs", async () => {
  for (const [alpha, variance] of [[0.2, 1 / (4 * 1.4)], [1, 1 / 12], [4, 1 / 36]]) {
    const [[values, targets]] = await mixed({ device: "reference" }, { alpha });
    const rows = sharesOf(values, targets).slice(0, 300);
    for (let n = 0; n < samples; n++) {
      const row = targets.slice(n * classes, (n + 1) * classes);
      assert.ok(Math.abs(row.reduce((sum, part) => sum + part, 0) - 1) < 1e-6);
    }
    // All partners stand equally far away: where it is no multiple of 5, targets show the shares.
    const { moved, own } = rows.find(({ moved, own }) => Math.abs(moved) > 1 && own < 1)!;
    const places = Math.round(moved / (1 - own));
    const shares = rows.filter((_, n) => n + places < samples && n + places >= 0)
      .map(({ moved }) => 1 - moved / places);
    rows.slice(0, shares.length).forEach(({ own }, n) => {
      if (places % classes !== 0) assert.ok(Math.abs(own - shares[n]) < 1e-5);
    });
    assert.ok(shares.length > 100 && shares.every((share) => share > -1e-6 && share < 1 + 1e-6));
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const spread = shares.reduce((sum, share) => sum + (share - 0.5) ** 2, 0) / shares.length;
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(variance / shares.length), `mean ${mean}`);
    // The variance of (x − ½)² is below variance · ¼.
    const error = 5 * Math.sqrt(variance / 4 / shares.length);
    assert.ok(Math.abs(spread - variance) < error, `α ${alpha}: ${spread} for ${variance}`);
  }
});

Deno.test("the table of quantiles is that of the Beta distribution", async () => {
  // Beta(½, ½) is the arcsine law, Beta(2, 2) has the distribution function 3x² − 2x³: shares put
  // through it are even. Partners stand at one distance, which divides what a sample was moved by.
  const laws: [number, (x: number) => number][] = [
    [0.5, (x) => 2 / Math.PI * Math.asin(Math.sqrt(x))],
    [2, (x) => 3 * x ** 2 - 2 * x ** 3],
  ];
  for (const [alpha, law] of laws) {
    const [[values, targets]] = await mixed({ device: "reference" }, { alpha }, { seed: 3 });
    const rows = sharesOf(values, targets);
    const { moved, own } = rows.find(({ moved, own }) => Math.abs(moved) > 1 && own < 0.9)!;
    const places = Math.round(moved / (1 - own));
    const even = rows.filter((_, n) => n + places < samples && n + places >= 0)
      .map(({ moved }) => law(Math.min(1, Math.max(0, 1 - moved / places)))).sort((a, b) => a - b);
    // Kolmogorov and Smirnov: the largest distance of the distribution functions, at 0.1 %.
    const distance = Math.max(
      ...even.map((value, at) => Math.abs(value - (at + 0.5) / even.length)),
    );
    assert.ok(
      distance < 1.95 / Math.sqrt(even.length) + 0.5 / even.length,
      `${alpha}: ${distance}`,
    );
  }
});

Deno.test("mixUp is new at each step and for each seed, and the same for the same one", async () => {
  const options = { device: "reference" } as const;
  const [first, second] = await mixed(options);
  assert.notDeepEqual(first, second);
  assert.deepEqual(await mixed(options), [first, second]);
  assert.notDeepEqual((await mixed(options, {}, { seed: 2 }))[0], first);
  const own = await mixed(options, { seed: 7 });
  assert.deepEqual(await mixed(options, { seed: 7 }, { seed: 2 }), own);
});

const expected = mixed({ device: "reference" });
await testOnDevices("mixUp mixes the same on every device", async (options) => {
  const found = await mixed(options);
  (await expected).forEach((parts, step) =>
    parts.forEach((values, part) =>
      values.forEach((value, at) => {
        const difference = Math.abs(value - found[step][part][at]);
        assert.ok(difference < 1e-4 * Math.max(1, samples / 2 * (1 - part)), `${difference}`);
      })
    )
  );
});

/** Pictures of one number each, and their classes. */
const pictures = arrays(
  Array.from(
    { length: 40 },
    (_, n) => Array.from({ length: 8 }, () => Array.from({ length: 6 }, () => [n, -n])),
  ),
  Array.from({ length: 40 }, (_, n) => [Number(n % 2 === 0), Number(n % 2 === 1)]),
);

await testOnDevices(
  "cutMix pastes rectangles, and mixes targets by their pixels",
  async (options) => {
    const [x, y] = await firstValueFrom(
      miniBatches(pictures, { batchSize: 40, shuffle: false, seed: 5, ...options }).pipe(
        cutMix(),
        mergeMap(({ x, y }) => Promise.all([x.data(), y.data()])),
      ),
    );
    const places = new Set<number>();
    let pasted = 0;
    for (let n = 0; n < 40; n++) {
      const pixels = Array.from({ length: 48 }, (_, at) => x[n * 96 + 2 * at]);
      pixels.forEach((value, at) =>
        assert.equal(x[n * 96 + 2 * at + 1] + value, 0, "both channels")
      );
      const others = pixels.flatMap((value, at) => value === n ? [] : [at]);
      if (others.length > 0) {
        const rows = new Set(others.map((at) => Math.floor(at / 6)));
        const columns = new Set(others.map((at) => at % 6));
        assert.equal(others.length, rows.size * columns.size, "a rectangle");
        assert.equal(new Set(others.map((at) => pixels[at])).size, 1, "of one picture");
        places.add((pixels[others[0]] - n + 40) % 40);
        pasted++;
      }
      const share = places.size > 0 && [...places][0] % 2 === 1 ? 1 - others.length / 48 : 1;
      assert.ok(Math.abs(y[n * 2 + n % 2] - share) < 1e-6, `${y[n * 2 + n % 2]} for ${share}`);
    }
    assert.equal(places.size, 1, "partners stand equally far away");
    assert.ok(pasted > 20);
  },
);

Deno.test("a step with mixUp and cutMix is planned once", async () => {
  using device = new TestCpu(1);
  const model = sequential([input([8, 6, 2]), flatten(), dense(2)]);
  const steps = miniBatches(pictures, { epochs: 30, batchSize: 40, device }).pipe(
    mixUp({ alpha: 0.4 }),
    cutMix({ seed: 2 }),
    forward(model),
    loss(categoricalCrossentropy({ fromLogits: true })),
    backward(),
    update(sgd()),
  );
  await lastValueFrom(steps);
  assert.equal(device.plans.length, 1);
});

Deno.test("fit takes operators on batches, and mixes behind the weights of classes", async () => {
  const trained = async (piped: boolean) => {
    const model = sequential([input([1]), dense(classes)], { seed: 2 });
    const run = { batchSize: 100, epochs: 2, seed: 3, device: "cpu", threads: 1 } as const;
    const weights = { 1: 3 };
    const lossOfRows = categoricalCrossentropy({ fromLogits: true });
    if (!piped) {
      await lastValueFrom(fit(model, numbers, {
        ...run,
        loss: lossOfRows,
        optimizer: sgd({ learningRate: 1e-4 }),
        classWeight: weights,
        batchOperators: [mixUp({ alpha: 1 })],
      }));
    } else {
      await lastValueFrom(
        miniBatches(numbers, run).pipe(
          classWeight(weights),
          mixUp({ alpha: 1 }),
          forward(model),
          loss(lossOfRows),
          backward(),
          update(sgd({ learningRate: 1e-4 })),
        ),
      );
    }
    return Array.from(model.parameters[0].value);
  };
  assert.deepEqual(await trained(false), await trained(true));
});

Deno.test("sample weights are mixed, too", async () => {
  const weighted = arrays([[0], [1]], [[1], [0]], { sampleWeight: [1, 3] });
  const steps = miniBatches(weighted, { device: "reference", shuffle: false }).pipe(
    mixUp({ alpha: 1 }),
    mergeMap(({ x, sampleWeight }) => Promise.all([x.data(), sampleWeight!.data()])),
  );
  const [x, weights] = await lastValueFrom(steps);
  x.forEach((part, at) => assert.ok(Math.abs(weights[at] - (1 + 2 * part)) < 1e-6));
});

Deno.test("what cannot be mixed is refused", async () => {
  assert.throws(() => mixUp({ alpha: 0 }), /alpha of mixUp .* from 0\.001 to 10: received 0/);
  assert.throws(() => cutMix({ alpha: 11 }), /alpha of cutMix .*received 11/);
  const labels = miniBatches(arrays([[1], [2]], [0, 1], { classes: 2 }), { device: "reference" });
  await assert.rejects(lastValueFrom(labels.pipe(mixUp())), /one-hot rows .*received \[2\]/);
  const flat = miniBatches(arrays([[1], [2]], [[0], [1]]), { device: "reference" });
  await assert.rejects(
    lastValueFrom(flat.pipe(cutMix())),
    /inputs must be \[batch, height, width, channels\]: received \[2, 1\]/,
  );
});
