/** The product of a single row, of which nothing is used twice: nothing is packed. */
import { madd, store2, strip1x1k, strip1x2k, strip1x8k } from "./strips";

/** One row: many columns at once hide the latency of the additions. */
export function row(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  columns: i32,
  k: i32,
  resume: i32,
): void {
  while (columns >= 32) {
    strip1x8k(a, aStep, 0, b, bStep, c, 0, 1, 32, k, resume);
    b += 128;
    c += 128;
    columns -= 32;
  }
  while (columns > 0) {
    if (columns > 4) strip1x2k(a, aStep, 0, b, bStep, c, 0, 1, columns, k, resume);
    else strip1x1k(a, aStep, 0, b, bStep, c, 0, 1, columns, k, resume);
    b += 32;
    c += 32;
    columns -= 8;
  }
}

/** One row, B stored by column: turned in registers, as nothing of it is used twice. */
export function rowTransposed(
  a: usize,
  aStep: usize,
  b: usize,
  columnStep: usize,
  c: usize,
  columns: i32,
  k: i32,
  resume: i32,
): void {
  for (let j = 0; j < columns; j += 8) {
    const b0 = b + <usize> j * columnStep;
    const b1 = b0 + (j + 1 < columns ? columnStep : 0);
    const b2 = b1 + (j + 2 < columns ? columnStep : 0);
    const b3 = b2 + (j + 3 < columns ? columnStep : 0);
    const b4 = b3 + (j + 4 < columns ? columnStep : 0);
    const b5 = b4 + (j + 5 < columns ? columnStep : 0);
    const b6 = b5 + (j + 6 < columns ? columnStep : 0);
    const b7 = b6 + (j + 7 < columns ? columnStep : 0);
    const to = c + <usize> j * 4;
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    if (resume) {
      low = v128.load(to);
      high = v128.load(to, 16);
    }
    let p = a;
    const end = <usize> k * 4;
    for (let i: usize = 0; i < end; i += 16) {
      const r0 = v128.load(b0 + i);
      const r1 = v128.load(b1 + i);
      const r2 = v128.load(b2 + i);
      const r3 = v128.load(b3 + i);
      const r4 = v128.load(b4 + i);
      const r5 = v128.load(b5 + i);
      const r6 = v128.load(b6 + i);
      const r7 = v128.load(b7 + i);
      const left = end - i;
      const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const t2 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
      const t3 = v128.shuffle<f32>(r6, r7, 0, 4, 1, 5);
      let x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(t0, t1, 0, 2), low);
      high = madd(x, v128.shuffle<i64>(t2, t3, 0, 2), high);
      if (left < 8) break;
      x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(t0, t1, 1, 3), low);
      high = madd(x, v128.shuffle<i64>(t2, t3, 1, 3), high);
      if (left < 12) break;
      const u0 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const u1 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      const u2 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      const u3 = v128.shuffle<f32>(r6, r7, 2, 6, 3, 7);
      x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(u0, u1, 0, 2), low);
      high = madd(x, v128.shuffle<i64>(u2, u3, 0, 2), high);
      if (left < 16) break;
      x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(u0, u1, 1, 3), low);
      high = madd(x, v128.shuffle<i64>(u2, u3, 1, 3), high);
    }
    store2(to, columns - j, low, high);
  }
}
