/**
 * A WebAssembly module whose one function writes the time: a record of kind 1 that calls it has the
 * address of thread 0's mark in word 5, and in word 6 the bytes from one thread's mark to the next.
 *
 *     (start, end, words) => f64.store(words[0] + thread * words[1], clock())
 */
export const clockModule: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  // Types: () => f64, and that of every loop.
  ...[1, 11, 2, 96, 0, 1, 124, 96, 3, 127, 127, 127, 0],
  // Imports: env.memory (shared), env.clock, env.thread.
  ...[2, 44, 3, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 3, 1, 128, 128, 4],
  ...[3, 101, 110, 118, 5, 99, 108, 111, 99, 107, 0, 0],
  ...[3, 101, 110, 118, 6, 116, 104, 114, 101, 97, 100, 3, 127, 0],
  ...[3, 2, 1, 1, 7, 5, 1, 1, 48, 0, 1],
  ...[10, 23, 1, 21, 0, 32, 2, 40, 2, 0, 35, 0, 32, 2, 40, 2, 4, 108, 106, 16, 0, 57, 3, 0, 11],
);

/** Name under which a thread pool knows the function. */
export const clockKey = "clock";
