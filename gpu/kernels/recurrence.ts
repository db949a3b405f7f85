import type { StridedOperand, StructuredCall } from "../../core/graph/call.ts";
import {
  type CellLayout,
  cellLayouts,
  type RecurrenceAttributes,
  type RecurrenceExtra,
  recurrenceExtras,
  type RecurrenceGradientAttributes,
} from "../../core/graph/recurrence.ts";
import type { GpuCall } from "../call.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { activationFunction, slopeExpression } from "./recurrence_activation.ts";

/**
 * The steps of a cell: a workgroup takes a row of the batch through all of them, with the state in
 * memory that its threads share; each thread has every so-manieth unit.
 */
export const recurrenceStepsKernel: GpuKernel = {
  ownLanes: (call, _slices, tuning) => lanesFor(call.operands[1].shape[0], tuning),
  emit: (shader, call, tuning) => {
    const parts = partsOf(call);
    const { layout, units, batch, steps, lanes, slots } = { ...parts, ...shapeOf(parts, tuning) };
    const [sums, kernel, bias] = parts.operands;
    const { mask, recurrentMask, initialState } = parts.extras;
    const width = layout.recurrent * units;
    // What each block of the kernel sees of the states, if they do not see the same.
    const views = recurrentMask ? layout.recurrent : 1;
    checkShared(units, views * units, tuning);
    const state = shader.shared("f32", views * units);
    const read = reader(shader);
    const finish = emitFinish(shader, call);
    const act = activationFunction(shader, parts.attributes.activation);
    const gate = activationFunction(shader, parts.attributes.recurrentActivation);
    const x = (block: number) =>
      read(sums, `row * ${layout.inputs * units}u + ${block * units}u + u`);
    const b = (block: number) => read(bias, `${block * units}u + u`);
    const sum = (block: number, input: number, from: number) =>
      `s${block} + ${x(input)} + ${b(from)}`;
    const cells: Record<RecurrenceAttributes["cell"], (slot: number) => string[]> = {
      simpleRnn: () => [`let h = ${act}(${sum(0, 0, 0)});`, "let kept = array<f32, 1>(h);"],
      lstm: (slot) => [
        `let i = ${gate}(${sum(0, 0, 0)});`,
        `let f = ${gate}(${sum(1, 1, 1)});`,
        `let g = ${act}(${sum(2, 2, 2)});`,
        `let o = ${gate}(${sum(3, 3, 3)});`,
        `let c = select(cell${slot}, f * cell${slot} + i * g, live);`,
        `cell${slot} = c;`,
        `let h = o * ${act}(c);`,
        "let kept = array<f32, 6>(h, c, i, f, g, o);",
      ],
      gru: (slot) => [
        `let z = ${gate}(${sum(0, 1, 1)});`,
        `let r = ${gate}(${sum(1, 2, 2)});`,
        `let q = s2 + ${b(3)};`,
        `let g = ${act}(${x(0)} + ${b(0)} + r * q);`,
        `let h = z * next${slot} + (1.0 - z) * g;`,
        "let kept = array<f32, 5>(h, z, r, q, g);",
      ],
    };
    const initial = (block: number) =>
      initialState && block < layout.states
        ? read(initialState, `group * ${layout.states * units}u + ${block * units}u + u`)
        : "0.0";
    // What the others see of a unit's state.
    const share = (slot: number) =>
      recurrentMask
        ? range(views).map((view) =>
          `${state}[${view * units}u + u] = next${slot} * ${
            read(recurrentMask, `group * ${width}u + ${view * units}u + u`)
          };`
        ).join("\n")
        : `${state}[u] = next${slot};`;
    const store = (block: number, row: string, value: string) =>
      `${finish}(${row} * ${layout.kept * units}u + ${block * units}u + u, ${value});`;
    const blocks = range(layout.kept);
    const code = [
      ...slots.map((slot) => `var next${slot} = 0.0;\nvar cell${slot} = 0.0;`),
      ...eachUnit(slots, lanes, units, (slot) => [
        ...(initialState ? [`next${slot} = ${initial(0)};`] : []),
        ...(initialState && layout.states > 1 ? [`cell${slot} = ${initial(1)};`] : []),
        share(slot),
        ...blocks.map((block) => store(block, "group", initial(block))),
      ]),
      "workgroupBarrier();",
      `for (var step = 0u; step < ${steps}u; step++) {`,
      indent([
        `let row = step * ${batch}u + group;`,
        mask ? `let live = ${read(mask, "row")} != 0.0;` : "let live = true;",
        ...eachUnit(slots, lanes, units, (slot) => [
          ...range(layout.recurrent).map((block) => `var s${block} = 0.0;`),
          `for (var k = 0u; k < ${units}u; k++) {`,
          ...range(views).map((view) => `  let y${view} = ${state}[${view * units}u + k];`),
          ...range(layout.recurrent).map((block) =>
            `  s${block} = fma(y${recurrentMask ? block : 0}, ${
              read(kernel, `k * ${width}u + ${block * units}u + u`)
            }, s${block});`
          ),
          "}",
          ...cells[parts.attributes.cell](slot),
          `next${slot} = select(next${slot}, h, live);`,
          ...blocks.map((block) =>
            store(block, `(row + ${batch}u)`, block === 0 ? `next${slot}` : `kept[${block}]`)
          ),
        ]),
        "workgroupBarrier();",
        ...eachUnit(slots, lanes, units, (slot) => [share(slot)]),
        "workgroupBarrier();",
      ].join("\n")),
      "}",
    ];
    return { groups: batch, code: code.join("\n"), lanes };
  },
};

/** The way back: the gradients of a step's sums are shared, as each unit's state needs them all. */
export const recurrenceGradientKernel: GpuKernel = {
  ownLanes: (call, _slices, tuning) => lanesFor(call.operands[1].shape[0], tuning),
  emit: (shader, call, tuning) => {
    const parts = partsOf(call);
    const { layout, units, batch, steps, lanes, slots } = { ...parts, ...shapeOf(parts, tuning) };
    const [kept, kernel, grad] = parts.operands;
    const { mask, recurrentMask } = parts.extras;
    const { activation, recurrentActivation, cellState, initialState } = parts
      .attributes as RecurrenceGradientAttributes;
    const width = layout.recurrent * units;
    checkShared(units, width, tuning);
    const shared = shader.shared("f32", width);
    const read = reader(shader);
    const finish = emitFinish(shader, call);
    const act = activationFunction(shader, activation);
    const slope = (value: string) => slopeExpression(activation, value);
    const gateSlope = (value: string) => slopeExpression(recurrentActivation, value);
    const known = (block: number) =>
      read(kept, `(row + ${batch}u) * ${layout.kept * units}u + ${block * units}u + u`);
    const old = (block: number) =>
      read(kept, `row * ${layout.kept * units}u + ${block * units}u + u`);
    const givenSteps = grad.shape[0] - Number(cellState);
    const given = givenSteps === steps
      ? read(grad, `row * ${units}u + u`)
      : `select(0.0, ${read(grad, `group * ${units}u + u`)}, step == ${steps - 1}u)`;
    const cells: Record<RecurrenceAttributes["cell"], (slot: number) => string[]> = {
      simpleRnn: () => [`slopes[0] = d * ${slope(known(0))};`, "d = 0.0;"],
      lstm: (slot) => [
        ...["c", "i", "f", "g", "o"].map((name, place) => `let ${name} = ${known(place + 1)};`),
        `let y = ${act}(c);`,
        `let inner = cell${slot} + d * o * ${slope("y")};`,
        `slopes[0] = inner * g * ${gateSlope("i")};`,
        `slopes[1] = inner * ${old(1)} * ${gateSlope("f")};`,
        `slopes[2] = inner * i * ${slope("g")};`,
        `slopes[3] = d * y * ${gateSlope("o")};`,
        `cell${slot} = inner * f;`,
        "d = 0.0;",
      ],
      gru: () => [
        ...["z", "r", "q", "g"].map((name, place) => `let ${name} = ${known(place + 1)};`),
        `let candidate = d * (1.0 - z) * ${slope("g")};`,
        "slopes[0] = candidate;",
        `slopes[1] = d * (${old(0)} - g) * ${gateSlope("z")};`,
        `slopes[2] = candidate * q * ${gateSlope("r")};`,
        "slopes[3] = candidate * r;",
        "d = d * z;",
      ],
    };
    const code = [
      ...slots.map((slot) => `var state${slot} = 0.0;\nvar cell${slot} = 0.0;`),
      ...(cellState
        ? eachUnit(slots, lanes, units, (slot) => [
          `cell${slot} = ${read(grad, `(${givenSteps * batch}u + group) * ${units}u + u`)};`,
        ])
        : []),
      `for (var back = 0u; back < ${steps}u; back++) {`,
      indent([
        `let step = ${steps - 1}u - back;`,
        `let row = step * ${batch}u + group;`,
        mask ? `let live = ${read(mask, "row")} != 0.0;` : "let live = true;",
        ...eachUnit(slots, lanes, units, (slot) => [
          `var d = state${slot} + ${given};`,
          `var slopes = array<f32, ${layout.gradients}>();`,
          `if (live) {\n${indent(cells[parts.attributes.cell](slot).join("\n"))}\n}`,
          `state${slot} = d;`,
          ...range(layout.gradients).map((block) =>
            `${finish}(row * ${layout.gradients * units}u + ${
              block * units
            }u + u, slopes[${block}]);`
          ),
          ...range(layout.recurrent).map((block) =>
            `${shared}[${block * units}u + u] = slopes[${block + layout.recurrentAt}];`
          ),
        ]),
        "workgroupBarrier();",
        ...eachUnit(slots, lanes, units, (slot) => [
          ...(recurrentMask ? range(layout.recurrent) : [undefined]).flatMap((block) => {
            const [from, to] = block === undefined
              ? [0, width]
              : [block * units, (block + 1) * units];
            const back = `back${slot}${block === undefined ? "" : `_${block}`}`;
            return [
              `var ${back} = ${block === undefined ? `state${slot}` : "0.0"};`,
              `for (var k = ${from}u; k < ${to}u; k++) {`,
              `  ${back} = fma(${shared}[k], ${read(kernel, `u * ${width}u + k`)}, ${back});`,
              "}",
              recurrentMask
                ? `state${slot} += ${
                  read(recurrentMask, `group * ${width}u + ${from}u + u`)
                } * ${back};`
                : `state${slot} = ${back};`,
            ];
          }),
        ]),
        "workgroupBarrier();",
      ].join("\n")),
      "}",
      ...(initialState
        ? eachUnit(
          slots,
          lanes,
          units,
          (slot) =>
            range(layout.gradients).map((block) =>
              `${finish}((${steps * batch}u + group) * ${layout.gradients * units}u + ${
                block * units
              }u + u, ${
                block === 0 ? `state${slot}` : block < layout.states ? `cell${slot}` : "0.0"
              });`
            ),
        )
        : []),
    ];
    return { groups: batch, code: code.join("\n"), lanes };
  },
};

interface Parts {
  readonly operands: readonly StridedOperand[];
  readonly extras: { readonly [Name in RecurrenceExtra]?: StridedOperand };
  readonly attributes: RecurrenceAttributes;
  readonly layout: CellLayout;
  readonly units: number;
}

function partsOf({ work }: GpuCall): Parts & { batch: number; steps: number } {
  if (work.kind !== "structured") throw new Error("Cannot step through another call");
  const { operands, output, name } = work.call as StructuredCall;
  const attributes = work.call.attributes as unknown as RecurrenceAttributes;
  // What is kept has a row more than there are steps.
  const [rows, batch] = (name === "recurrenceSteps" ? output : operands[0]).shape;
  return {
    operands,
    extras: recurrenceExtras(operands, attributes),
    attributes,
    layout: cellLayouts[attributes.cell],
    units: operands[1].shape[0],
    batch,
    steps: rows - 1,
  };
}

/** Threads of a workgroup, and the turns in which they have all units. */
function shapeOf({ units }: Parts, tuning: Tuning) {
  const lanes = lanesFor(units, tuning);
  return { lanes, slots: range(Math.ceil(units / lanes)) };
}

function lanesFor(units: number, tuning: Tuning): number {
  return Math.min(tuning.invocations, 256, Math.ceil(units / 32) * 32);
}

/** Refuses what does not fit into the memory that a workgroup shares. */
function checkShared(units: number, numbers: number, { sharedBytes }: Tuning): void {
  if (numbers * 4 <= sharedBytes) return;
  throw new RangeError(
    `Cannot run a recurrent layer of ${units} units on this WebGPU adapter as a workgroup shares ` +
      `${sharedBytes} bytes, enough for ${Math.floor(sharedBytes * units / numbers / 4)} units: ` +
      `use fewer units, or the device "cpu"`,
  );
}

/** Statements for each unit `u` of a thread: all but the last turn has one for every thread. */
function eachUnit(
  slots: readonly number[],
  lanes: number,
  units: number,
  body: (slot: number) => readonly string[],
): string[] {
  return slots.map((slot) => {
    const lines = [`let u = lane + ${slot * lanes}u;`, ...body(slot)];
    if ((slot + 1) * lanes <= units) return `{\n${indent(lines.join("\n"))}\n}`;
    return `if (lane + ${slot * lanes}u < ${units}u) {\n${indent(lines.join("\n"))}\n}`;
  });
}

function reader(shader: ShaderBuilder) {
  return (operand: StridedOperand, index: string) =>
    shader.load(operand.buffer, "f32", `${shader.start(operand)} + ${index}`);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
