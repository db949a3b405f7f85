/**
 * Which ways the kernels have gone, a bit each, as `kernelWays` of `load.ts`: a faster way gives the
 * same bits as the general one, so nothing else tells the tests that it is taken.
 */
let gone: u32 = 0;

export const onWinograd: u32 = 1;
export const onPointwise: u32 = 2;
export const onChannelwise: u32 = 4;
export const onThreeTaps: u32 = 8;
export const onImages: u32 = 16;
export const onLines: u32 = 32;
export const onTiles: u32 = 64;
export const onPackedA: u32 = 128;
export const onPackedB: u32 = 256;
export const onHeldB: u32 = 512;
export const onRow: u32 = 1024;
export const onSparse: u32 = 2048;
export const onLists: u32 = 4096;

/** Says that a kernel goes this way. */
export function go(way: u32): void {
  gone |= way;
}

/** The ways gone since the last call. */
export function ways(): u32 {
  const all = gone;
  gone = 0;
  return all;
}
