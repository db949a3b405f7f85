import { DataError } from "../core/graph/errors.ts";
import { type NpyArray, parseNpy } from "./npy.ts";

/**
 * Reads the arrays of an archive that NumPy has saved: `np.savez("data.npz", x=x, y=y)`, compressed or
 * not.
 *
 * @param bytes The file.
 * @param options `file`: its name, for messages.
 * @returns The arrays by their names, as {@linkcode parseNpy} gives them.
 * @throws {DataError} If it is no such archive, is damaged, or holds something else.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseNpz } from "@millrace/millrace";
 *
 * await assert.rejects(parseNpz(Uint8Array.of(1, 2), { file: "mnist.npz" }), /mnist\.npz/);
 * // const { x_train, y_train } = await parseNpz(await Deno.readFile("mnist.npz"));
 * // const data = arrays(x_train, y_train, { classes: 10, scale: 1 / 255 });
 * ```
 *
 * NumPy: `numpy.load` of an archive.
 */
export async function parseNpz(
  bytes: Uint8Array,
  options: { readonly file?: string } = {},
): Promise<Record<string, NpyArray>> {
  const { file = "an archive of NumPy" } = options;
  const { unzipSync } = await import("fflate");
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes);
  } catch (cause) {
    throw new DataError(
      `Cannot read "${file}" as it must be an archive that NumPy has saved (.npz): ` +
        (cause as Error).message,
      { file, cause },
    );
  }
  return Object.fromEntries(
    Object.entries(files).map(([name, array]) =>
      [name.replace(/\.npy$/, ""), parseNpy(array, { file: `${file}/${name}` })] as const
    ),
  );
}
