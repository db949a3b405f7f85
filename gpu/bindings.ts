import type { Tensor } from "../core/graph/tensor.ts";
import { recordMemory } from "./call.ts";
import type { CompiledPlan } from "./compile.ts";
import type { Resources } from "./resources.ts";
import { uniformAlignment } from "./uniforms.ts";

/** A dispatch with everything that it needs. */
export interface BoundDispatch {
  /** Compiled shader. */
  readonly pipeline: GPUComputePipeline;
  /** Its memories. */
  readonly group: GPUBindGroup;
  /** Workgroups along x. */
  readonly x: number;
  /** Workgroups along y. */
  readonly y: number;
  /** What it computes. */
  readonly label: string;
}

/** Memories of a plan other than leaves. */
export interface PlanMemories {
  /** The arenas, by the numbers that stand for them. */
  readonly arenas: ReadonlyMap<number, GPUBuffer>;
  /** Batches that are kept as bytes, and copies of states, by buffer. */
  readonly own: ReadonlyMap<number, GPUBuffer>;
  /** Recorded outputs. */
  readonly record: GPUBuffer | null;
  /** Where operands begin, a slice a dispatch. */
  readonly places: GPUBuffer;
}

/** Writes where the operands of each dispatch begin; kernels with equal text differ in it alone. */
export function makePlaces(compiled: CompiledPlan, resources: Resources): GPUBuffer {
  const lengths = compiled.dispatches.map(({ shader }) => sliceBytes(shader.places.length));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const buffer = resources.buffer(
    "the places of operands",
    total,
    GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  );
  const words = new Uint32Array(total / 4);
  let start = 0;
  compiled.dispatches.forEach(({ shader }, number) => {
    words.set(shader.places, start / 4);
    start += lengths[number];
  });
  if (total > 0) resources.device.queue.writeBuffer(buffer, 0, words);
  return buffer;
}

/** Makes the pipelines and bind groups of a plan. */
export function bindDispatches(
  compiled: CompiledPlan,
  resources: Resources,
  memories: PlanMemories,
  leafBuffer: (leaf: Tensor) => GPUBuffer,
): BoundDispatch[] {
  let start = 0;
  const bufferOf = (memory: number): GPUBuffer => {
    if (memory === recordMemory) return memories.record!;
    return memories.arenas.get(memory) ?? memories.own.get(memory) ??
      leafBuffer(compiled.buffers[memory].leaf as Tensor);
  };
  return compiled.dispatches.map(({ shader, groups: [x, y], label }) => {
    const size = sliceBytes(shader.places.length);
    const resourcesOf = [
      { buffer: memories.places, offset: start, size },
      ...shader.memories.map(({ memory, window }) => ({ buffer: bufferOf(memory), ...window })),
    ];
    start += size;
    const pipeline = resources.pipeline(shader, label);
    const group = resources.bindGroup(resources.layout(shader.memories), resourcesOf);
    return { pipeline, group, x, y, label };
  });
}

function sliceBytes(places: number): number {
  return Math.max(1, Math.ceil(places * 4 / uniformAlignment)) * uniformAlignment;
}
