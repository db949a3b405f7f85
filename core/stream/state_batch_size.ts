import type { AnyModel } from "../nn/connect.ts";

/** Samples of a batch as the stateful layers of models want them; `undefined` if there are none. */
export function stateBatchSize(models: readonly AnyModel[]): number | undefined {
  return models.flatMap(({ parameters }) => parameters).find(({ state }) => state)?.shape[0];
}
