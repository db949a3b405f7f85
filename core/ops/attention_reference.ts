import {
  type AttentionAttributes,
  type AttentionOperands,
  attentionOperands,
  attentionSizes,
  resultSize,
} from "../graph/attention.ts";
import type { ReferenceArray } from "../graph/operation.ts";
import { threefry2x32 } from "../graph/threefry.ts";

/** One query of one head, with what it needs of the keys. */
interface Row {
  /** Where the query begins. */
  readonly query: number;
  /** Where its result begins. */
  readonly result: number;
  /** Its place among the sums of weights. */
  readonly sum: number;
  /** Its place among the dot products. */
  readonly dot: number;
  /** Where a key begins. */
  key(at: number): number;
  /** Where a value begins. */
  value(at: number): number;
  /** The scores of all keys, −∞ where they are hidden. */
  readonly scores: readonly number[];
  /** What each weight is multiplied by: 1, or 0 and 1 / (1 − rate). */
  readonly factors: readonly number[];
}

/** Fills in results and the logarithms of sums, from the operands of a forward call. */
export function attentionForward(
  inputs: readonly ReferenceArray[],
  attributes: AttentionAttributes,
  output: ReferenceArray,
): void {
  const sizes = attentionSizes(inputs.map(({ shape }) => shape));
  const operands = attentionOperands(inputs, attributes, false);
  const results = resultSize(sizes);
  for (const row of rowsOf(operands, attributes)) {
    const most = row.scores.reduce((a, b) => Math.max(a, b), -Infinity);
    if (most === -Infinity) {
      // A query that sees nothing gives zeros.
      output.data[results + row.sum] = Infinity;
      continue;
    }
    const powers = row.scores.map((score) => Math.exp(score - most));
    const total = powers.reduce((a, b) => a + b, 0);
    output.data[results + row.sum] = most + Math.log(total);
    powers.forEach((power, at) => {
      const weight = power / total * row.factors[at];
      for (let n = 0; n < sizes.valueSize; n++) {
        output.data[row.result + n] += weight * operands.value.data[row.value(at) + n];
      }
    });
  }
}

/** Fills in the gradients of queries, keys and values, one behind the other. */
export function attentionBackward(
  inputs: readonly ReferenceArray[],
  attributes: AttentionAttributes,
  output: ReferenceArray,
): void {
  const operands = attentionOperands(inputs, attributes, true);
  const { query, key, value, grad, sums, dots } = operands as Required<typeof operands>;
  const size = query.shape[3];
  const valueSize = value.shape[3];
  const keysAt = query.data.length;
  const valuesAt = keysAt + key.data.length;
  for (const row of rowsOf(operands, attributes)) {
    row.scores.forEach((score, at) => {
      const weight = Math.exp(score - sums.data[row.sum]);
      let slope = 0;
      for (let n = 0; n < valueSize; n++) {
        const given = grad.data[row.result + n];
        slope += given * value.data[row.value(at) + n];
        output.data[valuesAt + row.value(at) + n] += weight * row.factors[at] * given;
      }
      const toScore = weight * (slope * row.factors[at] - dots.data[row.dot]) * attributes.scale;
      for (let n = 0; n < size; n++) {
        output.data[row.query + n] += toScore * key.data[row.key(at) + n];
        output.data[keysAt + row.key(at) + n] += toScore * query.data[row.query + n];
      }
    });
  }
}

function* rowsOf(
  operands: AttentionOperands<ReferenceArray>,
  { causal, scale }: AttentionAttributes,
): Generator<Row> {
  const { query, key, value, offset } = operands;
  const { batch, queries, keys, heads, keyHeads, size, valueSize } = attentionSizes(
    [query.shape, key.shape, value.shape],
  );
  for (let sample = 0; sample < batch; sample++) {
    for (let head = 0; head < heads; head++) {
      const keyHead = Math.floor(head * keyHeads / heads);
      const keyRow = (at: number) => (sample * keys + at) * keyHeads + keyHead;
      for (let place = 0; place < queries; place++) {
        const row = (sample * queries + place) * heads + head;
        const visible = causal ? place + offset!.data[0] + 1 : keys;
        const scores = Array.from({ length: keys }, (_, at) => {
          if (at >= visible) return -Infinity;
          let score = 0;
          for (let n = 0; n < size; n++) {
            score += query.data[row * size + n] * key.data[keyRow(at) * size + n];
          }
          return score * scale + biasAt(operands, [sample, head, place, at]);
        });
        const first = ((sample * heads + head) * queries + place) * keys;
        yield {
          query: row * size,
          result: row * valueSize,
          sum: (sample * heads + head) * queries + place,
          dot: row,
          key: (at) => keyRow(at) * size,
          value: (at) => keyRow(at) * valueSize,
          scores,
          factors: scores.map((_, at) => factorAt(operands, first + at)),
        };
      }
    }
  }
}

function biasAt({ bias }: AttentionOperands<ReferenceArray>, place: readonly number[]): number {
  if (!bias) return 0;
  const at = place.reduce(
    (index, position, axis) => index * bias.shape[axis] + (bias.shape[axis] === 1 ? 0 : position),
    0,
  );
  return bias.data[at];
}

/** What dropout makes of the weight of a flat position: see `dropoutMask`. */
function factorAt(
  { rate, key0, key1, counter }: AttentionOperands<ReferenceArray>,
  position: number,
): number {
  if (!rate) return 1;
  const [word] = threefry2x32(key0!.data[0], key1!.data[0], position, counter!.data[0]);
  const kept = (word >>> 8) * 2 ** -24 >= rate.data[0];
  return kept ? 1 / Math.max(1 - rate.data[0], 2 ** -24) : 0;
}
