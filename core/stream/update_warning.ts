import type { Effect } from "./frame.ts";

/** Warns of weights with gradients that no optimizer takes; true when there were some. */
export function warnOfIdleWeights(effects: readonly Effect[]): boolean {
  const trained = effects.flatMap(({ trained }) => trained ?? []);
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
