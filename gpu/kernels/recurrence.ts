import type { RecurrenceAttributes } from "../../core/graph/recurrence.ts";
import { indent } from "../shader_builder.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { activationFunction } from "./recurrence_activation.ts";
import {
  checkShared,
  eachUnit,
  lanesFor,
  partsOf,
  range,
  reader,
  shapeOf,
} from "./recurrence_parts.ts";

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
    const resets = layout.resetAt !== undefined;
    const early = layout.recurrent - Number(resets);
    // What each block of the kernel sees of the states, if they do not see the same.
    const views = recurrentMask ? early : 1;
    checkShared(units, (views + Number(resets)) * units, tuning);
    const state = shader.shared("f32", (views + Number(resets)) * units);
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
      gruResetBefore: (slot) => [
        `let g = ${act}(${sum(2, 2, 2)});`,
        `let h = z_of_${slot} * next${slot} + (1.0 - z_of_${slot}) * g;`,
        `let kept = array<f32, 5>(h, z_of_${slot}, r_of_${slot}, s_of_${slot}, g);`,
      ],
    };
    const initial = (block: number) =>
      initialState && block < layout.states
        ? read(initialState, `group * ${layout.states * units}u + ${block * units}u + u`)
        : "0.0";
    const viewed = (block: number, value: string) =>
      recurrentMask
        ? `${value} * ${read(recurrentMask, `group * ${width}u + ${block * units}u + u`)}`
        : value;
    // What the others see of a unit's state.
    const share = (slot: number) =>
      range(views).map((view) => `${state}[${view * units}u + u] = ${viewed(view, `next${slot}`)};`)
        .join("\n");
    const turns = tuning.software ? steps * slots.length * units * (resets ? 2 : 1) : 0;
    /** The products of some blocks of the kernel, each with its view. */
    const products = (blocks: readonly number[], viewOf: (block: number) => number) => [
      ...blocks.map((block) => `var s${block} = 0.0;`),
      ...countedLoop("k", "0u", units, [
        ...[...new Set(blocks.map(viewOf))].map((view) =>
          `let y${view} = ${state}[${view * units}u + k];`
        ),
        ...blocks.map((block) =>
          `s${block} = fma(y${viewOf(block)}, ${
            read(kernel, `k * ${width}u + ${block * units}u + u`)
          }, s${block});`
        ),
      ], turns),
    ];
    const seenBy = (block: number) => recurrentMask ? block : 0;
    // Before the product of the candidate, everybody's reset gate must have scaled its state.
    const reset = resets
      ? [
        ...eachUnit(slots, lanes, units, (slot) => [
          ...products(range(early), seenBy),
          `z_of_${slot} = ${gate}(${sum(0, 0, 0)});`,
          `r_of_${slot} = ${gate}(${sum(1, 1, 1)});`,
          `s_of_${slot} = r_of_${slot} * next${slot};`,
          `${state}[${views * units}u + u] = ${viewed(early, `s_of_${slot}`)};`,
        ]),
        "workgroupBarrier();",
      ]
      : [];
    const store = (block: number, row: string, value: string) =>
      `${finish}(${row} * ${layout.kept * units}u + ${block * units}u + u, ${value});`;
    const blocks = range(layout.kept);
    const code = [
      ...slots.map((slot) => `var next${slot} = 0.0;\nvar cell${slot} = 0.0;`),
      ...(resets ? slots : []).map((slot) =>
        ["z", "r", "s"].map((name) => `var ${name}_of_${slot} = 0.0;`).join("\n")
      ),
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
        ...reset,
        ...eachUnit(slots, lanes, units, (slot) => [
          ...(resets ? products([early], () => views) : products(range(layout.recurrent), seenBy)),
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
