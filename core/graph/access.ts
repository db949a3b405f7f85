import type { Tensor } from "./tensor.ts";
import { contiguousStrides, type Shape, sizeOf } from "./shape.ts";

/** How a view reads the buffer under it: element `offset + Σ index[axis] · strides[axis]`. */
export interface View {
  /** The node whose buffer is read. */
  readonly base: Tensor;
  /** First element. */
  readonly offset: number;
  /** Elements between neighbours along each axis of the view. */
  readonly strides: readonly number[];
}

/** Where a node is read inside a loop: its index along each axis from the loop's indices. */
export interface Access {
  /** For each axis, the loop dimension that runs along it, or −1. */
  readonly dimensions: readonly number[];
  /** For each axis, what is added to the index. */
  readonly offsets: readonly number[];
}

/**
 * `node` as a strided view of a buffer, if only views stand between it and a node that
 * `isStored`; otherwise `null`.
 */
export function resolveView(node: Tensor, isStored: (node: Tensor) => boolean): View | null {
  const views: Tensor[] = [];
  let base = node;
  for (; !isStored(base); base = base.inputs[0]) {
    if (base.operation.kind !== "view") return null;
    views.push(base);
  }
  let view: View | null = { base, offset: 0, strides: contiguousStrides(base.shape) };
  // From the base up: a chain of views may be longer than the call stack.
  for (let at = views.length - 1; at >= 0 && view; at--) view = viewOf(views[at], view);
  return view;
}

/** A view, on what its input is of the buffer; `null` where no strides can say it. */
function viewOf(node: Tensor, view: View): View | null {
  const input = node.inputs[0];
  switch (node.operation.name) {
    case "reshape": {
      const strides = reshapeStrides(input.shape, view.strides, node.shape);
      return strides && { ...view, strides };
    }
    case "transpose": {
      const axes = node.attributes.axes as number[];
      return { ...view, strides: axes.map((axis) => view.strides[axis]) };
    }
    case "broadcastTo": {
      const lead = node.rank - input.rank;
      const strides = node.shape.map((size, axis) =>
        axis < lead || input.shape[axis - lead] !== size ? 0 : view.strides[axis - lead]
      );
      return { ...view, strides };
    }
    case "slice": {
      const begin = node.attributes.begin as number[];
      const offset = begin.reduce((sum, start, axis) => sum + start * view.strides[axis], 0);
      return { ...view, offset: view.offset + offset };
    }
  }
  throw new Error(`Cannot resolve the view "${node.operation.name}": it is not known`);
}

/** How the input of a view is read when the view is; `null` when a plain index cannot say it. */
export function accessInput(node: Tensor, access: Access): Access | null {
  const input = node.inputs[0];
  switch (node.operation.name) {
    case "transpose": {
      const axes = node.attributes.axes as number[];
      const dimensions = new Array<number>(axes.length);
      const offsets = new Array<number>(axes.length);
      axes.forEach((axis, place) => {
        dimensions[axis] = access.dimensions[place];
        offsets[axis] = access.offsets[place];
      });
      return { dimensions, offsets };
    }
    case "broadcastTo": {
      const lead = node.rank - input.rank;
      return {
        dimensions: input.shape.map((size, axis) =>
          size === node.shape[lead + axis] ? access.dimensions[lead + axis] : -1
        ),
        offsets: input.shape.map((size, axis) =>
          size === node.shape[lead + axis] ? access.offsets[lead + axis] : 0
        ),
      };
    }
    case "slice": {
      const begin = node.attributes.begin as number[];
      return {
        dimensions: access.dimensions,
        offsets: access.offsets.map((offset, axis) => offset + begin[axis]),
      };
    }
    case "reshape":
      return accessThroughReshape(node.shape, input.shape, access);
  }
  return null;
}

/** True for a reshape that only adds or drops axes of size 1: it can be read through. */
export function keepsAxes(from: Shape, to: Shape): boolean {
  const a = from.filter((size) => size !== 1);
  const b = to.filter((size) => size !== 1);
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function accessThroughReshape(outer: Shape, inner: Shape, access: Access): Access | null {
  if (!keepsAxes(outer, inner)) return null;
  const real = outer.map((size, axis) => ({ size, axis })).filter(({ size }) => size !== 1);
  const dimensions: number[] = [];
  const offsets: number[] = [];
  let next = 0;
  for (const size of inner) {
    if (size === 1) {
      dimensions.push(-1);
      offsets.push(0);
    } else {
      const { axis } = real[next++];
      dimensions.push(access.dimensions[axis]);
      offsets.push(access.offsets[axis]);
    }
  }
  return { dimensions, offsets };
}

/** Strides of `to` over the same elements as `from` with `strides`; `null` when there are none. */
export function reshapeStrides(
  from: Shape,
  strides: readonly number[],
  to: Shape,
): number[] | null {
  if (sizeOf(from) === 0) return contiguousStrides(to);
  const axes = from.map((size, axis) => ({ size, stride: strides[axis] }))
    .filter(({ size }) => size !== 1);
  const result = new Array<number>(to.length).fill(0);
  let next = 0;
  for (let axis = 0; axis < to.length;) {
    if (to[axis] === 1) {
      axis++;
      continue;
    }
    // Grow a group of axes on both sides until they hold equally many elements.
    let last = axis, product = to[axis], source = next, sourceProduct = axes[next].size;
    while (product !== sourceProduct) {
      if (product < sourceProduct) product *= to[++last];
      else sourceProduct *= axes[++source].size;
    }
    for (let place = next; place < source; place++) {
      if (axes[place].stride !== axes[place + 1].stride * axes[place + 1].size) return null;
    }
    let stride = axes[source].stride;
    for (let place = last; place >= axis; place--) {
      result[place] = stride;
      stride *= to[place];
    }
    axis = last + 1;
    next = source + 1;
  }
  return result;
}
