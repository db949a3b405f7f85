import patchSource from "./kernels/patch.wgsl" with { type: "text" };
import { uniformAlignment } from "./uniforms.ts";
import type { Resources } from "./resources.ts";
import type { ShaderModule } from "./shader_builder.ts";

const shader: ShaderModule = {
  wgsl: patchSource,
  memories: [{ memory: 0, type: "write" }],
  places: [],
};

/** Sets single bytes of memory, which WebGPU's own writes cannot: they go in words. */
export class WordPatch {
  #arguments: GPUBuffer | null = null;

  /** @param resources Makes the kernel when it is first needed. */
  constructor(private readonly resources: Resources) {}

  /** Replaces the bits of `mask` in a word of `buffer` by those of `value`. */
  apply(buffer: GPUBuffer, word: number, mask: number, value: number): void {
    const { device, scalarLayout, statistics } = this.resources;
    this.#arguments ??= this.resources.buffer(
      "the arguments of a byte write",
      uniformAlignment,
      GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    );
    const places = { buffer: this.#arguments };
    const layout = this.resources.layout(shader.memories);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.resources.pipeline(shader, "a byte write"));
    // The kernel has no scalars, but every pipeline has their group.
    pass.setBindGroup(0, this.resources.bindGroup(scalarLayout, [{ ...places, size: 16 }]), [0]);
    pass.setBindGroup(1, this.resources.bindGroup(layout, [places, { buffer }]));
    pass.dispatchWorkgroups(1);
    pass.end();
    device.queue.writeBuffer(this.#arguments, 0, Uint32Array.of(word, mask, value));
    device.queue.submit([encoder.finish()]);
    statistics.submits++;
    statistics.dispatches++;
  }

  /** Frees the arguments' memory. */
  dispose(): void {
    this.#arguments?.destroy();
  }
}
