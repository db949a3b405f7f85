/** Runs of lines, sorted and merged; `core/ops/sorted_runs.ts` says what is found. */

let values: usize = 0;
let turned: u32 = 0;

/** A number that is the larger the later an element comes; of equal ones the place decides. */
function keyOf(element: u32): u32 {
  const bits = load<u32>(values + <usize> element * 4);
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return ~turned;
  if (size == 0) return 0x80000000 ^ turned;
  return (bits >>> 31 ? ~bits : bits | 0x80000000) ^ turned;
}

/** Sets a line as that whose elements have keys. */
function begin(record: usize, line: i32): void {
  values = <usize> load<u32>(record, 16) + <usize> (line * load<i32>(record, 32)) * 4;
  turned = load<u32>(record, 40) ? 0xffffffff : 0;
}

/** Runs [start,end), each by putting one element after the other in its place. */
export function sortRuns(record: usize, start: i32, end: i32): void {
  const out = <usize> load<u32>(record, 24);
  const lines = load<i32>(record, 28);
  const size = load<i32>(record, 32);
  const run = load<i32>(record, 36);
  const pieces = (size + run - 1) / run;
  for (let unit = start; unit < end; ++unit) {
    const line = unit / pieces;
    const first = unit % pieces * run;
    const last = first + run < size ? first + run : size;
    begin(record, line);
    const order = out + <usize> (line * size) * 4;
    const places = order + <usize> (lines * size) * 4;
    for (let element = first; element < last; ++element) {
      const key = keyOf(element);
      let at = element;
      for (; at > first; --at) {
        const before = load<u32>(order + <usize> (at - 1) * 4);
        if (keyOf(before) <= key) break;
        store<u32>(order + <usize> at * 4, before);
      }
      store<u32>(order + <usize> at * 4, element);
    }
    for (let at = first; at < last; ++at) {
      store<u32>(places + <usize> load<u32>(order + <usize> at * 4) * 4, at);
    }
  }
}

/** Pairs of runs [start,end), each made one run. */
export function mergeRuns(record: usize, start: i32, end: i32): void {
  const given = <usize> load<u32>(record, 20);
  const out = <usize> load<u32>(record, 24);
  const lines = load<i32>(record, 28);
  const size = load<i32>(record, 32);
  const run = load<i32>(record, 36);
  const pieces = (size + 2 * run - 1) / (2 * run);
  for (let unit = start; unit < end; ++unit) {
    const line = unit / pieces;
    const first = unit % pieces * 2 * run;
    const middle = first + run < size ? first + run : size;
    const last = middle + run < size ? middle + run : size;
    begin(record, line);
    const from = given + <usize> (line * size) * 4;
    const order = out + <usize> (line * size) * 4;
    const places = order + <usize> (lines * size) * 4;
    let left = first;
    let right = middle;
    let a = load<u32>(from + <usize> left * 4);
    let b: u32 = 0;
    let keyA = keyOf(a);
    let keyB: u32 = 0;
    if (right < last) {
      b = load<u32>(from + <usize> right * 4);
      keyB = keyOf(b);
    }
    for (let at = first; at < last; ++at) {
      // Elements of the left run stood before those of the right one.
      const takesLeft = right == last || (left < middle && keyA <= keyB);
      const element = takesLeft ? a : b;
      store<u32>(order + <usize> at * 4, element);
      store<u32>(places + <usize> element * 4, at);
      if (takesLeft) {
        if (++left < middle) {
          a = load<u32>(from + <usize> left * 4);
          keyA = keyOf(a);
        }
      } else if (++right < last) {
        b = load<u32>(from + <usize> right * 4);
        keyB = keyOf(b);
      }
    }
  }
}
