import type { Call, StructuredCall } from "../graph/call.ts";
import { sizeOf } from "../graph/shape.ts";
import { type Chain, fewestUnits } from "./chains.ts";
import { callMicroseconds } from "./estimate.ts";

/** Columns and numbers up to which a thread keeps the second operand packed between its claims. */
const heldColumns = 512;
const heldNumbers = 400 * 512;

/** Calls of a phase, one behind the other, whose units threads claim as they go. */
export interface Claims {
  /** Place of the first call. */
  readonly first: number;
  /** Calls. */
  readonly length: number;
  /** Fewest units of a claim, and what claims are multiples of. */
  readonly least: number;
}

/** Work (µs) below which fixed shares are good enough. */
const worthwhile = 300;
/** Work (µs) of the smallest claims: what threads may have to wait for each other in the end. */
const smallest = 40;

/**
 * Finds what threads share by claims. With fixed shares, a thread that is held up (by another process,
 * or on a slower core) keeps all the others waiting; claims leave more to those. Calls with the same
 * units, none of which needs another one, are claimed together. A call outside that touched what they
 * write would find it unfinished: then their shares stay fixed.
 *
 * @param calls Calls of a phase.
 * @param chains Chains of that phase; a chain stays whole.
 */
export function findClaims(calls: readonly Call[], chains: readonly Chain[]): Claims[] {
  const claims: Claims[] = [];
  const chainAt = new Map(chains.map(({ first, length }) => [first, length]));
  for (let first = 0; first < calls.length;) {
    const { length, footprint } = groupAt(first, calls, chainAt);
    const group = calls.slice(first, first + length);
    const least = leastClaim(group);
    const meetsOther = () =>
      calls.slice(0, first).some((call) => footprint.meets(call)) ||
      calls.slice(first + length).some((call) => footprint.meets(call));
    if (least <= group[0].partition.units / 4 && !meetsOther()) {
      claims.push({ first, length, least });
    }
    first += length;
  }
  return claims;
}

/** The group that begins at a place: each of its calls touches what one before it writes. */
function groupAt(first: number, calls: readonly Call[], chainAt: ReadonlyMap<number, number>) {
  const { units } = calls[first].partition;
  const footprint = new Footprint();
  let end = first;
  do {
    const length = chainAt.get(end) ?? 1;
    for (const call of calls.slice(end, end + length)) footprint.add(call);
    end += length;
  } while (
    end < calls.length && calls[end].partition.units === units && footprint.meets(calls[end])
  );
  return { length: end - first, footprint };
}

/** Fewest units that a thread claims of some calls; infinitely many where shares are fixed. */
function leastClaim(group: readonly Call[]): number {
  const microseconds = group.reduce((sum, call) => sum + callMicroseconds(call), 0);
  if (microseconds < worthwhile) return Infinity;
  const grain = group.map(grainOf).reduce(leastCommonMultiple);
  const { units } = group[0].partition;
  return Math.ceil(units * smallest / microseconds / grain) * grain;
}

/** Units of which a call does any number of times as many without more work than in one go. */
function grainOf(call: Call): number {
  // Whole lines of the cache, where a unit is an element or a few.
  if (call.kind === "loop") return sizeOf(call.kernel.shape) >= 16 * call.partition.units ? 1 : 16;
  return call.name === "matmul" ? grainOfProduct(call) : fewestUnits(call);
}

/** Whole register blocks; no rows of products whose second operand each claim would pack anew. */
function grainOfProduct({ operands: [, b], partition: { axis } }: StructuredCall): number {
  if (axis === "batches") return 1;
  if (axis === "columns") return 64;
  const [inner, columns] = b.shape.slice(-2);
  return columns <= heldColumns && inner * columns <= heldNumbers ? 24 : Infinity;
}

function leastCommonMultiple(a: number, b: number): number {
  if (!Number.isFinite(a + b)) return Infinity;
  let divisor = a;
  for (let rest = b; rest > 0;) [divisor, rest] = [rest, divisor % rest];
  return a / divisor * b;
}

/** The buffers that some calls read and write. */
class Footprint {
  readonly #read = new Set<number>();
  readonly #written = new Set<number>();

  add({ partition: { reads, writes } }: Call): void {
    for (const buffer of reads.keys()) this.#read.add(buffer);
    for (const buffer of writes.keys()) this.#written.add(buffer);
  }

  /** Whether a call touches what these write, or they what it writes. */
  meets({ partition: { reads, writes } }: Call): boolean {
    return reads.keys().some((buffer) => this.#written.has(buffer)) ||
      writes.keys().some((buffer) => this.#written.has(buffer) || this.#read.has(buffer));
  }
}
