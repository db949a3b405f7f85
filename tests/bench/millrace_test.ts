/** The benchmark's own side of the comparison still runs, whatever becomes of the framework. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("run.ts", import.meta.url));

Deno.test("the benchmark measures Millrace on networks, inference and products", async () => {
  const networks = "small,inference-1,matmul-32x784x30";
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", script, "--peer", "millrace-1", "--rounds", "1"],
      ...["--network", networks],
    ],
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  assert.doesNotMatch(text, /failed/);
  const { rows } = JSON.parse(new TextDecoder().decode(stdout));
  assert.deepEqual(
    rows.map(({ network }: { network: string }) => network),
    networks.split(","),
  );
  for (const { microseconds, firstLoss } of rows) {
    assert.ok(microseconds.median > 0 && Number.isFinite(firstLoss));
  }
});
