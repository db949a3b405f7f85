/** Sums over listed taps of a convolution of each channel by itself. */
import { madd, store1 } from "./strips";

/** Bytes of an entry of a list: addresses of an input and of a row of the kernel. */
export const entry: usize = 8;

/** One output: the sums over the listed taps, whose inputs lie `shift` bytes on. */
export function sumTaps(list: usize, taps: i32, shift: usize, y: usize, channels: i32): void {
  let c: usize = 0;
  const end = list + entry * <usize> taps;
  while (channels >= 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let at = list; at < end; at += entry) {
      const p = <usize> load<u32>(at) + shift + c;
      const q = <usize> load<u32>(at, 4) + c;
      s0 = madd(v128.load(p), v128.load(q), s0);
      s1 = madd(v128.load(p, 16), v128.load(q, 16), s1);
      s2 = madd(v128.load(p, 32), v128.load(q, 32), s2);
      s3 = madd(v128.load(p, 48), v128.load(q, 48), s3);
    }
    v128.store(y + c, s0);
    v128.store(y + c, s1, 16);
    v128.store(y + c, s2, 32);
    v128.store(y + c, s3, 48);
    c += 64;
    channels -= 16;
  }
  while (channels > 0) {
    let sum = f32x4.splat(0);
    for (let at = list; at < end; at += entry) {
      const p = <usize> load<u32>(at) + shift + c;
      const q = <usize> load<u32>(at, 4) + c;
      sum = madd(v128.load(p), v128.load(q), sum);
    }
    store1(y + c, channels, sum);
    c += 16;
    channels -= 4;
  }
}

/**
 * Four outputs `yStep` bytes apart that see the same taps of inputs `step` bytes apart: a row of the
 * kernel is read once for all.
 */
export function sumTaps4(
  list: usize,
  taps: i32,
  shift: usize,
  step: usize,
  y: usize,
  yStep: usize,
  channels: i32,
): void {
  const end = list + entry * <usize> taps;
  const step2 = 2 * step;
  const step3 = 3 * step;
  let c: usize = 0;
  for (; channels > 4; channels -= 8) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    for (let at = list; at < end; at += entry) {
      const p = <usize> load<u32>(at) + shift + c;
      const q = <usize> load<u32>(at, 4) + c;
      const low = v128.load(q);
      const high = v128.load(q, 16);
      a0 = madd(v128.load(p), low, a0);
      a1 = madd(v128.load(p, 16), high, a1);
      b0 = madd(v128.load(p + step), low, b0);
      b1 = madd(v128.load(p + step, 16), high, b1);
      c0 = madd(v128.load(p + step2), low, c0);
      c1 = madd(v128.load(p + step2, 16), high, c1);
      d0 = madd(v128.load(p + step3), low, d0);
      d1 = madd(v128.load(p + step3, 16), high, d1);
    }
    const at = y + c;
    v128.store(at, a0);
    v128.store(at + yStep, b0);
    v128.store(at + 2 * yStep, c0);
    v128.store(at + 3 * yStep, d0);
    store1(at + 16, channels - 4, a1);
    store1(at + yStep + 16, channels - 4, b1);
    store1(at + 2 * yStep + 16, channels - 4, c1);
    store1(at + 3 * yStep + 16, channels - 4, d1);
    c += 32;
  }
  if (channels <= 0) return;
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  for (let at = list; at < end; at += entry) {
    const p = <usize> load<u32>(at) + shift + c;
    const low = v128.load(<usize> load<u32>(at, 4) + c);
    a0 = madd(v128.load(p), low, a0);
    b0 = madd(v128.load(p + step), low, b0);
    c0 = madd(v128.load(p + step2), low, c0);
    d0 = madd(v128.load(p + step3), low, d0);
  }
  const at = y + c;
  store1(at, channels, a0);
  store1(at + yStep, channels, b0);
  store1(at + 2 * yStep, channels, c0);
  store1(at + 3 * yStep, channels, d0);
}
