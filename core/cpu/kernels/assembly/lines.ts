/** Lines of the input that a window sees. */
import { channelsOf, firstPlace, inputIndex, inputSize, tapsAlong } from "./window";

/** Copies `count` floats, or zeros from address 0. */
export function put(from: usize, count: i32, to: usize): void {
  if (!from) {
    memory.fill(to, 0, <usize> count * 4);
    return;
  }
  while (count >= 16) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    v128.store(to, v128.load(from, 48), 48);
    from += 64;
    to += 64;
    count -= 16;
  }
  while (count >= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
    count -= 4;
  }
  while (count > 0) {
    store<f32>(to, load<f32>(from));
    from += 4;
    to += 4;
    --count;
  }
}

/**
 * Writes down the lines of the input that a window sees, one for each tap of depth and height: where
 * it begins, or 0 for zeros. Returns their number.
 */
export function listLines(block: usize, image: usize, d: i32, h: i32, list: usize): i32 {
  const d0 = firstPlace(block, 0, d);
  const h0 = firstPlace(block, 1, h);
  const line = 4 * <usize> (inputSize(block, 2) * channelsOf(block));
  let count = 0;
  for (let i = 0; i < tapsAlong(block, 0); ++i) {
    const inD = inputIndex(block, 0, d0, i);
    for (let j = 0; j < tapsAlong(block, 1); ++j) {
      const inH = inputIndex(block, 1, h0, j);
      const at = inD < 0 || inH < 0
        ? 0
        : image + <usize> (inD * inputSize(block, 1) + inH) * line;
      store<u32>(list + 4 * <usize> count, <u32> at);
      ++count;
    }
  }
  return count;
}
