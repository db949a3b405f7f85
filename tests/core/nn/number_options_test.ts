// Every option that is a number, of whatever makes a part of a network: NaN is refused by its name.
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";

const folder = new URL("../../../core/nn/", import.meta.url);

/** What comes before the options, or has to be among them, of those that do without neither. */
const needed: Record<string, readonly unknown[]> = {
  cosineDecay: [{ initialLearningRate: 0.1, decaySteps: 10, warmupTarget: 1, warmupSteps: 2 }],
  cosineDecayRestarts: [{ initialLearningRate: 0.1, firstDecaySteps: 10 }],
  exponentialDecay: [{ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 }],
  inverseTimeDecay: [{ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 }],
  ctcDecode: [{ data: new Float32Array(6), shape: [1, 2, 3] }, { beamWidth: 2 }],
  normalization: [{ mean: 0, variance: 1 }],
  oneCycle: [{ maxLearningRate: 0.1, totalSteps: 10 }],
  polynomialDecay: [{ initialLearningRate: 0.1, decaySteps: 10 }],
  stepDecay: [{ initialLearningRate: 0.1, stepSize: 10 }],
  precisionAtRecall: [0.5, {}],
  recallAtPrecision: [0.5, {}],
  sensitivityAtSpecificity: [0.5, {}],
  specificityAtSensitivity: [0.5, {}],
};

/** Options that are looked at when the shape of inputs is known. */
const later = new Set(["axis"]);

interface NumberOption {
  readonly factory: string;
  readonly before: number;
  readonly option: string;
}

/** What the source of a module says of its factories' options. */
function numberOptions(source: string): NumberOption[] {
  const factories = source.matchAll(/export function (\w+)(?:<[^(]*>)?\(([^]*?)\): \w/g);
  return [...factories].flatMap(([, factory, parameters]) => {
    const names = parameters.split(/,\s*(?![^{<(]*[}>)])/);
    const before = names.findIndex((name) => /Options\b/.test(name));
    const type = names[before]?.match(/\w+Options/)?.[0];
    const body = source.match(new RegExp(`interface ${type}[^{]*\\{([^]*?)\\n\\}`))?.[1] ?? "";
    return [...body.matchAll(/readonly (\w+)\??: (number|ScalarSource)\b(?!\[)[^;]*;/g)]
      .map(([, option]) => ({ factory, before, option }))
      .filter(({ option }) => factory in nn && !later.has(option));
  });
}

function* sources(at: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(at)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, at));
    else if (name.endsWith(".ts")) yield Deno.readTextFileSync(new URL(name, at));
  }
}

/** By name; of an overloaded factory the last signature is the whole one. */
const found = new Map(
  [...sources(folder)].flatMap(numberOptions)
    .map((option) => [`${option.factory}.${option.option}`, option]),
);

Deno.test("the options of factories are found in their sources", () => {
  assert(found.size > 180, `${found.size} options`);
  for (const known of ["muon.adamBeta2", "lamb.beta1", "oneCycle.pctStart"]) {
    assert(found.has(known), known);
  }
});

for (const { factory, before, option } of found.values()) {
  Deno.test(`${factory} refuses NaN as ${option}`, () => {
    const make = nn[factory as keyof typeof nn] as (...values: unknown[]) => unknown;
    const leading = (needed[factory] ?? [...new Array(before).fill(2), {}]).slice(0, before);
    const others = (needed[factory]?.[before] ?? {}) as object;
    assert.throws(() => make(...leading, { ...others, [option]: NaN }), (error: Error) => {
      assert.match(error.message, new RegExp(`\\b${option}\\b[^]*NaN`));
      return true;
    });
  });
}
