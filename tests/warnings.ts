/** Runs `body` and gives what it wrote to console.error. */
export async function warningsOf(body: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = [];
  const write = console.error;
  console.error = (...words: unknown[]) => void warnings.push(words.join(" "));
  try {
    await body();
  } finally {
    console.error = write;
  }
  return warnings;
}
