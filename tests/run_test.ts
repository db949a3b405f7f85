import assert from "node:assert/strict";
import { alone, hasPassed } from "./run.ts";

const ok = "a test ... ok (2ms)\n\n\x1b[0m\x1b[32mok\x1b[0m | 12 passed | 0 failed (3s)\n\n";
const failed = "a test ... FAILED\n\nFAILED | 11 passed | 1 failed (3s)\n\nerror: Test failed\n";

Deno.test("a run of tests has passed by its exit code", () => {
  assert(hasPassed(0, ok));
  assert(!hasPassed(1, failed));
  // Such as a file that does not compile, beside tests that passed.
  assert(!hasPassed(1, ok));
});

Deno.test("a process that a signal ends has passed if its last verdict was said before", () => {
  assert(hasPassed(134, `${ok}malloc(): corrupted top size\n`));
  assert(!hasPassed(134, failed));
  assert(!hasPassed(139, "a test ... "));
});

Deno.test("what runs alone is there, and by this name", async () => {
  for (const path of alone) await Deno.stat(new URL(`../${path}`, import.meta.url));
});
