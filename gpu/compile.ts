import type { StridedOperand } from "../core/graph/call.ts";
import { formatLabel } from "../core/graph/label.ts";
import type { Plan } from "../core/graph/plan.ts";
import type { Tensor } from "../core/graph/tensor.ts";
import { alternateArenas } from "./alternate_arenas.ts";
import { type ArenaBytes, layOutArenas } from "./arena.ts";
import { alternateMemories, type GpuCall } from "./call.ts";
import type { Section } from "./kernels/kernel.ts";
import { emitLoop } from "./kernels/loop.ts";
import { emitRecord } from "./kernels/record.ts";
import { emitRows } from "./kernels/rows.ts";
import { structuredKernel } from "./kernels/table.ts";
import { storeHalf } from "./half.ts";
import { lowerCalls } from "./lower_calls.ts";
import { type CallGroup, mergeCalls } from "./merge.ts";
import { mirrorStates } from "./mirrors.ts";
import { type GpuBuffer, packBytes } from "./packed.ts";
import { fuseRows } from "./rows.ts";
import { indent, ShaderBuilder, type ShaderModule } from "./shader_builder.ts";
import { splitLongSums } from "./split.ts";
import { fuseTails } from "./tails.ts";
import type { Tuning } from "./tuning.ts";
import { chooseUniforms } from "./uniforms.ts";

/** Workgroups along one dimension of a dispatch, in WebGPU's default limits. */
const mostGroups = 65535;

/** One dispatch of a step. */
export interface Dispatch {
  /** The shader, what it binds, and where its operands begin. */
  readonly shader: ShaderModule;
  /** Workgroups along x and y. */
  readonly groups: readonly [number, number];
  /** The calls that it runs. */
  readonly calls: readonly GpuCall[];
  /** What it computes, for profiles and messages. */
  readonly label: string;
}

/** A plan as WebGPU runs it. */
export interface CompiledPlan {
  /** Dispatches of a step, in order. */
  readonly dispatches: readonly Dispatch[];
  /** All buffers, with their places in the arenas. */
  readonly buffers: readonly GpuBuffer[];
  /** Bytes of the arenas. */
  readonly arenas: ArenaBytes;
  /** Scalars of a step, in order; the word behind them is the row to record into. */
  readonly scalars: readonly Tensor[];
  /** Where the outputs are. */
  readonly outputs: readonly StridedOperand[];
  /** Leaves that must be bound to memory. */
  readonly leaves: readonly Tensor[];
}

/**
 * Turns a plan into as few dispatches as its order allows, and writes their shaders.
 *
 * @param plan The plan.
 * @param recorded How many of its first outputs are kept of every step.
 * @param tuning The adapter.
 * @returns The dispatches and the memory that they need.
 */
export function compilePlan(plan: Plan, recorded: number, tuning: Tuning): CompiledPlan {
  const buffers: GpuBuffer[] = plan.buffers.map((buffer) => ({ ...buffer, offset: 0 }));
  const split = splitLongSums(lowerCalls(plan, recorded), buffers, tuning);
  const alternates = tuning.uniformBytes > 0;
  // What is fused may touch further arenas, which are bound besides.
  const further = (tuning.half ? 1 : 0) + (alternates ? alternateMemories.length - 1 : 0);
  const room = tuning.storageBuffers - further;
  const fusing = { ...tuning, storageBuffers: room };
  const fused = fuseTails(split, buffers, plan.outputs, fusing);
  packBytes(fused, buffers, plan.outputs);
  const rows = fuseRows(fused, buffers, plan.outputs, fusing);
  if (tuning.half) storeHalf(rows, buffers, plan.outputs);
  const mirrored = mirrorStates(rows, buffers, fusing);
  const groups = mergeCalls(mirrored, buffers, alternates ? fusing : tuning);
  if (alternates) alternateArenas(groups.map(({ touched }) => touched), buffers);
  const arenas = layOutArenas(groups.map(({ touched }) => touched), buffers, plan.outputs);
  const rowWord = plan.scalars.length;
  return {
    dispatches: groups.flatMap((group) => {
      const uniforms = chooseUniforms(group.touched, buffers, arenas, tuning);
      const emit = (wide?: ReadonlySet<number>) => {
        const shader = new ShaderBuilder(buffers, uniforms, tuning.uniformBytes, wide);
        return { dispatches: emitDispatch(shader, group, rowWord, tuning), wanted: shader.wanted };
      };
      // How a memory is bound is in every access of it, and known when all of them are.
      const { dispatches, wanted } = emit();
      return wanted.size === 0 ? dispatches : emit(wanted).dispatches;
    }),
    buffers,
    arenas,
    scalars: plan.scalars,
    outputs: plan.outputs,
    leaves: plan.leaves,
  };
}

/** The shader of one group; none when it has nothing to compute. */
function emitDispatch(
  shader: ShaderBuilder,
  { calls, lanes }: CallGroup,
  rowWord: number,
  tuning: Tuning,
): Dispatch[] {
  const sections = calls
    .map((call) => emitCall(shader, call, rowWord, tuning))
    .filter(({ groups }) => groups > 0);
  const used = sections.reduce((sum, { groups }) => sum + groups, 0);
  if (used === 0) return [];
  // A software adapter gives each of its threads a run of workgroups: each gets some of every call.
  const { processors } = tuning;
  const dealt = processors > 1 && sections.length > 1 && used > processors &&
    used <= mostGroups - processors;
  const run = Math.ceil(used / processors);
  const total = dealt ? run * processors : used;
  const wide = total > mostGroups;
  const lines = [
    dealt
      ? `let number = workgroup.x % ${run}u * ${processors}u + workgroup.x / ${run}u;`
      : wide
      ? `let number = workgroup.x + workgroup.y * ${mostGroups}u;`
      : "let number = workgroup.x;",
  ];
  const body = chooseSection(sections);
  const isWhole = total === used && !wide;
  lines.push(`${isWhole ? "" : `if (number < ${used}u) `}{\n${indent(body)}\n}`);
  return [{
    shader: shader.build(lines.join("\n"), lanes),
    groups: [Math.min(total, mostGroups), Math.ceil(total / mostGroups)],
    calls,
    label: calls.map(({ label }) => formatLabel(label)).join(" | "),
  }];
}

/**
 * Statements that run the section which workgroup `number` belongs to. Halves within halves: of a
 * chain of conditions Mesa's software adapter leaves out all from the 80th on, without a word.
 */
function chooseSection(sections: readonly Section[], first = 0): string {
  if (sections.length === 1) {
    const group = first === 0 ? "let group = number;" : `let group = number - ${first}u;`;
    return `${group}\n${sections[0].code}`;
  }
  const [before, after] = [
    sections.slice(0, sections.length >> 1),
    sections.slice(sections.length >> 1),
  ];
  const middle = before.reduce((sum, { groups }) => sum + groups, first);
  return `if (number < ${middle}u) {\n${indent(chooseSection(before, first))}\n} else {\n${
    indent(chooseSection(after, middle))
  }\n}`;
}

function emitCall(
  shader: ShaderBuilder,
  call: GpuCall,
  rowWord: number,
  tuning: Tuning,
): Section {
  switch (call.work.kind) {
    case "loop":
      return emitLoop(shader, call, tuning);
    case "structured":
      return structuredKernel(call.work.call.name).emit(shader, call, tuning);
    case "rows":
      return emitRows(shader, call, tuning);
    case "record":
      return emitRecord(shader, call, rowWord, tuning);
  }
}
