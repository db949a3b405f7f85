import type { LoopKernel } from "../../core/graph/loop.ts";
import { type GpuCall, isContiguous, placeKey } from "../call.ts";
import { indent, registerType, type ShaderBuilder } from "../shader_builder.ts";
import { emitBody } from "./body.ts";

/**
 * Emits what becomes of each element of a call's result: it is stored if anybody reads it, and the
 * call's tails are computed from it.
 *
 * @param shader Where the function goes.
 * @param call A call with a result.
 * @returns The name of a function of the element's number and its value.
 */
export function emitFinish(shader: ShaderBuilder, call: GpuCall): string {
  const result = call.result!;
  const name = `finish${shader.unique()}`;
  const lines: string[] = [];
  if (call.stored) {
    lines.push(shader.store(result.buffer, result.dtype, `${shader.start(result)} + e`, "value"));
  }
  const known = new Map<string, string>([[placeKey(result), "value"]]);
  call.tails.forEach((kernel, number) => {
    lines.push(...emitElement(shader, kernel, `t${number}`, "e", known));
  });
  shader.declare(
    name,
    `fn ${name}(e: u32, value: ${registerType(result.dtype)}) {\n${indent(lines.join("\n"))}\n}`,
  );
  return name;
}

/** Emits an unfolded loop at one element: its body and its stores. */
export function emitElement(
  shader: ShaderBuilder,
  kernel: LoopKernel,
  prefix: string,
  element: string,
  known: Map<string, string> = new Map(),
): string[] {
  const body = emitBody(shader, kernel, {
    prefix,
    element,
    known: (load) => isContiguous(load, kernel) ? known.get(placeKey(load)) ?? null : null,
  });
  const stores = kernel.stores.map((store) => {
    if (isContiguous(store, kernel)) known.set(placeKey(store), body.values[store.value]);
    return shader.store(store.buffer, store.dtype, body.address(store), body.values[store.value]);
  });
  return [...body.lines, ...stores];
}
