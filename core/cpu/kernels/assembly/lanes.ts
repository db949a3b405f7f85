/** Up to four neighbours at once. */

/** Up to four floats; nothing is read behind them that is not there. */
@inline export function loadPart(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  let value = v128.load32_zero(at);
  if (count > 1) value = v128.load32_lane(at + 4, value, 1);
  if (count > 2) value = v128.load32_lane(at + 8, value, 2);
  return value;
}

@inline export function storePart(at: usize, count: i32, value: v128): void {
  if (count >= 4) {
    v128.store(at, value);
    return;
  }
  v128.store32_lane(at, value, 0);
  if (count > 1) v128.store32_lane(at + 4, value, 1);
  if (count > 2) v128.store32_lane(at + 8, value, 2);
}
