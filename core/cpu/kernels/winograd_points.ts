/**
 * Writes Winograd's F(4×4, 3×3) as AssemblyScript source: what becomes of the numbers of a tile, of a
 * kernel and of their gradients, through polynomials at the points 0, ±√½, ±√2 and infinity. With these
 * points rounding errors are about those of a sum; with the usual 0, ±1, ±2 they are three times as
 * large (B. Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", 2020).
 *
 * Each change goes along columns and then along lines. Written out by hand, with a named local for each
 * number, the changes below would be a thousand lines.
 */

/** What comes of some numbers: results, and what is computed before them. */
interface Changed {
  before: Record<string, string>;
  results: string[];
}

/** A change along one axis, of numbers that have these names. */
type Change = (...numbers: string[]) => Changed;

const add = (a: string, b: string) => `f32x4.add(${a}, ${b})`;
const sub = (a: string, b: string) => `f32x4.sub(${a}, ${b})`;
const mul = (a: string, b: string) => `f32x4.mul(${a}, ${b})`;
const madd = (a: string, b: string, sum: string) => `madd(${a}, ${b}, ${sum})`;
const nmadd = (a: string, b: string, sum: string) => `nmadd(${a}, ${b}, ${sum})`;

/** What the changes multiply by: the points `inner` and `outer`, and what their powers make. */
const constants = {
  half: 0.5,
  two: 2,
  middle: 2.5,
  inner: Math.SQRT1_2,
  outer: Math.SQRT2,
  third: -2 / 3,
  sixth: 1 / 6,
};

/** Values of polynomials at ±inner and ±outer, of their even and odd parts there. */
const atPoints = [
  madd("inner", "odd", "even"),
  nmadd("inner", "odd", "even"),
  madd("outer", "far", "wide"),
  nmadd("outer", "far", "wide"),
];

/** Six inputs become six numbers. */
const ofInputs: Change = (d0, d1, d2, d3, d4, d5) => ({
  before: {
    even: nmadd("two", d2, d4),
    odd: nmadd("two", d1, d3),
    wide: nmadd("half", d2, d4),
    far: nmadd("half", d1, d3),
  },
  results: [nmadd("middle", d2, add(d0, d4)), ...atPoints, nmadd("middle", d3, add(d1, d5))],
});

/** Four gradients of outputs become six numbers. */
const ofGradients: Change = (g0, g1, g2, g3) => ({
  before: {
    even: madd("half", g2, g0),
    odd: madd("half", g3, g1),
    wide: madd("two", g2, g0),
    far: madd("two", g3, g1),
  },
  results: [g0, ...atPoints, g3],
});

/** Three numbers of a kernel become six. */
const ofKernel: Change = (k0, k1, k2) => ({
  before: {
    even: mul("third", madd("half", k2, k0)),
    odd: mul("third", k1),
    wide: mul("sixth", madd("two", k2, k0)),
    far: mul("sixth", k1),
  },
  results: [k0, ...atPoints, k2],
});

/** Six sums become four outputs. */
const ofSums: Change = (m0, m1, m2, m3, m4, m5) => ({
  before: {
    even: add(m1, m2),
    odd: mul("inner", sub(m1, m2)),
    wide: add(m3, m4),
    far: mul("outer", sub(m3, m4)),
  },
  results: [
    add(m0, add("even", "wide")),
    add("odd", "far"),
    madd("half", "even", mul("two", "wide")),
    madd("half", "odd", madd("two", "far", m5)),
  ],
});

/** Six sums become the gradient of three numbers of a kernel. */
const ofKernelSums: Change = (m0, m1, m2, m3, m4, m5) => ({
  before: {
    even: mul("third", add(m1, m2)),
    odd: mul("third", sub(m1, m2)),
    wide: mul("sixth", add(m3, m4)),
    far: mul("sixth", sub(m3, m4)),
  },
  results: [
    add(m0, add("even", "wide")),
    madd("inner", "odd", mul("outer", "far")),
    madd("half", "even", madd("two", "wide", m5)),
  ],
});

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Where columns are read or lines are written: the address of each, and the step within it. */
interface Places {
  start(index: number): string;
  step: string;
}

/**
 * The change of `side` × `side` numbers, along columns, and each line of what comes of them; or of a
 * line alone.
 */
function changed(
  side: number,
  change: Change,
  from: Places,
  to: Places,
  isLine: boolean,
  when = (_line: number, _column: number) => "",
): string {
  const numbers = range(isLine ? 1 : side).map((line) => `d${line}`);
  const prepared = ({ before }: Changed) =>
    Object.entries(before).map(([name, value]) => `${name} = ${value};`);
  const ofColumn = isLine ? { before: {}, results: numbers } : change(...numbers);
  const columns = range(side).flatMap((column) => [
    `at = ${from.start(column)};`,
    ...numbers.flatMap((name) => [`${name} = v128.load(at);`, `at += ${from.step};`]).slice(0, -1),
    ...prepared(ofColumn),
    ...ofColumn.results.map((value, line) => `const c${line}${column} = ${value};`),
  ]);
  const lines = ofColumn.results.flatMap((_, line) => {
    const ofLine = change(...range(side).map((column) => `c${line}${column}`));
    return [
      `at = ${to.start(line)};`,
      ...prepared(ofLine),
      ...ofLine.results.flatMap((value, column) => [
        `${when(line, column)}v128.store(at, ${value});`,
        `at += ${to.step};`,
      ]).slice(0, -1),
    ];
  });
  const names = ["even", "odd", "wide", "far", ...numbers];
  return ["let at: usize;", `let ${names.map((name) => `${name}: v128`).join(", ")};`]
    .concat(columns, lines).join("\n    ");
}

/** Whether an output lies in the image, and in the lines that are wanted. */
const isWanted = (line: number, column: number) =>
  `if (first <= ${line} && until > ${line} && places > ${column}) `;

/** Lines or columns that begin multiples of a distance behind each other. */
const places = (base: string, distance: string, step: string): Places => ({
  start: (index) => index ? `${base} + ${distance}${index}` : base,
  step,
});

/** Names for the multiples of distances. */
const multiples = (count: number, ...distances: string[]) =>
  distances.flatMap((name) =>
    range(count).slice(1).map((i) => `const ${name}${i} = ${i} * ${name};`)
  ).join("\n  ");

const vectors = Object.entries(constants)
  .map(([name, value]) => `const ${name} = f32x4.splat(${Math.fround(value)});`).join("\n  ");

/** The module that `stripsSource` writes. */
const strips = `"./strips"`;

/** The functions for squares or for lines: each goes through neighbouring channels, four at a time. */
function functions(isLine: boolean): string {
  const name = (base: string) => isLine ? `${base}OfLine` : base;
  return `
/** Changes a tile of inputs: lines and places some bytes apart, \`bytes\` of channels. */
export function ${name("changeInputs")}(
  from: usize, line: usize, place: usize, bytes: usize, to: usize, plane: usize,
): void {
  ${vectors}
  const row = 6 * plane;
  ${multiples(6, "place", "row")}
  for (const end = from + bytes; from < end; from += 16) {
    ${changed(6, ofInputs, places("from", "place", "line"), places("to", "row", "plane"), isLine)}
    to += 16;
  }
}

/** Stores lines [first, until) of a tile's outputs, and the first \`places\` of each. */
export function ${name("storeTile")}(
  sums: usize, plane: usize, bytes: usize,
  to: usize, line: usize, place: usize, first: i32, until: i32, places: i32,
): void {
  ${vectors}
  const row = 6 * plane;
  ${multiples(6, "plane", "line")}
  for (const end = sums + bytes; sums < end; sums += 16) {
    ${
    changed(
      6,
      ofSums,
      places("sums", "plane", "row"),
      places("to", "line", "place"),
      isLine,
      isWanted,
    )
  }
    to += 16;
  }
}

/** Changes a tile of outputs' gradients; every eight filters lie \`panel\` bytes behind the last ones. */
export function ${name("changeGradients")}(
  from: usize, line: usize, place: usize, bytes: usize, to: usize, plane: usize, panel: usize,
): void {
  ${vectors}
  const row = 6 * plane;
  ${multiples(6, "place", "row")}
  let step: usize = 16;
  for (const end = from + bytes; from < end; from += 16) {
    ${
    changed(4, ofGradients, places("from", "place", "line"), places("to", "row", "plane"), isLine)
  }
    to += step;
    step = panel - step;
  }
}

/** Changes four filters of a kernel, \`tap\` bytes from tap to tap, for all of its channels. */
export function ${name("changeFilters")}(
  from: usize, tap: usize, bytes: usize, channels: i32, to: usize, plane: usize,
): void {
  ${vectors}
  const row = 6 * plane;
  const line = 3 * tap;
  ${multiples(6, "tap", "row")}
  for (; channels > 0; --channels) {
    ${changed(3, ofKernel, places("from", "tap", "line"), places("to", "row", "plane"), isLine)}
    from += bytes;
    to += 32;
  }
}

/** Stores the gradient of a kernel, of one channel, from sums in planes. */
export function ${
    name("storeFilters")
  }(sums: usize, plane: usize, bytes: usize, to: usize, tap: usize): void {
  ${vectors}
  const row = 6 * plane;
  const line = 3 * tap;
  ${multiples(6, "plane", "line")}
  for (const end = sums + bytes; sums < end; sums += 16) {
    ${changed(6, ofKernelSums, places("sums", "plane", "row"), places("to", "line", "tap"), isLine)}
    to += 16;
  }
}
`;
}

/** The generated AssemblyScript module. */
export function winogradPointsSource(): string {
  return `
import { madd, nmadd } from ${strips};

/** Outputs along a side of a tile, and the inputs that they see, which as many numbers stand for. */
export const tileSide: i32 = 4;
export const windowSide: i32 = 6;
${functions(false)}${functions(true)}`;
}
