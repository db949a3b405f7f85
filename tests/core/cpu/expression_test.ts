/** The language of ops' bodies: what it means, and what it refuses. */
import assert from "node:assert/strict";
import { emitBody, type LaneType, laneType } from "../../../core/cpu/wasm/emit_expression.ts";
import { type Expression, parseBody } from "../../../core/cpu/wasm/expression.ts";
import { Code, simd, valueType, writeModule } from "../../../core/cpu/wasm/module.ts";
import { relaxedSimd } from "../../../core/cpu/kernels/load.ts";
import { KernelError } from "../../../core/graph/errors.ts";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
const words = new Uint32Array(memory.buffer);
const views = {
  f32: new Float32Array(memory.buffer),
  i32: new Int32Array(memory.buffer),
  u32: words,
  bool: words,
};

/** Four lanes of `source` on up to four operands; `bool` lanes are −1 or 0. */
function lanes(source: string, operands: readonly (readonly [LaneType, number[]])[]): number[] {
  const code = new Code(3);
  const values = operands.map(([type], place) => {
    const local = code.local(valueType.v128);
    code.i32(0).memory(simd.load, 16 * place).set(local);
    return { local, type };
  });
  const result = emitBody(code, source, ["x", "y", "z", "w"], values);
  code.i32(0).get(result.local).memory(simd.store, 64);
  const module = new WebAssembly.Module(writeModule([code]));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  operands.forEach(([type, lane], place) => views[type].set(lane, 4 * place));
  (exports[0] as () => void)();
  return Array.from(views[result.type === "bool" ? "i32" : result.type].subarray(16, 20));
}

const f32 = (...values: number[]) => ["f32", values] as const;
const i32 = (...values: number[]) => ["i32", values] as const;
const u32 = (...values: number[]) => ["u32", values] as const;

/** An expression with all its brackets. */
function text(node: Expression): string {
  switch (node.kind) {
    case "number":
      return `${node.value}${{ f32: "f", u32: "u", int: "" }[node.type]}`;
    case "name":
      return node.name;
    case "unary":
      return `(${node.operator}${text(node.operand)})`;
    case "binary":
      return `(${text(node.left)} ${node.operator} ${text(node.right)})`;
    case "call":
      return `${node.name}(${node.arguments.map(text).join(", ")})`;
  }
}

Deno.test("operators bind as in WGSL and lean to the left", () => {
  const brackets: [string, string][] = [
    ["x + y * z", "(x + (y * z))"],
    ["x - y - z", "((x - y) - z)"],
    ["x / y * z", "((x / y) * z)"],
    ["-x * y", "((-x) * y)"],
    ["x - -y", "(x - (-y))"],
    ["(x + y) * z", "((x + y) * z)"],
    ["x < y && y < z || !w", "(((x < y) && (y < z)) || (!w))"],
    ["(x & 3) << 2u", "((x & 3) << 2u)"],
    ["max(x, 0.0) + log(1.0 + exp(-abs(x)))", "(max(x, 0f) + log((1f + exp((-abs(x))))))"],
    ["bitcast<i32>(x) >> 23u", "(bitcast<i32>(x) >> 23u)"],
  ];
  for (const [source, expected] of brackets) {
    assert.equal(text(parseBody(source).result), expected, source);
  }
});

Deno.test("numbers: integers, unsigned, hexadecimal, real with point, exponent or suffix", () => {
  const numbers: [string, string][] = [
    ["7", "7"],
    ["7u", "7u"],
    ["0x1f", "31"],
    ["0xffu", "255u"],
    ["1.5", "1.5f"],
    ["2.", "2f"],
    [".5", "0.5f"],
    ["1e3", "1000f"],
    ["1.5e-3", "0.0015f"],
    ["3f", "3f"],
    ["2.5f", "2.5f"],
    ["0xff", "255"],
  ];
  for (const [source, expected] of numbers) {
    assert.equal(text(parseBody(source).result), expected, source);
  }
});

Deno.test("let lines name values for the lines after them", () => {
  const { lets, result } = parseBody("let a = x * x; let b = a + 1.0; a / b");
  assert.deepEqual(lets.map(({ name, value }) => `${name} = ${text(value)}`), [
    "a = (x * x)",
    "b = (a + 1f)",
  ]);
  assert.equal(text(result), "(a / b)");
  assert.deepEqual(lanes("let a = x * x; let b = a + 1.0; a / b", [f32(0, 1, 2, 3)]), [
    0,
    0.5,
    Math.fround(0.8),
    Math.fround(0.9),
  ]);
});

Deno.test("a body that is no expression is refused with its text", () => {
  for (const source of ["x +", "x y", "(x", "let a = 1", "let a x; a", "x @ y", "", "f(x"]) {
    assert.throws(() => parseBody(source), KernelError, source);
  }
  const compile = (source: string) => () => lanes(source, [f32(1, 2, 3, 4), u32(1, 2, 3, 4)]);
  assert.throws(compile("x + q"), /name "q"/);
  assert.throws(compile("wobble(x)"), KernelError);
  assert.throws(compile("x % x"), KernelError);
  assert.throws(() => laneType("u8"), /gather/);
});

Deno.test("arithmetic on four lanes, by type", () => {
  const a = f32(1, -2, 3.5, -0), b = f32(4, 0.5, -1, 2);
  assert.deepEqual(lanes("x + y * 2.0", [a, b]), [9, -1, 1.5, 4]);
  assert.deepEqual(lanes("-x", [a]), [-1, 2, -3.5, 0]);
  assert.deepEqual(lanes("x / y", [a, b]), [0.25, -4, -3.5, -0]);
  const big = i32(2147483647, -2147483648, 65536, 5);
  assert.deepEqual(lanes("x + 1", [big]), [-2147483648, -2147483647, 65537, 6]);
  assert.deepEqual(lanes("x * x", [big]), [1, 0, 0, 25]);
  assert.deepEqual(lanes("x - 1u", [u32(0, 1, 2, 3)]), [4294967295, 0, 1, 2]);
  assert.deepEqual(lanes("~x", [u32(0, 1, 2, 3)]).map((word) => word >>> 0), [
    4294967295,
    4294967294,
    4294967293,
    4294967292,
  ]);
});

Deno.test("comparisons know signs: of words, of zeros, of NaN", () => {
  const words = [1, 4294967295, 2147483648, 0];
  assert.deepEqual(lanes("x < y", [u32(...words), u32(2, 2, 2, 2)]), [-1, 0, 0, -1]);
  assert.deepEqual(lanes("x < y", [i32(1, -1, -5, 3), i32(2, 2, 2, 2)]), [-1, -1, -1, 0]);
  const awkward = f32(NaN, 0, Infinity, -0);
  assert.deepEqual(lanes("x == x", [awkward]), [0, -1, -1, -1]);
  assert.deepEqual(lanes("x != x", [awkward]), [-1, 0, 0, 0]);
  assert.deepEqual(lanes("x == y", [awkward, f32(NaN, -0, Infinity, 0)]), [0, -1, -1, -1]);
  assert.deepEqual(lanes("!(x < y) && !(x > y)", [awkward, f32(0, 0, 0, 1)]), [-1, -1, 0, 0]);
});

Deno.test("select takes the second where the condition holds, NaN and all", () => {
  const source = "select(x, y, x > 0.0)";
  assert.deepEqual(lanes(source, [f32(1, -1, NaN, 2), f32(9, 9, 9, NaN)]), [9, -1, NaN, NaN]);
  assert.deepEqual(lanes("select(1u, 7u, x == 2)", [i32(1, 2, 3, 2)]), [1, 7, 1, 7]);
});

Deno.test("min and max pass NaN on from either side", () => {
  const a = f32(NaN, 1, -0, 5), b = f32(1, NaN, 0, 3);
  assert.deepEqual(lanes("max(x, y)", [a, b]), [NaN, NaN, 0, 5]);
  assert.deepEqual(lanes("min(x, y)", [a, b]), [NaN, NaN, -0, 3]);
  assert.deepEqual(lanes("max(x, 0.0)", [f32(NaN, -1, 2, -Infinity)]), [NaN, 0, 2, 0]);
  assert.deepEqual(lanes("max(0.0, x)", [f32(NaN, -1, 2, -Infinity)]), [NaN, 0, 2, 0]);
  assert.deepEqual(lanes("clamp(x, 0.0, 1.0)", [f32(NaN, -1, 2, 0.5)]), [NaN, 0, 1, 0.5]);
});

Deno.test("conversions saturate or wrap as WGSL says", () => {
  assert.deepEqual(lanes("i32(x)", [f32(1.9, -1.9, 3e9, -3e9)]), [1, -1, 2147483647, -2147483648]);
  assert.deepEqual(lanes("u32(x)", [f32(1.9, -1, 5e9, NaN)]), [1, 0, 4294967295, 0]);
  assert.deepEqual(lanes("f32(x)", [u32(0, 1, 4294967295, 16777217)]), [0, 1, 2 ** 32, 16777216]);
  assert.deepEqual(lanes("f32(x)", [i32(0, -1, -2147483648, 7)]), [0, -1, -(2 ** 31), 7]);
  assert.deepEqual(lanes("f32(x < 2)", [i32(1, 2, 3, -4)]), [1, 0, 0, 1]);
  assert.deepEqual(lanes("u32(x)", [i32(-1, 0, 1, 2)]), [4294967295, 0, 1, 2]);
  assert.deepEqual(lanes("bitcast<u32>(x)", [f32(1, -0, Infinity, 0)]), [
    0x3f800000,
    0x80000000,
    0x7f800000,
    0,
  ]);
});

Deno.test("shifts: by a number for all lanes, by a value lane by lane, signed and not", () => {
  const a = u32(1, 0x80000000, 0xff, 3);
  assert.deepEqual(lanes("x << 4u", [a]), [16, 0, 0xff0, 48]);
  assert.deepEqual(lanes("x >> 1u", [a]), [0, 0x40000000, 0x7f, 1]);
  assert.deepEqual(lanes("x >> y", [a, u32(0, 31, 4, 1)]), [1, 1, 15, 1]);
  assert.deepEqual(lanes("x << y", [a, u32(31, 1, 0, 2)]), [0x80000000, 0, 0xff, 12]);
  const signed = i32(-8, 8, -1, -2147483648);
  assert.deepEqual(lanes("x >> 1u", [signed]), [-4, 4, -1, -1073741824]);
  assert.deepEqual(lanes("x >> y", [signed, u32(1, 2, 31, 31)]), [-4, 2, -1, -1]);
});

Deno.test("rounding: to even, down, up, towards zero", () => {
  const a = f32(0.5, 1.5, -2.5, -0.4);
  assert.deepEqual(lanes("round(x)", [a]), [0, 2, -2, -0]);
  assert.deepEqual(lanes("floor(x)", [a]), [0, 1, -3, -1]);
  assert.deepEqual(lanes("ceil(x)", [a]), [1, 2, -2, -0]);
  assert.deepEqual(lanes("trunc(x)", [a]), [0, 1, -2, -0]);
});

Deno.test("sums of products are one instruction that rounds once, where the machine has it", () => {
  const [x, y] = [1 + 2 ** -12, 1 + 3 * 2 ** -12];
  const exact = x * y;
  const z = -Math.fround(exact);
  // What the instruction gives here: machines without it round the product, too.
  const code = new Code(3);
  code.i32(0);
  for (const value of [x, y, z]) {
    code.words(new Array(4).fill(new Uint32Array(Float32Array.of(value).buffer)[0]));
  }
  code.simd(simd.relaxedMadd).memory(simd.store, 64);
  const rounded = (): number => {
    if (!relaxedSimd()) return 0;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(writeModule([code])), {
      env: { memory },
    });
    (exports[0] as () => void)();
    return views.f32[16];
  };
  const left = rounded();
  assert.ok(left === 0 || left === exact + z, `${left}`);
  const operands = [f32(x, x, x, x), f32(y, y, y, y), f32(z, z, z, z)];
  for (const [source, sign] of [["x * y + z", 1], ["z + x * y", 1], ["-z - x * y", -1]] as const) {
    assert.deepEqual(lanes(source, operands), new Array(4).fill(left * sign), source);
  }
  assert.deepEqual(lanes("x * y - x * y", operands), new Array(4).fill(left && -(x * y - -z)));
  // A difference whose product comes first is left as it is.
  assert.deepEqual(lanes("x * y - -z", operands), [0, 0, 0, 0]);
});
