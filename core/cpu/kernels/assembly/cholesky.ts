/** Roots of the symmetric matrices [start,end); of one that is not positive definite NaN. */
export function cholesky(record: usize, start: i32, end: i32): void {
  const a = <usize> load<u32>(record, 16);
  const out = <usize> load<u32>(record, 20);
  const size = load<i32>(record, 24);
  const pitch = <usize> size * 4;
  for (let matrix = start; matrix < end; ++matrix) {
    const first = <usize> matrix * <usize> size * pitch;
    memory.fill(out + first, 0, <usize> size * pitch);
    for (let i = 0; i < size; ++i) {
      const mine = out + first + <usize> i * pitch;
      const given = a + first + <usize> i * pitch;
      for (let j = 0; j <= i; ++j) {
        const other = out + first + <usize> j * pitch;
        let left = load<f32>(given + <usize> j * 4);
        for (let k: usize = 0; k < <usize> j * 4; k += 4) {
          left -= load<f32>(mine + k) * load<f32>(other + k);
        }
        const value = i == j
          ? left > 0 ? sqrt<f32>(left) : f32.NaN
          : left / load<f32>(other + <usize> j * 4);
        store<f32>(mine + <usize> j * 4, value);
      }
    }
  }
}
