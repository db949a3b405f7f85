import {
  addCosts,
  type Cost,
  loopFlops,
  operandBytes,
  structuredReads,
  walkedBytes,
} from "../core/graph/cost.ts";
import { type GpuCall, tailLoads } from "./call.ts";
import type { GpuBuffer } from "./packed.ts";

/** Bytes that a call moves to or from one buffer, registers aside. */
interface Traffic {
  readonly buffer: number;
  readonly bytes: number;
}

interface CallWork {
  readonly flops: number;
  readonly reads: readonly Traffic[];
  readonly writes: readonly Traffic[];
}

/** What calls of one dispatch have to do: values that threads keep for themselves are no memory. */
export function dispatchCost(calls: readonly GpuCall[], buffers: readonly GpuBuffer[]): Cost {
  const share = (buffer: number) => buffers[buffer].half ? 0.5 : 1;
  return addCosts(calls.map((call) => {
    const { flops, reads, writes } = workOf(call);
    const bytes = [...reads, ...writes]
      .reduce((sum, { buffer, bytes }) => sum + bytes * share(buffer), 0);
    return { flops, bytes };
  }));
}

/** The work of a call, its result and tails included. */
function workOf(call: GpuCall): CallWork {
  const { result, stored, tails } = call;
  const own = bareWork(call);
  return {
    flops: own.flops + tails.reduce((sum, kernel) => sum + loopFlops(kernel), 0),
    reads: [
      ...own.reads,
      ...tailLoads(call).map(({ load, kernel }) => ({
        buffer: load.buffer,
        bytes: walkedBytes(load, kernel.shape),
      })),
    ],
    writes: [
      ...own.writes,
      ...tails.flatMap(({ stores, shape }) =>
        stores.map((store) => ({ buffer: store.buffer, bytes: walkedBytes(store, shape) }))
      ),
      ...(result && stored ? [{ buffer: result.buffer, bytes: operandBytes(result) }] : []),
    ],
  };
}

function bareWork({ work }: GpuCall): CallWork {
  switch (work.kind) {
    case "structured": {
      const bytes = structuredReads(work.call.operands, work.call.work);
      const reads = work.call.operands.map(({ buffer }, place) => ({
        buffer,
        bytes: bytes[place],
      }));
      return { flops: work.call.work.flops, reads, writes: [] };
    }
    case "record": {
      const each = work.outputs.map(({ buffer, shape, strides, dtype }) => ({
        buffer,
        bytes: walkedBytes({ strides, dtype }, shape),
      }));
      return { flops: 0, reads: each, writes: each };
    }
    case "loop": {
      const { loads, stores, reducer, shape } = work.kernel;
      const walked = (operands: typeof loads) =>
        operands.map((operand) => ({
          buffer: operand.buffer,
          bytes: walkedBytes(operand, shape),
        }));
      // What is folded is handed over as the call's result.
      const writes = reducer ? [] : walked(stores);
      return { flops: loopFlops(work.kernel), reads: walked(loads), writes };
    }
    case "rows": {
      const each = work.calls.map(workOf);
      return {
        flops: each.reduce((sum, { flops }) => sum + flops, 0),
        reads: each.flatMap(({ reads }) => reads.filter(({ buffer }) => !work.own.has(buffer))),
        writes: each.flatMap(({ writes }) =>
          writes.filter(({ buffer }) => !work.hidden.has(buffer))
        ),
      };
    }
  }
}
