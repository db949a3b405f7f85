import type {
  RecurrenceAttributes,
  RecurrenceGradientAttributes,
} from "../../core/graph/recurrence.ts";
import { indent } from "../shader_builder.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { activationFunction, slopeExpression } from "./recurrence_activation.ts";
import {
  checkShared,
  eachUnit,
  lanesFor,
  partsOf,
  range,
  reader,
  shapeOf,
} from "./recurrence_parts.ts";

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
      // The reset gate's is known when the candidates' are.
      gruResetBefore: () => [
        ...["z", "r", "s", "g"].map((name, place) => `let ${name} = ${known(place + 1)};`),
        `slopes[0] = d * (${old(0)} - g) * ${gateSlope("z")};`,
        `slopes[2] = d * (1.0 - z) * ${slope("g")};`,
        "d = d * z;",
      ],
    };
    const early = layout.recurrent - Number(layout.resetAt !== undefined);
    const turns = tuning.software ? steps * slots.length * width : 0;
    /** What a unit is told by the sums of some columns of the kernel. */
    const told = (name: string, first: string, from: number, to: number) => [
      `var ${name} = ${first};`,
      ...countedLoop("k", `${from}u`, to, [
        `${name} = fma(${shared}[k], ${read(kernel, `u * ${width}u + k`)}, ${name});`,
      ], turns),
    ];
    const viewed = (from: number, value: string) =>
      recurrentMask
        ? `${read(recurrentMask, `group * ${width}u + ${from}u + u`)} * ${value}`
        : value;
    const reset = early === layout.recurrent ? [] : [
      ...eachUnit(slots, lanes, units, (slot) => [
        ...told("back", "0.0", early * units, width),
        `let toReset = ${viewed(early * units, "back")};`,
        `let r = ${known(2)};`,
        `let slope = select(0.0, toReset * ${old(0)} * ${gateSlope("r")}, live);`,
        `${finish}(row * ${layout.gradients * units}u + ${units}u + u, slope);`,
        `${shared}[${units}u + u] = slope;`,
        `state${slot} += select(0.0, toReset * r, live);`,
      ]),
      "workgroupBarrier();",
    ];
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
        ...reset,
        ...eachUnit(slots, lanes, units, (slot) => [
          ...(recurrentMask ? range(early) : [undefined]).flatMap((block) => {
            const [from, to] = block === undefined
              ? [0, early * units]
              : [block * units, (block + 1) * units];
            const back = `back${slot}${block === undefined ? "" : `_${block}`}`;
            return [
              ...told(back, block === undefined ? `state${slot}` : "0.0", from, to),
              recurrentMask ? `state${slot} += ${viewed(from, back)};` : `state${slot} = ${back};`,
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
