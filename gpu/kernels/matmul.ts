import { productSizes } from "../matrix.ts";
import { chooseTile, tileThreads } from "../tiles.ts";
import type { GpuKernel } from "./kernel.ts";
import { perElement } from "./loop.ts";
import { emitDirect, emitShared } from "./matmul_block.ts";
import { emitTiled } from "./matmul_tiled.ts";
import { describeProduct } from "./product.ts";

/**
 * Matrix product over the last two axes, any strides, and whatever else {@link productSizes} takes
 * for one; each of its forms takes tails.
 */
export const matmulKernel: GpuKernel = {
  ownLanes: (call, slices, tuning) => {
    const sizes = productSizes(call)!;
    const tile = chooseTile(slices > 1 ? { ...sizes, batches: slices } : sizes, tuning);
    if (tile.kind !== "tiled" || sizes.inner === 0) return null;
    return tileThreads(tile);
  },
  emit: (shader, call, tuning) => {
    const product = describeProduct(shader, call);
    const { batches, rows, columns, inner } = product.sizes;
    if (inner === 0) {
      return perElement(batches * rows * columns, tuning, `${product.finish}(e, 0.0);`);
    }
    const loads = { a: product.a.cost, b: product.b.cost, isLong: product.a.isLong };
    const tile = chooseTile(product.sizes, tuning, loads);
    switch (tile.kind) {
      case "direct":
        return emitDirect(shader, product, tile, tuning);
      case "shared":
        return emitShared(shader, product, tile, tuning);
      case "tiled":
        return emitTiled(shader, product, tile);
    }
  },
};
