import type { BufferSpec, Call, StructuredCall } from "../graph/call.ts";
import { bytesPerElement } from "../graph/dtype.ts";
import { sizeOf } from "../graph/shape.ts";
import { type ConvolutionAttributes, suitsWinograd } from "../graph/window.ts";

/** Calls of a phase, one behind the other, that a thread does together, some units at a time. */
export interface Chain {
  /** Place of the first call. */
  readonly first: number;
  /** Calls. */
  readonly length: number;
  /** Units at a time. */
  readonly units: number;
}

/** Bytes that stay in a thread's second cache, beside packed operands. */
const cached = 360 << 10;

/** Outputs for which packing a convolution's kernel anew pays. */
const fewestOutputs = 256;
/** Outputs for which changing a kernel pays, where tiles are changed. */
const fewestOfTiles = 1024;
/** Inputs of an output from which the kernel works on images six at a time. */
const inputsOfImages = 48;
const imagesAtOnce = 6;

/** Structured ops that only pass over their operands. */
const passes = new Set(["maxPool", "sumPool", "maxPoolSelect", "maxPoolGradient"]);

/**
 * Chains of a phase: neighbours with the same units, the first of any kind and the others loops or
 * poolings. What one has written of a few units the next finds in the cache, where it would otherwise
 * come from memory. Inside a phase no unit needs another one, so the results are the same.
 */
export function findChains(calls: readonly Call[], buffers: readonly BufferSpec[]): Chain[] {
  const chains: Chain[] = [];
  for (let first = 0; first < calls.length;) {
    const { units } = calls[first].partition;
    const least = fewestUnits(calls[first]);
    const inLine = new BuffersInLine(buffers);
    // How many units of the calls up to this one lie in the cache together.
    const unitsWith = (call: Call) => Math.floor(cached * units / Math.max(1, inLine.add(call)));
    let length = 1;
    let atOnce = unitsWith(calls[first]);
    while (first + length < calls.length && follows(calls[first], calls[first + length])) {
      const longer = unitsWith(calls[first + length]);
      if (longer < least) break;
      atOnce = longer;
      length++;
    }
    if (length > 1 && atOnce < units) {
      chains.push({ first, length, units: atOnce - atOnce % least });
    }
    first += length;
  }
  return chains;
}

function follows(head: Call, call: Call): boolean {
  const light = call.kind === "loop" || passes.has(call.name);
  return light && call.partition.units === head.partition.units;
}

/** The buffers that some calls touch in line with their units. */
class BuffersInLine {
  readonly #touched = new Set<number>();
  #bytes = 0;

  constructor(private readonly buffers: readonly BufferSpec[]) {}

  /** Adds those of a call; gives the bytes of all. */
  add({ partition: { reads, writes } }: Call): number {
    for (const [index, inLine] of [...reads, ...writes]) {
      if (!inLine || this.#touched.has(index)) continue;
      this.#touched.add(index);
      const { elements, dtype } = this.buffers[index];
      this.#bytes += elements * bytesPerElement(dtype);
    }
    return this.#bytes;
  }
}

/** Units below which a call would do much more than its share of the work. */
export function fewestUnits(call: Call): number {
  if (call.kind === "loop" || passes.has(call.name)) return 1;
  return call.name === "convolution" ? fewestImages(call) : Infinity;
}

function fewestImages(call: StructuredCall): number {
  const { attributes, operands: [x, kernel], output, partition } = call;
  if (partition.units !== output.shape[0]) return Infinity;
  if (suitsWinograd(attributes as unknown as ConvolutionAttributes, x.shape, output.shape)) {
    return Math.ceil(fewestOfTiles / sizeOf(output.shape.slice(1, 4)));
  }
  const inputs = sizeOf(kernel.shape.slice(0, 3)) * x.shape[4];
  const images = Math.ceil(fewestOutputs / sizeOf(output.shape.slice(1, 4)));
  return inputs < inputsOfImages ? images : Math.ceil(images / imagesAtOnce) * imagesAtOnce;
}
