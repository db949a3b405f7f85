/**
 * Writes the innermost loops of the matrix product as AssemblyScript source.
 *
 * AssemblyScript keeps a value in a register only if it is a named local, so a register block of
 * 6 rows by 2 vectors is twelve named accumulators, unrolled. Written out by hand, the shapes below
 * would be a thousand lines; `build.ts` hands this text to the compiler as `strips.ts`.
 */

/** One register block: `rows` rows by `vectors` × 4 columns. */
interface Block {
  rows: number;
  vectors: number;
  /** true: A[i,k] lies at `a + 4 i + aStep k`; false: at `a + aStep i + 4 k`. */
  kMajor: boolean;
  /** B is packed in panels of eight columns, and so is a k-major A in blocks of rows. */
  packed: boolean;
}

/** Bytes of an entry of a list of runs: address, numbers, row of B. */
const runBytes = 12;

export const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** The blocks `matmul.ts` uses; 6×2 is as large as V8's 15 xmm registers allow (12 + 2 + 1). */
const blocks: Block[] = [
  ...[true, false].flatMap((packed) =>
    [true, false].flatMap((kMajor) =>
      [6, 4].flatMap((rows) => [2, 1].map((vectors) => ({ rows, vectors, kMajor, packed })))
    )
  ),
  ...[8, 2, 1].map((vectors) => ({ rows: 1, vectors, kMajor: true, packed: false })),
];

/**
 * `steps` steps of the sum over k, unrolled; eight make the pointers' additions nearly free. Adding a
 * constant is 10% faster than adding a variable, and than displacements of more than a byte.
 */
function multiplyAdds(block: Block, steps: number): string {
  const { rows, vectors, kMajor, packed } = block;
  const lines = range(steps).flatMap((turn) => [
    ...range(vectors).map((v) => `b${v} = v128.load(q, ${16 * v});`),
    ...(kMajor ? turned(block) : range(rows).flatMap((r) => [
      `x = v128.load32_splat(p${r}, ${4 * turn});`,
      ...range(vectors).map((v) => `s${r}${v} = madd(x, b${v}, s${r}${v});`),
    ])),
    packed ? "q += 32;" : "q += bStep;",
    ...(kMajor ? [`p0 += ${packed ? 4 * rows : "aStep"};`] : []),
  ]);
  const advance = kMajor ? [] : range(rows).map((r) => `p${r} += ${4 * steps};`);
  return [...lines, ...advance].join("\n      ");
}

/**
 * Of a k-major A, four rows lie side by side: they are loaded together and turned under the columns,
 * so that in sum t lane j is of row (j + t) mod 4. Deno's V8 compares each address with the memory's
 * size; a load for every row makes so many comparisons that on Intel they cost a fifth.
 */
function turned({ rows, vectors }: Block): string[] {
  const add = (r: number) => range(vectors).map((v) => `s${r}${v} = madd(x, b${v}, s${r}${v});`);
  if (rows === 1) return ["x = v128.load32_splat(p0);", ...add(0)];
  const turn = "x = v128.shuffle<f32>(x, x, 1, 2, 3, 0);";
  const four = ["x = v128.load(p0);", ...add(0), turn, ...add(1), turn, ...add(2), turn, ...add(3)];
  if (rows === 4) return four;
  const swap = "x = v128.shuffle<f32>(x, x, 1, 0, 3, 2);";
  return [...four, "x = v128.load64_splat(p0, 16);", ...add(4), swap, ...add(5)];
}

/**
 * Puts sums that were turned under the columns into rows, or rows into such sums: pairs of them change
 * two neighbouring lanes, then other pairs every second lane; and the other way round.
 */
function exchange({ rows, vectors }: Block, toRows: boolean): string[] {
  return range(vectors).flatMap((v) => {
    const halves = (a: string, b: string) => `v128.shuffle<f32>(${a}, ${b}, 0, 1, 6, 7)`;
    const evens = (a: string, b: string) => `v128.shuffle<f32>(${a}, ${b}, 0, 5, 2, 7)`;
    const [first, second] = toRows ? [halves, evens] : [evens, halves];
    const s = range(rows).map((r) => `s${r}${v}`);
    const pairs = toRows ? [[0, 2], [1, 3], [2, 0], [3, 1]] : [[0, 1], [1, 2], [2, 3], [3, 0]];
    const others = toRows ? [[0, 3], [1, 0], [2, 1], [3, 2]] : [[0, 2], [1, 3], [2, 0], [3, 1]];
    const lines = [
      ...pairs.map(([a, b], t) => `t${t} = ${first(s[a], s[b])};`),
      ...others.map(([a, b], r) => `${s[r]} = ${second(`t${a}`, `t${b}`)};`),
    ];
    if (rows === 4) return lines;
    return [
      ...lines,
      `t0 = ${evens(s[4], s[5])};`,
      `${s[5]} = ${evens(s[5], s[4])};`,
      `${s[4]} = t0;`,
    ];
  });
}

/** The stores of one block; eight vectors are stored whole, fewer may be cut at `columns`. */
function stores({ rows, vectors }: Block): string {
  const upwards = range(rows).reverse();
  const whole = upwards.flatMap((r) =>
    range(vectors).map((v) => `v128.store(c${r}, s${r}${v}, ${16 * v});`)
  ).join("\n      ");
  if (vectors > 2) return whole;
  const cut = upwards.map((r) => {
    return `store${vectors}(c${r}, columns, ${range(vectors).map((v) => `s${r}${v}`).join(", ")});`;
  }).join("\n      ");
  return `if (columns >= ${4 * vectors}) {
      ${whole}
    } else {
      ${cut}
    }`;
}

/**
 * Declares the pointers of rows. Rows past the last one repeat its pointers; storing from the last row
 * upwards then leaves the true value there, so a block of fewer rows needs no code of its own. Where
 * none is past it nothing is compared: products over 16 numbers are 5% faster.
 */
function follow(name: string, step: string, rows: number, first: string = name): string {
  const rest = range(rows).slice(1);
  const each = (by: (r: number) => string) =>
    rest.map((r) => `${name}${r} = ${name}${r - 1} + ${by(r)};`).join("\n      ");
  const declared = `let ${range(rows).map((r) => `${name}${r} = ${first}`).join(", ")};`;
  if (rows === 1) return declared;
  return `${declared}
    if (rows >= ${rows}) {
      ${each(() => step)}
    } else {
      ${each((r) => `(rows > ${r} ? ${step} : 0)`)}
    }`;
}

/** A function that computes `rows` × `columns` of C, a block at a time, down one panel of B. */
function strip(block: Block): string {
  const { rows, vectors, kMajor, packed } = block;
  const each = (line: (r: number, v: number) => string) =>
    range(rows).flatMap((r) => range(vectors).map((v) => line(r, v)));
  const pointers = kMajor ? "let p0 = a;" : follow("p", "aStep", rows, "a");
  const turns = kMajor && rows > 1;
  const steps = [kMajor && packed ? "" : "aStep: usize, ", packed ? "" : "bStep: usize, "];
  return `
export function strip${rows}x${vectors}${kMajor ? "k" : "r"}${packed ? "p" : ""}(
  a: usize, ${steps[0]}aBlock: usize, b: usize, ${steps[1]}c: usize, cStep: usize,
  rows: i32, columns: i32, k: i32, resume: i32,
): void {
  let x: v128, ${range(vectors).map((v) => `b${v}: v128`).join(", ")};
  ${turns ? "let t0: v128, t1: v128, t2: v128, t3: v128;" : ""}
  while (rows > 0) {
    let q = b;
    ${pointers}
    ${each((r, v) => `let s${r}${v} = f32x4.splat(0);`).join("\n    ")}
    if (resume) {
      ${follow("c", "cStep", rows)}
      ${each((r, v) => `s${r}${v} = v128.load(c${r}, ${16 * v});`).join("\n      ")}
      ${turns ? exchange(block, false).join("\n      ") : ""}
    }
    let turns = k >> 3;
    while (turns > 0) {
      ${multiplyAdds(block, 8)}
      --turns;
    }
    if (k & 4) {
      ${multiplyAdds(block, 4)}
    }
    let left = k & 3;
    while (left > 0) {
      ${multiplyAdds(block, 1)}
      --left;
    }
    ${turns ? exchange(block, true).join("\n    ") : ""}
    ${follow("c", "cStep", rows)}
    ${stores(block)}
    a += aBlock;
    c += ${rows} * cStep;
    rows -= ${rows};
  }
}
`;
}

/** The steps of a sum over `count`, unrolled by eight, four, and what is left. */
function unrolled(block: Block, count: string): string {
  return `let turns = ${count} >> 3;
      while (turns > 0) {
        ${multiplyAdds(block, 8)}
        --turns;
      }
      if (${count} & 4) {
        ${multiplyAdds(block, 4)}
      }
      const left = ${count} & 3;
      if (left == 3) {
        ${multiplyAdds(block, 3)}
      } else if (left == 2) {
        ${multiplyAdds(block, 2)}
      } else if (left) {
        ${multiplyAdds(block, 1)}
      }`;
}

/**
 * A function that computes `rows` × `columns` of C, a block at a time, where a row of A is made of
 * runs of numbers, each with its address, its length and the row of B that it begins with; row r of A
 * lies `aStep` · r behind the first. So a convolution reads its input where it lies.
 */
function runsStrip({ rows, vectors }: Pick<Block, "rows" | "vectors">): string {
  const each = (line: (r: number, v: number) => string) =>
    range(rows).flatMap((r) => range(vectors).map((v) => line(r, v)));
  const block = { rows, vectors, kMajor: false, packed: true };
  return `
export function runs${rows}x${vectors}(
  list: usize, runs: i32, shift: usize, aStep: usize, b: usize,
  c: usize, cStep: usize, rows: i32, columns: i32,
): void {
  let x: v128, ${range(vectors).map((v) => `b${v}: v128`).join(", ")};
  const end = list + ${runBytes} * <usize> runs;
  while (rows > 0) {
    ${each((r, v) => `let s${r}${v} = f32x4.splat(0);`).join("\n    ")}
    for (let at = list; at < end; at += ${runBytes}) {
      let q = b + 32 * <usize> load<u32>(at, 8);
      const count = load<i32>(at, 4);
      ${follow("p", "aStep", rows, "<usize> load<u32>(at) + shift")}
      ${unrolled(block, "count")}
    }
    ${follow("c", "cStep", rows)}
    ${stores(block)}
    shift += ${rows} * aStep;
    c += ${rows} * cStep;
    rows -= ${rows};
  }
}
`;
}

/** Stores the first `columns` lanes of one or two vectors, and nothing beside them. */
const partialStores = `
export const runBytes: usize = ${runBytes};

@inline export function store1(c: usize, columns: i32, value: v128): void {
  if (columns >= 4) {
    v128.store(c, value);
    return;
  }
  if (columns & 2) {
    v128.store64_lane(c, value, 0);
    c += 8;
    value = v128.shuffle<i64>(value, value, 1, 0);
  }
  if (columns & 1) v128.store32_lane(c, value, 0);
}

@inline export function store2(c: usize, columns: i32, first: v128, second: v128): void {
  store1(c, columns, first);
  if (columns > 4) store1(c + 16, columns - 4, second);
}

/** One rounding where the machine can (relaxed SIMD), else two; the same in every path. */
@inline export function madd(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(f32x4.mul(a, b), sum);
}

/** The same for sum − a·b. */
@inline export function nmadd(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, sum);
  return f32x4.sub(sum, f32x4.mul(a, b));
}
`;

/** The generated AssemblyScript module. */
export function stripsSource(): string {
  const shapes = [6, 4].flatMap((rows) => [2, 1].map((vectors) => ({ rows, vectors })));
  return [partialStores, ...blocks.map(strip), ...shapes.map(runsStrip)].join("");
}
