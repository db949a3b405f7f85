import assert from "node:assert/strict";
import {
  constantSchedule,
  cosineDecay,
  cosineDecayRestarts,
  exponentialDecay,
  inverseTimeDecay,
  oneCycle,
  piecewiseConstant,
  polynomialDecay,
  type Schedule,
  stepDecay,
} from "../../../core/nn/mod.ts";
import schedulesJson from "../../golden/schedules.json" with { type: "json" };
import kerasJson from "../../golden/keras_schedules.json" with { type: "json" };
import { assertClose } from "./close.ts";

const { steps, cases } = schedulesJson as unknown as {
  steps: number[];
  cases: Record<string, { options: unknown; values: number[] }>;
};

const schedules: Record<string, (options: never) => Schedule> = {
  exponential: exponentialDecay,
  exponential_staircase: exponentialDecay,
  piecewise: piecewiseConstant,
  step: stepDecay,
  cosine: cosineDecay,
  cosine_alpha: cosineDecay,
  cosine_warmup: cosineDecay,
  one_cycle: oneCycle,
};

Deno.test("every golden schedule is compared", () => {
  assert.deepEqual(Object.keys(schedules).sort(), Object.keys(cases).sort());
});

for (const [name, factory] of Object.entries(schedules)) {
  Deno.test(`schedule ${name} gives the golden rates`, () => {
    const { options, values } = cases[name];
    assertClose(steps.map(factory(options as never)), values, 1e-15);
  });
}

const kerasSchedules: Record<string, (options: never) => Schedule> = {
  exponentialDecay,
  cosineDecay,
  polynomialDecay,
  inverseTimeDecay,
  cosineDecayRestarts,
};

for (const [name, { options, values }] of Object.entries(kerasJson.cases)) {
  Deno.test(`schedule ${name} gives Keras's rates`, () => {
    const schedule = kerasSchedules[name.split("_")[0]](options as never);
    assertClose(values.map((_, step) => schedule(step)), values, 1e-12);
  });
}

Deno.test("oneCycle stays at its last rate", () => {
  const rate = oneCycle({ maxLearningRate: 1, totalSteps: 10, divFactor: 2, finalDivFactor: 5 });
  assertClose([9, 10, 1000].map(rate), [0.1, 0.1, 0.1], 1e-12);
});

Deno.test("constantSchedule stays", () => {
  assert.deepEqual([0, 1, 1e6].map(constantSchedule(0.5)), [0.5, 0.5, 0.5]);
});

const rate = { initialLearningRate: 0.1 };

const refused: [name: string, make: () => unknown, message: RegExp][] = [
  ["NaN", () => constantSchedule(NaN), /value of constantSchedule .*received NaN/],
  ["a negative rate", () => stepDecay({ initialLearningRate: -1, stepSize: 1 }), /at least 0/],
  ["step 0", () => stepDecay({ ...rate, stepSize: 0 }), /stepSize .*whole number from 1/],
  ["a negative factor", () => stepDecay({ ...rate, stepSize: 1, gamma: -1 }), /gamma .*-1/],
  ["power 0", () => polynomialDecay({ ...rate, decaySteps: 1, power: 0 }), /power .*received 0/],
  [
    "a negative growth",
    () => inverseTimeDecay({ ...rate, decaySteps: 1, decayRate: -1 }),
    /decayRate of inverseTimeDecay .*received -1/,
  ],
  [
    "periods that shrink",
    () => cosineDecayRestarts({ ...rate, firstDecaySteps: 9, tMul: 0.5 }),
    /tMul of cosineDecayRestarts .*at least 1: received 0.5/,
  ],
  [
    "a rise of the whole cycle",
    () => oneCycle({ maxLearningRate: 1, totalSteps: 9, pctStart: 1 }),
    /pctStart of oneCycle .*received 1/,
  ],
  [
    "a first rate above the largest",
    () => oneCycle({ maxLearningRate: 1, totalSteps: 9, divFactor: 0.5 }),
    /divFactor of oneCycle .*received 0.5/,
  ],
  ["one step", () => oneCycle({ maxLearningRate: 1, totalSteps: 1 }), /totalSteps .*from 2/],
  [
    "half a decay step",
    () => exponentialDecay({ ...rate, decaySteps: 0.5, decayRate: 1 }),
    /decaySteps .*received 0.5/,
  ],
  ["alpha 2", () => cosineDecay({ ...rate, decaySteps: 1, alpha: 2 }), /alpha .*from 0 to 1/],
  [
    "warm-up to nowhere",
    () => cosineDecay({ ...rate, decaySteps: 1, warmupSteps: 5 }),
    /warmupSteps need a warmupTarget/,
  ],
  [
    "as many values as boundaries",
    () => piecewiseConstant({ boundaries: [1], values: [1] }),
    /one value more than boundaries: received 1 values and 1 boundaries/,
  ],
  [
    "boundaries that fall",
    () => piecewiseConstant({ boundaries: [5, 5], values: [1, 2, 3] }),
    /boundary 1 of piecewiseConstant .*from 6: received 5/,
  ],
];

for (const [name, make, message] of refused) {
  Deno.test(`schedules refuse ${name}`, () => {
    assert.throws(
      make,
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  });
}
