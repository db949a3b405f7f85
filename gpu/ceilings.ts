import copySource from "./kernels/copy_block.wgsl" with { type: "text" };
import multiplyAddsSource from "./kernels/multiply_adds.wgsl" with { type: "text" };
import type { Ceilings } from "../core/graph/profile.ts";
import { uniformAlignment } from "./uniforms.ts";
import type { GpuClock } from "./gpu_clock.ts";
import type { Resources } from "./resources.ts";
import type { ShaderModule } from "./shader_builder.ts";

/** Threads of a workgroup, as the kernels say. */
const lanes = 64;
/** Workgroups of the arithmetic. */
const groups = 2048;
/** Multiply-adds of a thread in a turn: eight vectors of four. */
const flopsPerTurn = groups * lanes * 8 * 4 * 2;
/** Workgroups that a dispatch may have. */
const mostGroups = 65535;
/** Bytes that are copied, where a binding may be twice as long. */
const copied = 1 << 26;
/** Milliseconds that a run takes at least: more where only the host's clock is there. */
const leastByTimestamps = 2;
const leastByHost = 30;
const runs = 3;

/**
 * Measures a GPU. Arithmetic: 131,072 threads take multiply-adds from registers, 8 vectors of four
 * f32 each. Memory: a kernel copies 64 MiB. Both are repeated until a run takes milliseconds, and
 * the best of three such runs counts.
 */
export async function measureGpu(resources: Resources, clock: GpuClock): Promise<Ceilings> {
  const bytes = Math.min(2 * copied, resources.largestBuffer);
  const memory = resources.buffer("a measurement", bytes, GPUBufferUsage.STORAGE);
  const vectors = Math.min(mostGroups, Math.floor(memory.size / 2 / 16 / lanes)) * lanes;
  const places = resources.buffer(
    "the arguments of a measurement",
    uniformAlignment,
    GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  );
  const argument = (value: number) =>
    resources.device.queue.writeBuffer(places, 0, Uint32Array.of(value));
  try {
    const arithmetic = bindKernel(resources, multiplyAddsSource, places, memory);
    const turnsPerMillisecond = await fastest(clock, (turns) => {
      argument(turns);
      return (pass) => {
        arithmetic(pass);
        pass.dispatchWorkgroups(groups);
      };
    });
    const copy = bindKernel(resources, copySource, places, memory);
    argument(vectors);
    const copiesPerMillisecond = await fastest(clock, (copies) => (pass) => {
      copy(pass);
      for (let turn = 0; turn < copies; turn++) {
        pass.dispatchWorkgroups(vectors / lanes);
      }
    });
    return {
      flops: turnsPerMillisecond * flopsPerTurn * 1000,
      bytes: copiesPerMillisecond * vectors * 32 * 1000,
    };
  } finally {
    memory.destroy();
    places.destroy();
  }
}

/** Sets the pipeline and memory of a kernel in a pass. */
function bindKernel(
  resources: Resources,
  wgsl: string,
  places: GPUBuffer,
  memory: GPUBuffer,
): (pass: GPUComputePassEncoder) => void {
  const shader: ShaderModule = { wgsl, memories: [{ memory: 0, type: "write" }], places: [] };
  const pipeline = resources.pipeline(shader, "a measurement");
  // The kernel has no scalars, but every pipeline has their group.
  const scalars = resources.bindGroup(resources.scalarLayout, [{ buffer: places, size: 16 }]);
  const layout = resources.layout(shader.memories);
  const group = resources.bindGroup(layout, [{ buffer: places }, { buffer: memory }]);
  return (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, scalars, [0]);
    pass.setBindGroup(1, group);
  };
}

/** How many turns fit into a millisecond, at best. */
export async function fastest(
  clock: GpuClock,
  prepare: (turns: number) => (pass: GPUComputePassEncoder) => void,
): Promise<number> {
  const least = clock.hasTimestamps ? leastByTimestamps : leastByHost;
  let turns = 1;
  let time = await clock.duration(prepare(turns));
  while (time < least && turns < 1 << 24) {
    // A short run is mostly noise: not too far at once.
    turns *= Math.ceil(Math.min(16, Math.max(2, 1.5 * least / Math.max(time, 0.01))));
    time = await clock.duration(prepare(turns));
  }
  for (let run = 1; run < runs; run++) time = Math.min(time, await clock.duration(prepare(turns)));
  return turns / time;
}
