const types: Record<string, [code: number, size: number, setter: keyof DataView]> = {
  u8: [0x08, 1, "setUint8"],
  i8: [0x09, 1, "setInt8"],
  i16: [0x0b, 2, "setInt16"],
  i32: [0x0c, 4, "setInt32"],
  f32: [0x0d, 4, "setFloat32"],
  f64: [0x0e, 8, "setFloat64"],
};

/** Writes an IDX file. */
export function idx(dtype: string, shape: number[], values: ArrayLike<number>): Uint8Array {
  const [code, size, setter] = types[dtype];
  const start = 4 + 4 * shape.length;
  const bytes = new Uint8Array(start + size * values.length);
  bytes.set([0, 0, code, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((length, axis) => view.setUint32(4 + 4 * axis, length));
  const set = (view[setter] as (at: number, value: number) => void).bind(view);
  Array.from(values, (value, i) => set(start + size * i, value));
  return bytes;
}

/** Compresses bytes by gzip. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = ReadableStream.from([bytes.slice()]).pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

/** Joins bytes. */
export function join(...parts: ArrayLike<number>[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

/** Runs a test in a folder of its own, holding the files given. */
export async function withFiles(
  files: Record<string, Uint8Array>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries(files)) {
      await Deno.writeFile(`${folder}/${name}`, bytes);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
