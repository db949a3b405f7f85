import { KernelError, ShapeError } from "../core/graph/errors.ts";
import type { Faults } from "./faults.ts";
import type { GpuStatistics } from "./statistics.ts";
import type { ShaderModule } from "./shader_builder.ts";
import type { Tuning } from "./tuning.ts";

/** What kernels read and write, through storage or uniform bindings, and the host reads. */
export function memoryUsage(): GPUBufferUsageFlags {
  return GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC;
}

/** WebGPU's names of bindings. */
const bindingTypes = { read: "read-only-storage", write: "storage", uniform: "uniform" } as const;

/** Makes a device's objects, counts them, and keeps those that plans can share. */
export class Resources {
  /** What was made so far. */
  readonly statistics: GpuStatistics = {
    buffers: 0,
    stagingBuffers: 0,
    arenaBytes: 0,
    pipelines: 0,
    bindGroups: 0,
    submits: 0,
    dispatches: 0,
  };
  /** Layout of the step's scalar block: group 0 of every pipeline. */
  readonly scalarLayout: GPUBindGroupLayout;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  /** @param device WebGPU's device. @param faults Its errors. @param tuning Its limits. */
  constructor(
    /** WebGPU's device. */
    readonly device: GPUDevice,
    private readonly faults: Faults,
    private readonly tuning: Tuning,
  ) {
    this.scalarLayout = device.createBindGroupLayout({
      entries: [{
        binding: 0,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "uniform", hasDynamicOffset: true },
      }],
    });
  }

  /** Bytes of the largest buffer that can be made. */
  get largestBuffer(): number {
    return this.tuning.bindingBytes;
  }

  /**
   * Makes a zeroed buffer.
   *
   * @throws {ShapeError} when it is larger than the device can bind.
   */
  buffer(name: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const limit = this.tuning.bindingBytes;
    if (bytes > limit) {
      throw new ShapeError(
        `Cannot allocate ${name} as the GPU binds at most ${limit} bytes: received ${bytes} ` +
          "(use smaller batches, or keep the data on the CPU)",
      );
    }
    if (usage & GPUBufferUsage.MAP_READ) this.statistics.stagingBuffers++;
    else this.statistics.buffers++;
    // Bindings are at least a vector long, and copies go in steps of four bytes.
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    return this.faults.watch(
      () => this.device.createBuffer({ label: name, size, usage }),
      (message) => new KernelError(`Cannot allocate ${name} of ${bytes} bytes: ${message}`),
    );
  }

  /** The layout of a kernel's own bindings: where its operands begin, then its memories. */
  layout(memories: ShaderModule["memories"]): GPUBindGroupLayout {
    const key = memories.map(({ type }) => type).join(" ");
    let layout = this.#layouts.get(key);
    if (!layout) {
      const visibility = GPUShaderStage.COMPUTE;
      layout = this.device.createBindGroupLayout({
        entries: [
          { binding: 0, visibility, buffer: { type: "uniform" } },
          ...memories.map(({ type }, place): GPUBindGroupLayoutEntry => ({
            binding: place + 1,
            visibility,
            buffer: { type: bindingTypes[type] },
          })),
        ],
      });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /** The pipeline of a shader: found by its text, or made. */
  pipeline(shader: ShaderModule, label: string): GPUComputePipeline {
    const known = this.#pipelines.get(shader.wgsl);
    if (known) return known;
    this.statistics.pipelines++;
    let module: GPUShaderModule | undefined;
    const pipeline = this.faults.watch(() => {
      module = this.device.createShaderModule({ label, code: shader.wgsl });
      return this.device.createComputePipeline({
        label,
        layout: this.device.createPipelineLayout({
          bindGroupLayouts: [this.scalarLayout, this.layout(shader.memories)],
        }),
        compute: { module, entryPoint: "main" },
      });
    }, async (message) => {
      const info = await module?.getCompilationInfo();
      const notes = (info?.messages ?? []).map(({ lineNum, message }) =>
        `line ${lineNum}: ${message}`
      );
      const text = [message, ...notes].join("\n");
      return new KernelError(
        `Cannot compile the kernel of ${label}: ${text}\n${numbered(shader.wgsl)}`,
        numbered(shader.wgsl),
      );
    });
    this.#pipelines.set(shader.wgsl, pipeline);
    return pipeline;
  }

  /** Binds memory to a layout. */
  bindGroup(layout: GPUBindGroupLayout, resources: readonly GPUBufferBinding[]): GPUBindGroup {
    this.statistics.bindGroups++;
    return this.faults.watch(
      () =>
        this.device.createBindGroup({
          layout,
          entries: resources.map((resource, binding) => ({ binding, resource })),
        }),
      (message) => new KernelError(`Cannot bind memory to a kernel: ${message}`),
    );
  }
}

function numbered(source: string): string {
  return source.trimEnd().split("\n")
    .map((line, index) => `${String(index + 1).padStart(4)} ${line}`).join("\n");
}
