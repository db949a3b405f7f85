import assert from "node:assert/strict";
import { from, of } from "rxjs";
import {
  choice,
  float,
  integer,
  type ParameterValues,
  randomSearch,
  type Sampler,
  search,
  type SearchParameters,
  type Space,
  tpe,
  type TpeOptions,
  type TrialRecord,
  when,
} from "../../../core/search/mod.ts";
import { partTrials } from "../../../core/search/tpe.ts";
import { all, losses, median, trialOf } from "./helpers.ts";

const numbers = (trials: readonly TrialRecord[]) => trials.map(({ number }) => number);

Deno.test("good trials are the best complete ones, then the pruned ones that came furthest", () => {
  const trials = [
    trialOf(1, [5, 3]),
    trialOf(2, [1, 9], { state: "pruned" }),
    trialOf(3, [2, 2]),
    trialOf(4, [1], { state: "pruned" }),
    trialOf(5, [9, 8], { state: "pruned" }),
    trialOf(6, [9, NaN], { state: "pruned" }),
    trialOf(7, [0.5], { state: "pruned" }),
    trialOf(8, [], { state: "pruned" }),
    trialOf(9, [2, 4]),
  ];
  // The order: 3, 9 (both 2), 1, 5 (8 at epoch 2), 2 (9 there), 6 (NaN), 7, 4, 8.
  const order = [3, 9, 1, 5, 2, 6, 7, 4, 8];
  for (let count = 0; count <= 9; count++) {
    const { good, rest } = partTrials(trials, count, "min");
    assert.deepEqual(numbers(good), order.slice(0, count).sort());
    assert.deepEqual(numbers(rest), order.slice(count).sort());
  }
  const rising = [1, 5, 3].map((value, place) => trialOf(place + 1, [value]));
  assert.deepEqual(numbers(partTrials(rising, 1, "max").good), [2]);
});

const line = { x: float(0, 1) };
const request = (trials: readonly TrialRecord[], number = trials.length + 1) => (
  { number, seed: 7, direction: "min" as const, trials }
);

Deno.test("the first trials are those of random search, until ten have ended", () => {
  const [bayes, random] = [tpe()(line), randomSearch()(line)];
  const trials = Array.from(
    { length: 10 },
    (_, place) => trialOf(place + 1, [place], { parameters: { x: 0.9 - place / 20 } }),
  );
  for (let count = 0; count < 10; count++) {
    assert.deepEqual(bayes(request(trials.slice(0, count))), random(request([], count + 1)));
  }
  assert.notDeepEqual(bayes(request(trials)), random(request([], 11)));
  // Failed and running ones do not count.
  const failed = [...trials.slice(1), trialOf(11, [], { state: "failed" })];
  assert.deepEqual(bayes(request(failed, 11)), random(request([], 11)));
});

Deno.test("what is chosen has the best ratio of the densities, by the defaults", () => {
  // 40 trials, the first 20 below 0.5, which is best; the weights of the 36 others begin at 1 / 36.
  const trials = Array.from({ length: 40 }, (_, place) => {
    const x = (place * 7 % 20) / 40 + (place < 20 ? 0 : 0.5) + 0.01;
    return trialOf(place + 1, [Math.abs(x - 0.5)], { parameters: { x } });
  });
  const seen = new Set<number>();
  const weights = (count: number) => {
    seen.add(count);
    const ramp = count - 25;
    return Array.from(
      { length: count },
      (_, place) => place < ramp ? 1 / count + (1 - 1 / count) * place / (ramp - 1) : 1,
    );
  };
  const settings = { startupTrials: 10, candidates: 24, priorWeight: 1, magicClip: true };
  const gamma = (count: number) => Math.min(Math.ceil(count / 10), 25);
  // Many draws, so that a small difference shows in one of them.
  const draw = (options: TpeOptions) => {
    const suggest = tpe(options)(line);
    return Array.from(
      { length: 300 },
      (_, place) => Number(suggest(request(trials, 41 + place))!.x),
    );
  };
  const drawn = draw({});
  assert.deepEqual(draw({ ...settings, gamma, weights }), drawn);
  assert.deepEqual([...seen], [4, 36]);
  assert.ok(drawn.filter((x) => Math.abs(x - 0.5) < 0.2).length > 250);
  const others: TpeOptions[] = [
    { candidates: 23 },
    { gamma: () => 5 },
    { priorWeight: 1.5 },
    { magicClip: false },
    { weights: (count) => Array(count).fill(1) },
    { weights: (count) => weights(count).map((weight) => weight < 1 ? weight * 0.98 : 1) },
  ];
  others.forEach((options, place) => assert.notDeepEqual(draw(options), drawn, `${place}`));
});

Deno.test("a parameter is estimated from the trials that have it", () => {
  const space = {
    kind: choice("a", "b"),
    depth: when({ kind: "b" }, float(0, 1)),
  };
  const trials = Array.from({ length: 20 }, (_, place) => {
    const parameters: ParameterValues = place % 2
      ? { kind: "b", depth: place / 20 }
      : { kind: "a" };
    return trialOf(place + 1, [place % 2 ? 20 - place : 90], { parameters });
  });
  const suggest = tpe({ candidates: 100 })(space);
  const { kind, depth } = suggest(request(trials))!;
  assert.equal(kind, "b");
  assert.ok(Number(depth) > 0.7, `${depth}`);
  const turned = trials.map((trial) => ({ ...trial, value: 100 - trial.value! }));
  assert.deepEqual(suggest(request(turned)), { kind: "a" });
});

Deno.test("a dimension of one value gets it", () => {
  const space = { a: float(0.5, 0.5), b: integer(3, 3), c: choice("x") };
  const trials = Array.from(
    { length: 12 },
    (_, place) => trialOf(place + 1, [place], { parameters: { a: 0.5, b: 3, c: "x" } }),
  );
  assert.deepEqual(tpe()(space)(request(trials)), { a: 0.5, b: 3, c: "x" });
});

Deno.test("options out of range are refused", () => {
  assert.throws(() => tpe({ startupTrials: -1 }), /startupTrials of tpe .*received -1/);
  assert.throws(() => tpe({ candidates: 0 }), /the candidates of tpe .*received 0/);
  assert.throws(() => tpe({ priorWeight: 0 }), /priorWeight of tpe .*received 0/);
});

/** The best loss of a search. */
async function bestLoss<S extends Space>(
  space: S,
  loss: (parameters: SearchParameters<S>) => number,
  { sampler, seed, trials }: { sampler: Sampler; seed: number; trials: number },
): Promise<number> {
  const objective = (parameters: SearchParameters<S>) => from(losses([loss(parameters)]));
  const found = await all(search(space, objective, { sampler, seed, trials, monitor: "loss" }));
  return Math.min(...found.map(({ value }) => value!));
}

/** Medians over eleven seeds, Bayesian and random. */
async function compare<S extends Space>(
  space: S,
  loss: (parameters: SearchParameters<S>) => number,
  trials: number,
): Promise<[bayes: number, random: number]> {
  const seeds = Array.from({ length: 11 }, (_, seed) => seed);
  const run = async (sampler: Sampler) =>
    median(
      await Promise.all(seeds.map((seed) => bestLoss(space, loss, { sampler, seed, trials }))),
    );
  return [await run(tpe()), await run(randomSearch())];
}

Deno.test("on Branin's function the median of Bayesian search beats random search", async () => {
  const branin = ({ x, y }: { x: number; y: number }) =>
    (y - 5.1 / (4 * Math.PI ** 2) * x ** 2 + 5 / Math.PI * x - 6) ** 2 +
    10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
  assert.ok(Math.abs(branin({ x: Math.PI, y: 2.275 }) - 0.397887) < 1e-6);
  const [bayes, random] = await compare({ x: float(-5, 10), y: float(0, 15) }, branin, 80);
  // The minimum is 0.397887.
  assert.ok(bayes - 0.397887 < 0.6 * (random - 0.397887), `${bayes} and ${random}`);
});

const mixed = {
  rate: float(1e-5, 10, { log: true }),
  units: integer(1, 1000, { log: true }),
  kind: choice("a", "b", "c"),
  decay: when({ kind: "b" }, float(0, 1)),
  depth: when({ kind: ["a", "b"] }, integer(0, 9)),
};

Deno.test("so it does with logarithms, integers, choices and conditions", async () => {
  const loss = ({ rate, units, kind, decay, depth }: SearchParameters<typeof mixed>) =>
    Math.abs(Math.log10(rate) + 2) + Math.abs(Math.log10(units / 60)) +
    (kind === "b" ? Math.abs(decay! - 0.3) : kind === "a" ? 1 : 2) +
    Math.abs((depth ?? 9) - 4) / 5;
  const [bayes, random] = await compare(mixed, loss, 60);
  assert.ok(bayes < 0.6 * random, `${bayes} and ${random}`);
});

Deno.test("a study is decided by its seed", async () => {
  const loss = ({ rate }: { rate: number }) => Math.abs(Math.log10(rate) + 2);
  const run = async (seed: number, sampler: Sampler) => {
    const objective = (parameters: SearchParameters<typeof mixed>) =>
      of({ epoch: 1, logs: { loss: loss(parameters) } });
    const trials = await all(
      search(mixed, objective, { sampler, seed, trials: 25, monitor: "loss" }),
    );
    return trials.map(({ parameters }) => parameters);
  };
  for (const sampler of [tpe(), randomSearch()]) {
    const first = await run(1, sampler);
    assert.deepEqual(await run(1, sampler), first);
    assert.notDeepEqual(await run(2, sampler), first);
  }
});
