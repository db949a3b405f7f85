/** What the tests of the WebAssembly kernels share. */
import {
  instantiateKernels,
  type KernelExports,
  relaxedSimd,
} from "../../../core/cpu/kernels/load.ts";

/** What lies where no kernel may write. */
export const canary = -12345.5;

/** The builds that run here: with fused multiply-adds, and without. */
export const variants = relaxedSimd() ? [true, false] : [false];

/** A small generator of integers below `below`, the same at every run. */
export function numbers(seed: number): (below: number) => number {
  return (below) => {
    seed = Math.imul(seed, 1664525) + 1013904223 >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
}

/** Where a share of `units` begins, as the kernels cut them; its bound has moved so far, of 65,536. */
export function boundary(units: number, share: number, shares: number, moved = 0): number {
  if (share === 0 || share === shares) return share && units;
  const exact = units * (Math.floor(65536 * share / shares) + moved) / 65536;
  const grain = units < 8 * shares ? 1 : units < 128 * shares ? 4 : 16;
  return Math.min(units, Math.floor((exact + grain / 2) / grain) * grain);
}

/** Where the control block is, the first block of a device's memory. */
export const control = 64;

/** Memory with a control block, scratch for each thread, and free space behind. */
export function arena(pages = 512) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  const table = new WebAssembly.Table({ initial: 4, element: "anyfunc" });
  const scratch = 1024;
  const words = new Uint32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  return { memory, table, control, scratch, words, floats };
}

/** Kernels of one build, with memory. */
export function world(relaxed: boolean): ReturnType<typeof arena> & { kernels: KernelExports } {
  const place = arena();
  return { ...place, kernels: instantiateKernels(place.memory, place.table, relaxed) };
}
