// The lessons run as a learner runs them, with no permissions, and what they print bears them out.
import assert from "node:assert/strict";

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

const repository = new URL("../../", import.meta.url);

async function run(name: string, ...options: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", `pipelines/${name}.ts`, ...options],
    cwd: repository,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a lesson to its end; every line must be one JSON text with the name of its event. */
async function lesson(name: string, ...options: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await run(name, ...options);
  assert.equal(code, 0, stderr);
  assert(stdout.endsWith("\n"));
  const lines: Line[] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert(lines.every(({ event }) => typeof event === "string"));
  assert(lines.some(({ event, reason }) => event === "end" && reason === "completed"));
  return lines;
}

const only = (lines: readonly Line[], event: string) =>
  lines.filter((line) => line.event === event);

Deno.test("logistic_regression: three weights tell 0 from 1 in 98 of 100 unseen digits", async () => {
  const lines = await lesson("logistic_regression");
  const [start] = only(lines, "start");
  assert.equal(start.parameters, 3);
  // MNIST has 5,923 zeros and 6,742 ones to train on, 980 and 1,135 to test on.
  assert.deepEqual(start.samples, { train: 12_665, validation: 2115 });
  const epochs = only(lines, "epoch");
  assert.equal(epochs.length, 5);
  const losses = epochs.map(({ loss }) => Number(loss));
  for (let at = 1; at < losses.length; at++) assert(losses[at] < losses[at - 1], `${losses}`);
  assert(Number(epochs[4].val_binary_accuracy) > 0.98);
  // A 1 has less ink than a 0, and more of it in the middle.
  const [{ ink, middle }] = only(lines, "weights");
  assert(Number(ink) < 0 && Number(middle) > 0);
});

Deno.test("numerical_gradient: both curves lie on each other, and fall", async () => {
  const lines = await lesson("numerical_gradient");
  const steps = only(lines, "step");
  assert.deepEqual(steps.map(({ step }) => step), Array.from({ length: 300 }, (_, at) => at + 1));
  for (const { step, numerical, backpropagation } of steps) {
    const distance = Math.abs(Number(numerical) - Number(backpropagation));
    assert(distance < 1e-5, `${distance} at step ${step}`);
  }
  // Not the same curve printed twice: a difference quotient is never quite the slope.
  assert(steps.slice(1).every(({ numerical, backpropagation }) => numerical !== backpropagation));
  // It starts near ln 2, where nothing is known, and ends with exclusive or learnt.
  assert(Math.abs(Number(steps[0].numerical) - Math.LN2) < 0.3);
  assert(Number(steps[299].numerical) < 0.1 && Number(steps[299].backpropagation) < 0.1);
});

Deno.test("linear_collapse: one layer does what three linear ones do, and not what relu does", async () => {
  const [linear, relu] = only(await lesson("linear_collapse"), "network");
  assert.deepEqual([linear.activation, relu.activation], ["linear", "relu"]);
  assert(Number(linear.largest_difference) < 1e-3);
  assert(Math.abs(Number(linear.deep_accuracy) - Number(linear.single_accuracy)) < 1e-3);
  assert(Number(relu.largest_difference) > 1);
  assert(Number(relu.deep_accuracy) > Number(linear.deep_accuracy) + 0.01);
  assert(Number(relu.deep_accuracy) > Number(relu.single_accuracy) + 0.01);
});

Deno.test("the same seed prints the same curve, another seed another one", async () => {
  const [first, again, other] = await Promise.all([
    run("numerical_gradient", "--seed", "1"),
    run("numerical_gradient", "--seed", "1"),
    run("numerical_gradient", "--seed", "2"),
  ]);
  assert.equal(first.stdout, again.stdout);
  assert.notEqual(first.stdout, other.stdout);
});

for (const name of ["logistic_regression", "numerical_gradient", "linear_collapse"]) {
  Deno.test(`${name}: --help explains it, a wrong option or value ends with 2`, async () => {
    const [help, unknown, wrong] = await Promise.all([
      run(name, "--help"),
      run(name, "--sed", "1"),
      run(name, "--seed", "abc"),
    ]);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /--seed N/);
    assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
    assert.match(unknown.stderr, /did you mean --seed/);
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /--seed expects a whole number.*received "abc"/s);
  });
}
