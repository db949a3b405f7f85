import type { Effect } from "./frame.ts";

type Trained = NonNullable<Effect["trained"]>;

/**
 * Warns of updates that change nothing, and of weights with gradients that no optimizer takes; true
 * when there were some.
 */
export function warnOfUpdates(effects: readonly Effect[]): boolean {
  const trained = effects.flatMap(({ trained }) => trained ?? []);
  return [warnOfStillModels(trained), warnOfIdleWeights(trained)].includes(true);
}

function warnOfStillModels(trained: readonly Trained[]): boolean {
  const models = new Set(trained.map(({ model }) => model));
  const still = [...models].filter(({ trainableParameters }) => trainableParameters.length === 0);
  for (const { name } of still) {
    console.error(
      `Warning: update changes nothing as the model ${name} has no trainable weights: give forward ` +
        `one that is not frozen, or layers without trainable: false.`,
    );
  }
  return still.length > 0;
}

function warnOfIdleWeights(trained: readonly Trained[]): boolean {
  const updated = new Set(trained.flatMap(({ updated }) => updated));
  const idle = new Set(trained.flatMap(({ all }) => all).filter((each) => !updated.has(each)));
  if (idle.size === 0) return false;
  const names = [...idle].slice(0, 8).map(({ name }) => name).join(", ");
  console.error(
    `Warning: no optimizer updates ${names}${
      idle.size > 8 ? ", …" : ""
    }: the option "only" of each ` +
      `update leaves them out. To hold weights where they are, use freeze().`,
  );
  return true;
}
