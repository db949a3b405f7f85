/** The block of words that says how a window goes over its input; `records.ts` writes it. */

export function batchOf(block: usize): i32 {
  return load<i32>(block);
}

/** Size of the input along an axis: 0 depth, 1 height, 2 width. */
export function inputSize(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 4);
}

export function channelsOf(block: usize): i32 {
  return load<i32>(block, 16);
}

export function outputSize(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 20);
}

export function tapsAlong(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 32);
}

export function strideOf(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 44);
}

export function beforeOf(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 56);
}

export function dilationOf(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 68);
}

export function inputDilationOf(block: usize, axis: i32): i32 {
  return load<i32>(block + <usize> axis * 4, 80);
}

/** The convolution's filters. */
export function filtersOf(block: usize): i32 {
  return load<i32>(block, 92);
}

/** The convolution's groups. */
export function groupsOf(block: usize): i32 {
  return load<i32>(block, 96);
}

/** Whether tiles are changed to multiply less; `core/graph/window.ts` decides it. */
export function isWinograd(block: usize): bool {
  return load<i32>(block, 100) != 0;
}

/** Inputs of one image, without channels. */
export function inputPlaces(block: usize): i32 {
  return inputSize(block, 0) * inputSize(block, 1) * inputSize(block, 2);
}

/** Outputs of one image, without channels. */
export function outputPlaces(block: usize): i32 {
  return outputSize(block, 0) * outputSize(block, 1) * outputSize(block, 2);
}

/** Index of the input that a tap sees along an axis, or −1: `place` is the output's first one. */
export function inputIndex(block: usize, axis: i32, place: i32, tap: i32): i32 {
  const at = place + tap * dilationOf(block, axis);
  if (at < 0) return -1;
  const apart = inputDilationOf(block, axis);
  if (apart == 1) return at < inputSize(block, axis) ? at : -1;
  if (at % apart) return -1;
  const index = at / apart;
  return index < inputSize(block, axis) ? index : -1;
}

/** The place that the first tap of an output sees along an axis. */
export function firstPlace(block: usize, axis: i32, output: i32): i32 {
  return output * strideOf(block, axis) - beforeOf(block, axis);
}

/** Whether every output sees the one input at its own place: the convolution is a matrix product. */
export function isPointwise(block: usize): bool {
  if (groupsOf(block) != 1) return false;
  for (let axis = 0; axis < 3; ++axis) {
    if (tapsAlong(block, axis) != 1 || outputSize(block, axis) != inputSize(block, axis)) return false;
    if (strideOf(block, axis) != 1 || beforeOf(block, axis) != 0) return false;
  }
  return true;
}
