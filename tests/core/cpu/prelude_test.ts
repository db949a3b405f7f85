/** The functions that WebAssembly lacks, against `Math`, in units in the last place of float32. */
import assert from "node:assert/strict";
import { emitBody } from "../../../core/cpu/wasm/emit_expression.ts";
import { Code, simd, valueType, writeModule } from "../../../core/cpu/wasm/module.ts";
import { prelude } from "../../../core/cpu/wasm/prelude.ts";
import { errorInUnits, mulberry32 } from "../ops/generator.ts";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
const floats = new Float32Array(memory.buffer);

/** `source` as a function of up to three numbers; all four lanes must agree. */
function compile(source: string): (...values: number[]) => number {
  const code = new Code(3);
  const values = [0, 1, 2].map((place) => {
    const local = code.local(valueType.v128);
    code.i32(0).memory(simd.load, 16 * place).set(local);
    return { local, type: "f32" as const };
  });
  const result = emitBody(code, source, ["x", "y", "z"], values);
  code.i32(0).get(result.local).memory(simd.store, 64);
  const module = new WebAssembly.Module(writeModule([code]));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const call = exports[0] as () => void;
  return (...given) => {
    given.forEach((value, place) => floats.fill(value, 4 * place, 4 * place + 4));
    call();
    for (let lane = 17; lane < 20; lane++) {
      assert.ok(Object.is(floats[lane], floats[16]), `lanes differ on ${given}`);
    }
    return floats[16];
  };
}

const awkward = [
  ...[0, -0, 1, -1, 0.5, -0.5, NaN, Infinity, -Infinity],
  ...[1e-45, -1e-45, 1e-40, -1e-40, 1.17549435e-38, -1.17549435e-38, 1e-30],
  ...[3.4028234663852886e38, -3.4028234663852886e38, 1e30, -1e30],
  ...[88.7, 88.73, 89, 104, -87.3, -87.4, -103.9, -104, -200, 200],
  ...[Math.SQRT2, Math.SQRT1_2, Math.E, Math.LN2, Math.PI, Math.PI / 2, -Math.PI],
  ...[0.6249, 0.625, 0.6251, 9, 10, 20, -20, 1 + 2 ** -23, 1 - 2 ** -24],
].map(Math.fround);

interface Case {
  readonly name: string;
  readonly definition: (x: number) => number;
  /** Largest error allowed, in units. */
  readonly units: number;
  /** Where random points lie. */
  readonly range: readonly [number, number];
  /** Awkward points to leave out. */
  readonly except?: (x: number) => boolean;
  /** Results below this are measured by its unit. */
  readonly magnitude?: number;
}

const cases: readonly Case[] = [
  { name: "exp", definition: Math.exp, units: 2, range: [-104, 89] },
  { name: "exp", definition: Math.exp, units: 2, range: [-1, 1] },
  { name: "log", definition: Math.log, units: 2, range: [0, 1e6] },
  { name: "log", definition: Math.log, units: 2, range: [0.5, 2] },
  { name: "sign", definition: Math.sign, units: 0, range: [-2, 2], except: Number.isNaN },
];

for (const { name, definition, units, range, except, magnitude } of cases) {
  Deno.test(`${name} within ${units} units on ${range.join("…")} and at awkward points`, () => {
    const compiled = compile(`${name}(x)`);
    const random = mulberry32(21);
    const points = Array.from(
      { length: 20_000 },
      () => Math.fround(range[0] + (range[1] - range[0]) * random()),
    );
    let worst = 0, at = NaN;
    for (const x of [...awkward.filter((x) => !except?.(x)), ...points]) {
      const error = errorInUnits(compiled(x), definition(x), magnitude);
      if (error > worst) [worst, at] = [error, x];
    }
    assert.ok(
      worst <= units,
      `${name}(${at}) is ${compiled(at)}, not ${definition(at)}: ${worst} units`,
    );
  });
}

Deno.test("exp and log keep denormals, at the edges of float32", () => {
  const [exp, log] = [compile("exp(x)"), compile("log(x)")];
  for (const x of [-87.5, -90, -95, -100, -103]) {
    assert.ok(errorInUnits(exp(x), Math.exp(Math.fround(x))) <= 1, `exp(${x})`);
  }
  for (const x of [1e-45, 1e-44, 1e-42, 1e-39, 1.17549421e-38]) {
    assert.ok(errorInUnits(log(x), Math.log(Math.fround(x))) <= 2, `log(${x})`);
  }
  assert.deepEqual([exp(-104), exp(-Infinity), exp(89), exp(Infinity)], [0, 0, Infinity, Infinity]);
  assert.deepEqual([log(0), log(-0), log(-1e-45), log(Infinity)], [
    -Infinity,
    -Infinity,
    NaN,
    Infinity,
  ]);
});

Deno.test("pow of positive bases: the error grows with the exponent, as in exp(y·log(x))", () => {
  const pow = compile("pow(x, y)");
  const random = mulberry32(24);
  for (let turn = 0; turn < 20_000; turn++) {
    const x = Math.fround(Math.exp(random() * 10 - 5)), y = Math.fround(random() * 12 - 6);
    const units = 4 + 4 * Math.abs(y * Math.log(x));
    const error = errorInUnits(pow(x, y), Math.pow(x, y));
    assert.ok(error <= units, `pow(${x}, ${y}) is ${pow(x, y)}: ${error} units`);
  }
});

Deno.test("pow at awkward points", () => {
  const pow = compile("pow(x, y)");
  const points: [number, number, number][] = [
    [0, 0, 1],
    [0, 2, 0],
    [0, -1, Infinity],
    [1, 5, 1],
    [2, 0, 1],
    [2, -1, 0.5],
    [Infinity, 2, Infinity],
    [Infinity, -2, 0],
    [Infinity, 0, 1],
    [NaN, 2, NaN],
    [NaN, 0, 1],
    [0.5, Infinity, 0],
    [2, Infinity, Infinity],
    [2, -Infinity, 0],
    [1e30, 2, Infinity],
    [1e30, -2, 0],
    [1e-40, 0.5, Math.fround(1e-20)],
  ];
  for (const [x, y, expected] of points) {
    const actual = pow(x, y);
    assert.ok(errorInUnits(actual, expected) <= 64, `pow(${x}, ${y}) is ${actual}`);
  }
});

Deno.test("a power whose exponent is NaN is NaN", () => {
  assert.ok(Number.isNaN(compile("pow(x, y)")(2, NaN)));
});

Deno.test("clamp", () => {
  const clamp = compile("clamp(x, y, z)");
  assert.deepEqual([-5, 0.25, 5].map((x) => clamp(x, 0, 1)), [0, 0.25, 1]);
});

Deno.test("every function of the prelude is tested here", () => {
  const tested = new Set([...cases.map(({ name }) => name), "pow", "clamp"]);
  assert.deepEqual(Object.keys(prelude).filter((name) => !tested.has(name)), []);
});
