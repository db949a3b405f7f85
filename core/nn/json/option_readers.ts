import { activationNames } from "../activations.ts";
import { maxNorm, minMaxNorm, nonNeg, unitNorm } from "../constraints/mod.ts";
import type { Initializer } from "../initializer.ts";
import { initializerNames, initializerOf } from "../initializers/by_name.ts";
import { constant } from "../initializers/constant.ts";
import { identityInitializer } from "../initializers/identity.ts";
import { orthogonal } from "../initializers/orthogonal.ts";
import { randomNormal, truncatedNormal } from "../initializers/random_normal.ts";
import { randomUniform } from "../initializers/random_uniform.ts";
import { varianceScaling } from "../initializers/variance_scaling.ts";
import { l1, l1L2, l2, orthogonalRegularizer } from "../regularizers/mod.ts";
import {
  asList,
  asObject,
  asRecord,
  asText,
  type JsonObject,
  type JsonValue,
  refuse,
} from "./json_value.ts";

/** Makes something of the options that a file holds; for a thing of the user's own. */
// deno-lint-ignore no-explicit-any
export type CustomFactory<Made> = (config: any) => Made;

/** Things of the user's own that a file may name: nothing else is ever looked up by a file's names. */
export interface CustomParts<LayerLike> {
  /** Layers by their type. */
  readonly layers?: Readonly<Record<string, CustomFactory<LayerLike>>>;
  /** Initializers, regularizers and constraints by their names. */
  readonly parts?: Readonly<Record<string, CustomFactory<unknown>>>;
}

/** Makes an option of what a file holds, or refuses it. */
export type OptionReader = (
  value: JsonValue,
  path: string,
  custom: Readers,
) => unknown;

/** What readers may ask for: things of the user's own, and layers within layers. */
export interface Readers extends CustomParts<unknown> {
  /** Makes a layer of its record. */
  readonly layer?: (value: JsonValue, path: string) => unknown;
}

/** A reader for each option; a compile error where an option has none. */
export type OptionReaders<Options> = { readonly [Name in keyof Options]-?: OptionReader };

/** `true` or `false`. */
export const flag: OptionReader = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "true or false", value);

/** A number; the factory checks its range. */
export const number: OptionReader = (value, path) =>
  typeof value === "number" ? value : refuse(path, "a number", value);

/** A string; the factory checks that it is known. */
export const text: OptionReader = asText;
/** A list of texts. */
export const texts: OptionReader = (value, path) =>
  asList(value, path).map((item, place) => asText(item, `${path}[${place}]`));

/** A list of numbers. */
export const numbers: OptionReader = (value, path) =>
  asList(value, path).map((item, place) => number(item, `${path}[${place}]`, {}));

/** A list of numbers and of `null` for those that are left open. */
export const openNumbers: OptionReader = (value, path) =>
  asList(value, path).map((item, place) =>
    item === null ? null : number(item, `${path}[${place}]`, {})
  );

/** A number, or a list of numbers. */
export const oneOrMore: OptionReader = (value, path, custom) =>
  Array.isArray(value) ? numbers(value, path, custom) : number(value, path, custom);

/** A number, or a list of numbers and lists of them; the factory checks how deep. */
export const nestedNumbers: OptionReader = (value, path, custom) =>
  Array.isArray(value)
    ? value.map((item, place) => nestedNumbers(item, `${path}[${place}]`, custom))
    : number(value, path, custom);

/** A layer that another one holds. */
export const layer: OptionReader = (value, path, readers) => readers.layer!(value, path);

/** Layers that another one holds. */
export const layers: OptionReader = (value, path, readers) =>
  asList(value, path).map((item, place) => layer(item, `${path}[${place}]`, readers));

/** A layer that another one holds, or several. */
export const oneOrMoreLayers: OptionReader = (value, path, readers) =>
  (Array.isArray(value) ? layers : layer)(value, path, readers);

/** Name of an activation. */
export const activation: OptionReader = (value, path) =>
  activationNames.find((name) => name === value) ??
    refuse(path, `one of ${activationNames.join(", ")}`, value);

interface Strength {
  readonly strength: number;
}

interface PartEntry {
  readonly options: Readonly<Record<string, OptionReader>>;
  make(options: never): unknown;
}

const distribution = { mean: number, standardDeviation: number };
const initializers: Readonly<Record<string, PartEntry>> = {
  // Those whose options follow from their names.
  ...Object.fromEntries(
    initializerNames.map((name) => [name, { options: {}, make: () => initializerOf(name) }]),
  ),
  constant: {
    options: { value: number },
    make: ({ value }: { value: number }) => constant(value),
  },
  identity: {
    options: { gain: number },
    make: ({ gain }: { gain: number }) => identityInitializer(gain),
  },
  orthogonal: { options: { gain: number }, make: ({ gain }: { gain: number }) => orthogonal(gain) },
  randomNormal: { options: distribution, make: randomNormal },
  truncatedNormal: { options: distribution, make: truncatedNormal },
  randomUniform: { options: { minimum: number, maximum: number }, make: randomUniform },
  varianceScaling: {
    options: { scale: number, mode: text, distribution: text },
    make: varianceScaling,
  },
};

/** Name of an initializer, or one with its options. */
export const initializer: OptionReader = (value, path, custom) => {
  if (typeof value === "string") {
    return initializerNames.find((name) => name === value) ??
      refuse(path, `one of ${initializerNames.join(", ")}`, value);
  }
  return readPart(value, path, initializers, custom) as Initializer;
};

const norm = { axis: oneOrMore };
const regularizersAndConstraints: Readonly<Record<string, PartEntry>> = {
  l1: { options: { strength: number }, make: ({ strength }: Strength) => l1(strength) },
  l2: { options: { strength: number }, make: ({ strength }: Strength) => l2(strength) },
  l1L2: { options: { l1: number, l2: number }, make: l1L2 },
  orthogonalRegularizer: {
    options: { factor: number, mode: text },
    make: orthogonalRegularizer,
  },
  maxNorm: { options: { maxValue: number, ...norm }, make: maxNorm },
  minMaxNorm: {
    options: { minValue: number, maxValue: number, rate: number, ...norm },
    make: minMaxNorm,
  },
  nonNeg: { options: {}, make: nonNeg },
  unitNorm: { options: norm, make: unitNorm },
};

/** A regularizer or a constraint with its options. */
export const part: OptionReader = (value, path, custom) =>
  readPart(value, path, regularizersAndConstraints, custom);

function readPart(
  value: JsonValue,
  path: string,
  known: Readonly<Record<string, PartEntry>>,
  { parts = {} }: CustomParts<unknown>,
): unknown {
  const given = asObject(value, path, ["name", "config"]);
  const name = asText(given.name, `${path}.name`);
  const config = asRecord(given.config, `${path}.config`);
  if (Object.hasOwn(parts, name)) return parts[name](config);
  if (!Object.hasOwn(known, name)) {
    const names = [...Object.keys(known), ...Object.keys(parts)];
    refuse(`${path}.name`, `one of ${names.join(", ") || "those given as custom.parts"}`, name);
  }
  return known[name].make(
    readOptions(config, `${path}.config`, known[name].options, {}) as never,
  );
}

/** The options of a config, each by its reader. */
export function readOptions(
  config: JsonObject,
  path: string,
  readers: Readonly<Record<string, OptionReader>>,
  custom: Readers,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (!Object.hasOwn(readers, name)) {
        refuse(path, `options among ${Object.keys(readers).join(", ") || "none"}`, name);
      }
      return [name, readers[name](value, `${path}.${name}`, custom)];
    }),
  );
}
