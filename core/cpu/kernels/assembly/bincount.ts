/** How often each number from 0 stands in lines [start,end). */
export function bincount(record: usize, start: i32, end: i32): void {
  const size = load<i32>(record, 24);
  const bins = load<u32>(record, 28);
  const x = <usize> load<u32>(record, 16) + <usize> (start * size) * 4;
  const out = <usize> load<u32>(record, 20) + <usize> (<u32> start * bins) * 4;
  memory.fill(out, 0, <usize> (<u32> (end - start) * bins) * 4);
  for (let line = 0; line < end - start; ++line) {
    const counts = out + <usize> (<u32> line * bins) * 4;
    const first = x + <usize> (line * size) * 4;
    for (let i = 0; i < size; ++i) {
      const bin = load<u32>(first + <usize> i * 4);
      if (bin >= bins) continue;
      const at = counts + <usize> bin * 4;
      store<u32>(at, load<u32>(at) + 1);
    }
  }
}
