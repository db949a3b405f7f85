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
  for (let first = 0; first < calls.length;) {
    const length = groupAt(first, calls, chains);
    const group = calls.slice(first, first + length);
    const others = [...calls.slice(0, first), ...calls.slice(first + length)];
    const least = leastClaim(group);
    if (least <= group[0].partition.units / 4 && !others.some((other) => touches(group, other))) {
      claims.push({ first, length, least });
    }
    first += length;
  }
  return claims;
}

/** Length of the group that begins at a place: each of its calls touches what one before it writes. */
function groupAt(first: number, calls: readonly Call[], chains: readonly Chain[]): number {
  const { units } = calls[first].partition;
  let length = chainAt(first, chains);
  for (let end = first + length; end < calls.length; end = first + length) {
    const before = calls.slice(first, end);
    if (calls[end].partition.units !== units || !touches(before, calls[end])) break;
    length += chainAt(end, chains);
  }
  return length;
}

/** Length of the chain that begins at a place; 1 for a call by itself. */
function chainAt(place: number, chains: readonly Chain[]): number {
  return chains.find(({ first }) => first === place)?.length ?? 1;
}

/** Fewest units that a thread claims of some calls; infinitely many where shares are fixed. */
function leastClaim(group: readonly Call[]): number {
  if (group.some(({ partition }) => partition.replicated)) return Infinity;
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

/** Whether a call touches what some calls write, or they what it writes. */
function touches(group: readonly Call[], other: Call): boolean {
  const meets = (a: Call, b: Call) =>
    [...a.partition.writes.keys()].some((buffer) =>
      b.partition.reads.has(buffer) || b.partition.writes.has(buffer)
    );
  return group.some((call) => meets(call, other) || meets(other, call));
}
