/** A folder of its own for a test that writes files, and what it writes. */

/** What a file holds at first. */
export const oldBytes = new TextEncoder().encode("the old checkpoint");
/** What is written over it. */
export const newBytes = crypto.getRandomValues(new Uint8Array(50_000));

/** Runs a test with a path in a new folder, which is gone afterwards. */
export async function inFolder(
  test: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/best.safetensors`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names in a folder, in order. */
export function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
