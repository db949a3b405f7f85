// Every option that is a number, of whatever makes a part of a network: NaN is refused by its name.
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";

const folder = new URL("../../../core/nn/", import.meta.url);

/** Parameters of factories that take nothing else, last the options that have to be there. */
const needed: Record<string, readonly [...unknown[], object]> = {
  cosineDecay: [{ initialLearningRate: 0.1, decaySteps: 10, warmupTarget: 1, warmupSteps: 2 }],
  cosineDecayRestarts: [{ initialLearningRate: 0.1, firstDecaySteps: 10 }],
  exponentialDecay: [{ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 }],
  inverseTimeDecay: [{ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 }],
  ctcDecode: [{ data: new Float32Array(6), shape: [1, 2, 3] }, { beamWidth: 2 }],
  lora: [nn.sequential([nn.input([2]), nn.dense(2)]), {}],
  randomAffine: [{ zoomFactor: 0.1 }],
  randomFlip: ["horizontal", {}],
  randomPosterization: [4, {}],
  randomColorJitter: [{ hueFactor: 0.1 }],
  normalization: [{ mean: 0, variance: 1 }],
  oneCycle: [{ maxLearningRate: 0.1, totalSteps: 10 }],
  polynomialDecay: [{ initialLearningRate: 0.1, decaySteps: 10 }],
  stepDecay: [{ initialLearningRate: 0.1, stepSize: 10 }],
  precisionAtRecall: [0.5, {}],
  recallAtPrecision: [0.5, {}],
  sensitivityAtSpecificity: [0.5, {}],
  specificityAtSensitivity: [0.5, {}],
};

/** Options that are looked at when the shape of inputs is known, and those that may be lists. */
const apart = new Set([
  "axis",
  "axes",
  "thresholds",
  "transformerEncoder.ropeMaxWavelength",
  "transformerEncoder.ropeScalingFactor",
]);

interface NumberOption {
  readonly factory: string;
  /** What parameters before the options are given. */
  readonly leading: readonly unknown[];
  readonly option: string;
}

function* sources(at: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(at)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, at));
    else if (name.endsWith(".ts")) yield Deno.readTextFileSync(new URL(name, at));
  }
}

const source = [...sources(folder)].join("\n");

const interfaces = source.matchAll(
  /interface (\w+)(?:<[^{]*?>)?(?: extends ([^{]+))? \{([^]*?)\n\}/g,
);
const written = new Map(
  [...interfaces].map(([, name, bases = "", body]) => [name, { bases, body }]),
);

/** The numbers among the fields of an interface, those of what it extends too. */
function numbersOf(type: string): readonly string[] {
  const { bases, body } = written.get(type) ?? { bases: "", body: "" };
  const own = body.matchAll(/readonly (\w+)\??: (?:number|ScalarSource)\b(?!\[)[^;]*;/g);
  const inherited = [...bases.matchAll(/\w+/g)].flatMap(([base]) => numbersOf(base));
  return [...Array.from(own, ([, name]) => name), ...inherited];
}

/** Something that a parameter may be. */
function sample(parameter: string): unknown {
  return /rate|factor/i.test(parameter) ? 0.5 : 2;
}

/** What sources say of the options of factories. */
function numberOptions(): NumberOption[] {
  const factories = source.matchAll(/export function (\w+)(?:<[^(]*>)?\(([^]*?)\): \w/g);
  return [...factories].flatMap(([, factory, parameters]) => {
    const names = parameters.split(/,\s*(?![^{<(]*[}>)])/);
    const before = names.findIndex((name) => /Options\b/.test(name));
    const type = names[before]?.match(/\w+Options/)?.[0] ?? "";
    return numbersOf(type)
      .map((option) => ({ factory, leading: names.slice(0, before).map(sample), option }))
      .filter(() => factory in nn)
      .filter(({ option }) => !apart.has(option) && !apart.has(`${factory}.${option}`));
  });
}

/** By name; of an overloaded factory the last signature is the whole one. */
const found = new Map(
  numberOptions().map((option) => [`${option.factory}.${option.option}`, option]),
);

Deno.test("the options of factories are found in their sources", () => {
  assert(found.size > 280, `${found.size} options`);
  for (const known of ["muon.adamBeta2", "lstm.recurrentDropout", "batchNormalization.epsilon"]) {
    assert(found.has(known), known);
  }
});

for (const { factory, leading, option } of found.values()) {
  Deno.test(`${factory} refuses NaN as ${option}`, () => {
    const make = nn[factory as keyof typeof nn] as (...values: unknown[]) => unknown;
    const first = needed[factory]?.slice(0, -1) ?? leading;
    const others = needed[factory]?.at(-1) ?? {};
    assert.throws(() => make(...first, { ...others, [option]: NaN }), (error: Error) => {
      assert.match(error.message, new RegExp(`\\b${option}\\b[^]*NaN`));
      return true;
    });
  });
}
