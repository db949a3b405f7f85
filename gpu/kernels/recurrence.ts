import type { RecurrenceAttributes } from "../../core/graph/recurrence.ts";
import { indent } from "../shader_builder.ts";
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
