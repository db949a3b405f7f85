import type { GpuCall } from "../call.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import {
  attentionLanes,
  type AttentionParts,
  attentionParts,
  eachComponent,
  placeQuery,
  throughKeys,
} from "./attention_parts.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";

/** What both halves of the kernel are made of. */
interface GradientParts extends AttentionParts {
  readonly tiles: readonly [string, string];
  readonly finish: string;
  readonly scale: string;
}

/**
 * The way back: some workgroups have queries, a thread each, and go through the keys; the others have
 * keys and go through the queries. Weights are computed again.
 */
export const attentionGradientKernel: GpuKernel = {
  ownLanes: () => attentionLanes,
  emit: (shader, call, tuning) => {
    const parts = gradientParts(shader, call, tuning);
    const { batch, queries, keys, heads, keyHeads } = parts.sizes;
    const first = batch * heads * Math.ceil(queries / attentionLanes);
    const second = batch * keyHeads * Math.ceil(keys / attentionLanes);
    const code = `if (group < ${first}u) {\n${indent(ofQueries(parts))}\n} else {\n` +
      `  let other = group - ${first}u;\n${indent(ofKeys(parts))}\n}`;
    return { groups: first + second, code, lanes: attentionLanes };
  },
};

function gradientParts(shader: ShaderBuilder, call: GpuCall, tuning: Tuning): GradientParts {
  const parts = attentionParts(shader, call, tuning);
  return {
    ...parts,
    tiles: parts.declareTiles(),
    finish: emitFinish(shader, call),
    scale: literalExpression(shader, parts.attributes.scale, "f32"),
  };
}

/** Statements that compute `weight`, the `left` of it after dropout, and `toScore`. */
function weigh(
  parts: GradientParts,
  vectorsOf: { query: (c: string) => string; key: (c: string) => string },
  valuesOf: { grad: (c: string) => string; value: (c: string) => string },
  place: string,
  at: string,
): string[] {
  const { vectors, valueVectors, each, scale } = parts;
  const bias = parts.bias("sample", "head", place, at);
  const factor = parts.factor("number", place, at);
  const total = (name: string) => `(${name}.x + ${name}.y + ${name}.z + ${name}.w)`;
  return [
    "var products = vec4<f32>();",
    each(vectors, (c) => `products = fma(${vectorsOf.query(c)}, ${vectorsOf.key(c)}, products);`),
    `let score = ${total("products")} * ${scale}${bias ? ` + ${bias}` : ""};`,
    "let weight = select(exp(score - logSum), 0.0, score < -1.0e38);",
    "products = vec4<f32>();",
    each(
      valueVectors,
      (c) => `products = fma(${valuesOf.grad(c)}, ${valuesOf.value(c)}, products);`,
    ),
    `let factor = ${factor ?? "1.0"};`,
    "let left = weight * factor;",
    `let toScore = weight * (${total("products")} * factor - dotted) * ${scale};`,
  ];
}

function store(parts: GradientParts, name: string, size: number, start: string): string {
  return parts.each(Math.ceil(size / 4), (c) =>
    eachComponent(
      size,
      c,
      (index, part) => `${parts.finish}(${start} + ${index}, ${name}[${c}].${part});`,
    ));
}

function ofQueries(parts: GradientParts): string {
  const { operands, sizes, vectors, valueVectors, shared, tiles: [keyTile, valueTile] } = parts;
  const { query, grad, sums, dots } = operands as Required<typeof operands>;
  const { queries, size } = sizes;
  return [
    ...placeQuery(parts),
    `var q: array<vec4<f32>, ${vectors}>;`,
    `var g: array<vec4<f32>, ${valueVectors}>;`,
    `var toQuery: array<vec4<f32>, ${vectors}>;`,
    "var logSum = 0.0;",
    "var dotted = 0.0;",
    "var limit = 0u;",
    `if (place < ${queries}u) {`,
    indent([
      parts.each(vectors, (c) => `q[${c}] = ${parts.vector(query, "row", c)};`),
      parts.each(valueVectors, (c) => `g[${c}] = ${parts.vector(grad, "row", c)};`),
      `logSum = ${parts.element(sums, `number * ${queries}u + place`)};`,
      `dotted = ${parts.element(dots, "row")};`,
      `limit = ${parts.visible("place")};`,
    ].join("\n")),
    "}",
    ...throughKeys(parts, parts.tiles, [
      `for (var j = 0u; j < ${shared}u; j++) {`,
      indent([
        "let at = start + j;",
        "if (at >= limit) { break; }",
        ...weigh(
          parts,
          { query: (c) => `q[${c}]`, key: (c) => `${keyTile}[j * ${vectors}u + ${c}]` },
          { grad: (c) => `g[${c}]`, value: (c) => `${valueTile}[j * ${valueVectors}u + ${c}]` },
          "place",
          "at",
        ),
        parts.each(
          vectors,
          (c) =>
            `toQuery[${c}] = fma(vec4<f32>(toScore), ${keyTile}[j * ${vectors}u + ${c}], ` +
            `toQuery[${c}]);`,
        ),
      ].join("\n")),
      "}",
    ]),
    `if (place < ${queries}u) {\n${indent(store(parts, "toQuery", size, `row * ${size}u`))}\n}`,
  ].join("\n");
}

function ofKeys(parts: GradientParts): string {
  const { operands, sizes, vectors, valueVectors, shared, tiles: [queryTile, gradTile] } = parts;
  const { query, key, value } = operands;
  const { grad, sums, dots } = operands as Required<typeof operands>;
  const { batch, queries, keys, heads, keyHeads, size, valueSize } = sizes;
  const blocks = Math.ceil(keys / attentionLanes);
  const rows = {
    from: "start",
    count: queries,
    row: (place: string) => `(sample * ${queries}u + ${place}) * ${heads}u + head`,
  };
  const keysAt = batch * queries * heads * size;
  const valuesAt = keysAt + batch * keys * keyHeads * size;
  return [
    `let own = other / ${blocks}u;`,
    `let sample = own / ${keyHeads}u;`,
    `let keyHead = own % ${keyHeads}u;`,
    `let first = other % ${blocks}u * ${attentionLanes}u;`,
    "let at = first + lane;",
    `let row = (sample * ${keys}u + at) * ${keyHeads}u + keyHead;`,
    `var k: array<vec4<f32>, ${vectors}>;`,
    `var v: array<vec4<f32>, ${valueVectors}>;`,
    `var toKey: array<vec4<f32>, ${vectors}>;`,
    `var toValue: array<vec4<f32>, ${valueVectors}>;`,
    `if (at < ${keys}u) {`,
    indent(parts.each(vectors, (c) => `k[${c}] = ${parts.vector(key, "row", c)};`)),
    indent(parts.each(valueVectors, (c) => `v[${c}] = ${parts.vector(value, "row", c)};`)),
    "}",
    `for (var turn = 0u; turn < ${heads / keyHeads}u; turn++) {`,
    `  let head = keyHead * ${heads / keyHeads}u + turn;`,
    `  let number = sample * ${heads}u + head;`,
    `  for (var start = 0u; start < ${queries}u; start += ${shared}u) {`,
    indent(indent([
      `let seen = ${parts.visible(`min(start + ${shared - 1}u, ${queries - 1}u)`)};`,
      "workgroupBarrier();",
      "if (first < seen) {",
      indent(parts.fill(queryTile, query, vectors, rows)),
      indent(parts.fill(gradTile, grad, valueVectors, rows)),
      "}",
      "workgroupBarrier();",
      `let count = select(0u, min(${shared}u, ${queries}u - start), at < seen);`,
      "for (var j = 0u; j < count; j++) {",
      indent([
        "let place = start + j;",
        `if (at >= ${parts.visible("place")}) { continue; }`,
        `let logSum = ${parts.element(sums, `number * ${queries}u + place`)};`,
        `let dotted = ${parts.element(dots, `(sample * ${queries}u + place) * ${heads}u + head`)};`,
        ...weigh(
          parts,
          { query: (c) => `${queryTile}[j * ${vectors}u + ${c}]`, key: (c) => `k[${c}]` },
          { grad: (c) => `${gradTile}[j * ${valueVectors}u + ${c}]`, value: (c) => `v[${c}]` },
          "place",
          "at",
        ),
        parts.each(
          vectors,
          (c) =>
            `toKey[${c}] = fma(vec4<f32>(toScore), ${queryTile}[j * ${vectors}u + ${c}], ` +
            `toKey[${c}]);`,
        ),
        parts.each(
          valueVectors,
          (c) =>
            `toValue[${c}] = fma(vec4<f32>(left), ${gradTile}[j * ${valueVectors}u + ${c}], ` +
            `toValue[${c}]);`,
        ),
      ].join("\n")),
      "}",
    ].join("\n"))),
    "  }",
    "}",
    `if (at < ${keys}u) {`,
    indent(store(parts, "toKey", size, `${keysAt}u + row * ${size}u`)),
    indent(store(parts, "toValue", valueSize, `${valuesAt}u + row * ${valueSize}u`)),
    "}",
  ].join("\n");
}
