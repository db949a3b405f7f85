/** Labels of a sequence, and how likely they are. */
export interface CtcPath {
  /** The labels. */
  readonly labels: readonly number[];
  /** The natural logarithm of their probability, over all ways to write them. */
  readonly logProbability: number;
}

/** What is searched. */
export interface CtcSearch {
  /** Labels that are kept at each step. */
  readonly beamWidth: number;
  /** The class that is the blank. */
  readonly maskIndex: number;
  /** Whether a class that stands at steps side by side is one label. */
  readonly mergeRepeated: boolean;
}

/** Labels as a tree: a node is those of its parent and one more. */
interface Prefix {
  readonly parent: Prefix | null;
  readonly label: number;
  readonly children: Map<number, Prefix>;
  /** Logarithm of the probability that it has been written and a blank is last. */
  blank: number;
  /** That its label is last. */
  written: number;
  /** The last step at which it was among those kept. */
  kept: number;
}

/** A way to go on: with the same labels, or with one more. */
interface Candidate {
  readonly prefix: Prefix;
  /** The label that is added; `null` for none. */
  readonly label: number | null;
  readonly blank: number;
  readonly written: number;
  readonly score: number;
}

/**
 * The likeliest labels of a sequence, the best first: at each step the `beamWidth` likeliest beginnings
 * are kept, and each adds up all ways to write it.
 *
 * @param logs Logarithms of the classes' probabilities, step by step.
 * @param search How many are kept, the blank, repetitions.
 */
export function ctcBeamSearch(
  logs: readonly (readonly number[])[],
  search: CtcSearch,
): CtcPath[] {
  const { beamWidth, maskIndex } = search;
  let beam: Prefix[] = [{ ...prefixOf(null, -1), blank: 0, kept: 0 }];
  logs.forEach((log, step) => {
    const same = beam.map((prefix) => staying(prefix, log, step, search));
    // Whoever is below all of a full beam is not looked at.
    const least = same.length < beamWidth ? -Infinity : Math.min(...same.map(({ score }) => score));
    const labels = [...log.keys()].filter((label) => label !== maskIndex)
      .sort((a, b) => log[b] - log[a]);
    const longer = beam.flatMap((prefix) => growing(prefix, labels, log, step, least, search));
    const possible = [...same, ...longer].filter(({ score }) => score > -Infinity);
    // Where a step allows nothing, what there is stays, at no probability.
    const best = (possible.length > 0 ? possible : same).sort((a, b) => b.score - a.score);
    beam = best.slice(0, beamWidth).map((candidate) => taken(candidate, step + 1));
  });
  return beam.map((prefix) => ({
    labels: labelsOf(prefix),
    logProbability: sumOf(prefix.blank, prefix.written),
  }));
}

/** The same labels a step later: a blank more, the last label again, or now written by the parent. */
function staying(
  prefix: Prefix,
  log: readonly number[],
  step: number,
  { maskIndex, mergeRepeated }: CtcSearch,
): Candidate {
  const { parent, label } = prefix;
  const again = mergeRepeated && parent ? prefix.written + log[label] : -Infinity;
  const first = parent?.kept === step
    ? before(parent, label, mergeRepeated) + log[label]
    : -Infinity;
  const blank = sumOf(prefix.blank, prefix.written) + log[maskIndex];
  const written = sumOf(again, first);
  return { prefix, label: null, blank, written, score: sumOf(blank, written) };
}

/** One label more, of those labels that are not in the beam yet, from the likeliest one on. */
function growing(
  prefix: Prefix,
  labels: readonly number[],
  log: readonly number[],
  step: number,
  least: number,
  { mergeRepeated }: CtcSearch,
): Candidate[] {
  const total = sumOf(prefix.blank, prefix.written);
  const found: Candidate[] = [];
  for (const label of labels) {
    if (total + log[label] < least) break;
    if (prefix.children.get(label)?.kept === step) continue;
    const score = before(prefix, label, mergeRepeated) + log[label];
    found.push({ prefix, label, blank: -Infinity, written: score, score });
  }
  return found;
}

/** What may come before a new label: where it would only be the last one written on, a blank. */
function before(prefix: Prefix, label: number, mergeRepeated: boolean): number {
  return mergeRepeated && label === prefix.label
    ? prefix.blank
    : sumOf(prefix.blank, prefix.written);
}

/** The prefix of a candidate, kept for a step. */
function taken({ prefix, label, blank, written }: Candidate, step: number): Prefix {
  let at = prefix;
  if (label !== null) {
    at = prefix.children.get(label) ?? prefixOf(prefix, label);
    prefix.children.set(label, at);
  }
  return Object.assign(at, { blank, written, kept: step });
}

function prefixOf(parent: Prefix | null, label: number): Prefix {
  return { parent, label, children: new Map(), blank: -Infinity, written: -Infinity, kept: -1 };
}

function labelsOf(prefix: Prefix): number[] {
  const labels: number[] = [];
  for (let at = prefix; at.parent; at = at.parent) labels.push(at.label);
  return labels.reverse();
}

/** log(eᵃ + eᵇ). */
function sumOf(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}
