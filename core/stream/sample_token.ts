/** How a token is chosen. */
export interface TokenSampling {
  /**
   * What logits are divided by: below 1 likely tokens become likelier; 0 takes the likeliest one.
   * Default 1.
   */
  readonly temperature?: number;
  /** Only so many of the likeliest tokens are taken; default all. */
  readonly topK?: number;
  /** Only the likeliest tokens whose probabilities add up to this are taken, in (0, 1]; default 1. */
  readonly topP?: number;
}

/**
 * A token drawn by its probability.
 *
 * @param logits A number for each token.
 * @param options How it is chosen.
 * @param random A number in [0, 1).
 */
export function sampleToken(
  logits: ArrayLike<number>,
  { temperature = 1, topK = Infinity, topP = 1 }: TokenSampling,
  random: number,
): number {
  const order = Array.from(logits, (_, token) => token)
    // Of equals the first, as argMax has it.
    .sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return order[0];
  const most = logits[order[0]];
  const taken = order.slice(0, Math.min(topK, order.length));
  const powers = taken.map((token) => Math.exp((logits[token] - most) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  let kept = 0;
  let share = 0;
  while (kept < taken.length && share < topP * total) share += powers[kept++];
  let left = random * share;
  for (let place = 0; place < kept; place++) {
    left -= powers[place];
    if (left < 0) return taken[place];
  }
  return taken[Math.max(0, kept - 1)];
}
