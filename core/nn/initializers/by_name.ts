import { received } from "../../state/received.ts";
import type { Initializer } from "../initializer.ts";
import { onesInitializer, zerosInitializer } from "./constant.ts";
import { glorotNormal, glorotUniform } from "./glorot.ts";
import { heNormal, heUniform } from "./he.ts";
import { identityInitializer } from "./identity.ts";
import { lecunNormal, lecunUniform } from "./lecun.ts";
import { orthogonal } from "./orthogonal.ts";
import { randomNormal, truncatedNormal } from "./random_normal.ts";
import { randomUniform } from "./random_uniform.ts";
import { varianceScaling } from "./variance_scaling.ts";

/** Initializers that a layer's options may give by name, with their defaults. */
export type InitializerName =
  | "zeros"
  | "ones"
  | "identity"
  | "orthogonal"
  | "randomNormal"
  | "randomUniform"
  | "truncatedNormal"
  | "varianceScaling"
  | "glorotUniform"
  | "glorotNormal"
  | "heUniform"
  | "heNormal"
  | "lecunUniform"
  | "lecunNormal";

const factories: Readonly<Record<InitializerName, () => Initializer>> = {
  zeros: zerosInitializer,
  ones: onesInitializer,
  identity: () => identityInitializer(),
  orthogonal: () => orthogonal(),
  randomNormal,
  randomUniform,
  truncatedNormal,
  varianceScaling,
  glorotUniform,
  glorotNormal,
  heUniform,
  heNormal,
  lecunUniform,
  lecunNormal,
};

/** Every initializer that has a name. */
export const initializerNames: readonly InitializerName[] = Object.keys(
  factories,
) as InitializerName[];

/**
 * The initializer of a name; an initializer is given back as it is.
 *
 * @param initializer Name or initializer.
 * @throws {RangeError} when no initializer has that name.
 * @throws {TypeError} when it is neither a name nor an initializer.
 *
 * @example
 * ```ts
 * import { initializerOf } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(initializerOf("heNormal").name, "heNormal");
 * ```
 */
export function initializerOf(initializer: InitializerName | Initializer): Initializer {
  if (typeof initializer !== "string") {
    if (typeof initializer?.values === "function") return initializer;
    throw new TypeError(
      `Cannot use an initializer as it must be a name, such as "heNormal", or one with options, such ` +
        `as constant(0.1): received ${received(initializer)}`,
    );
  }
  if (Object.hasOwn(factories, initializer)) return factories[initializer]();
  throw new RangeError(
    `Cannot find the initializer as its name must be one of ${initializerNames.join(", ")}: ` +
      `received "${initializer}"`,
  );
}
