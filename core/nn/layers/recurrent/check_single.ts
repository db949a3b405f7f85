import type { Layer } from "../../layer.ts";

/**
 * Refuses a layer that gives several outputs where one is expected; the compiler does, too.
 *
 * @param factory The function that the user calls.
 * @param layer What it was given.
 */
export function checkSingle(factory: string, layer: Layer): void {
  const names = (layer as { readonly outputNames?: readonly string[] }).outputNames;
  if (!names) return;
  throw new TypeError(
    `Cannot make ${factory} as its layer must give one output: received ${layer.type} that gives ` +
      `${names.join(", ")} (leave returnState out)`,
  );
}
