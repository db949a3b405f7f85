/** A sequence that a search has found. */
export interface FoundSequence {
  /** The tokens behind the prompt, without the one that ended them. */
  readonly tokens: readonly number[];
  /** The logarithm of their probability, that of the stop token included, in nats. */
  readonly logProbability: number;
  /**
   * `logProbability` divided by the number of tokens, that of the stop token included, to the power of
   * the length penalty.
   */
  readonly score: number;
}

/** What a search goes by. */
export interface BeamSettings {
  /** Sequences that are kept. */
  readonly beams: number;
  /** Power of the length that scores are divided by. */
  readonly lengthPenalty: number;
  /** Tokens that end a sequence. */
  readonly stops: readonly number[];
  /** Most tokens of a sequence. */
  readonly mostTokens: number;
}

/** A sequence under way. */
interface Beam {
  readonly tokens: readonly number[];
  readonly logProbability: number;
}

/** A token behind one of the sequences. */
interface Candidate {
  readonly token: number;
  /** Number of the sequence. */
  readonly from: number;
  readonly logProbability: number;
}

/** The beam search behind one prompt. */
export class Beams {
  #running: readonly Beam[];
  readonly #found: FoundSequence[] = [];
  #length = 0;

  /** At first all sequences are the prompt, of which one is enough. */
  constructor(private readonly settings: BeamSettings) {
    this.#running = Array.from({ length: settings.beams }, (_, place) => ({
      tokens: [],
      logProbability: place === 0 ? 0 : -Infinity,
    }));
  }

  /** Whether nothing that goes on can be among the best. */
  get ended(): boolean {
    const { mostTokens, lengthPenalty, beams } = this.settings;
    if (this.#length === mostTokens) return true;
    if (this.#found.length < beams) return false;
    // Logarithms fall with each token, and the divisor is at its best at one of the ends.
    const length = lengthPenalty > 0 ? mostTokens : this.#length + 1;
    const most = Math.max(...this.#running.map(({ logProbability }) => logProbability));
    return this.#found[beams - 1].score >= most / length ** lengthPenalty;
  }

  /**
   * Lets every sequence go on.
   *
   * @param scores Those of the tokens behind each sequence, `[beams · tokens]`.
   * @param fromLogits Whether they are logits rather than probabilities.
   * @returns For each sequence that is kept its last token, and the one that it goes on from.
   */
  goOn(scores: Float32Array, fromLogits: boolean): readonly Candidate[] {
    const { beams, stops } = this.settings;
    // Another prompt's search may last longer.
    if (this.ended) return this.#running.map((_, from) => ({ token: 0, from, logProbability: 0 }));
    // Of so many, enough go on even if all sequences may end.
    const candidates = this.#likeliest(scores, fromLogits, beams * (1 + stops.length));
    this.#length++;
    const kept: Candidate[] = [];
    candidates.forEach((candidate, rank) => {
      const { token, from, logProbability } = candidate;
      if (!stops.includes(token)) {
        if (kept.length < beams) kept.push(candidate);
      } else if (rank < beams) this.#add(this.#running[from].tokens, logProbability);
    });
    // Where there are fewer tokens than beams some stand for nothing.
    while (kept.length < beams) kept.push({ token: 0, from: 0, logProbability: -Infinity });
    this.#running = kept.map(({ token, from, logProbability }) => ({
      tokens: [...this.#running[from].tokens, token],
      logProbability,
    }));
    return kept;
  }

  /** The best sequences, those that nothing has ended among them if the search is at its end. */
  best(count: number): FoundSequence[] {
    if (this.#length === this.settings.mostTokens) {
      for (const { tokens, logProbability } of this.#running) this.#add(tokens, logProbability);
      this.#running = [];
    }
    return this.#found.slice(0, count);
  }

  /** Puts a sequence aside, in its place among the best. */
  #add(tokens: readonly number[], logProbability: number): void {
    if (logProbability === -Infinity) return;
    const { lengthPenalty, beams } = this.settings;
    // A sequence that is empty has no length to speak of.
    const score = logProbability / Math.max(1, this.#length) ** lengthPenalty;
    const place = this.#found.findIndex((other) => other.score < score);
    this.#found.splice(place < 0 ? this.#found.length : place, 0, {
      tokens,
      logProbability,
      score,
    });
    this.#found.length = Math.min(this.#found.length, beams);
  }

  /** The likeliest tokens behind all sequences, the likeliest first; of equals the first. */
  #likeliest(scores: Float32Array, fromLogits: boolean, count: number): Candidate[] {
    const classes = scores.length / this.#running.length;
    const best: Candidate[] = [];
    this.#running.forEach(({ logProbability: before }, from) => {
      if (before === -Infinity) return;
      const own = scores.subarray(from * classes, (from + 1) * classes);
      const total = fromLogits ? logSumExp(own) : 0;
      own.forEach((score, token) => {
        const logProbability = before + (fromLogits ? score - total : Math.log(score));
        if (best.length === count && logProbability <= best[count - 1].logProbability) return;
        if (logProbability === -Infinity) return;
        let place = best.length;
        while (place > 0 && best[place - 1].logProbability < logProbability) place--;
        best.splice(place, 0, { token, from, logProbability });
        best.length = Math.min(best.length, count);
      });
    });
    return best;
  }
}

function logSumExp(logits: Float32Array): number {
  const most = logits.reduce((one, other) => Math.max(one, other), -Infinity);
  return most + Math.log(logits.reduce((sum, one) => sum + Math.exp(one - most), 0));
}
