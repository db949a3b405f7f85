/** Shapes do not fit an operation. */
export class ShapeError extends Error {
  /** The class's name, as printed before the message. */
  override name = "ShapeError";
}

/** An element type does not fit an operation. */
export class DTypeError extends Error {
  /** The class's name, as printed before the message. */
  override name = "DTypeError";
}

/** Something was used after it was disposed of, or outside its lifetime. */
export class DisposedError extends Error {
  /** The class's name, as printed before the message. */
  override name = "DisposedError";
}

/** A generated kernel was refused; carries its source. */
export class KernelError extends Error {
  /** The class's name, as printed before the message. */
  override name = "KernelError";
  /** The kernel's text, with WGSL's line numbers, or empty. */
  readonly source: string;

  /**
   * Makes the error.
   *
   * @param message What was refused and why.
   * @param source The kernel's text.
   */
  constructor(message: string, source = "") {
    super(message);
    this.source = source;
  }
}

/** A loss, gradient or weight became NaN or infinite. */
export class NonFiniteError extends Error {
  /** The class's name, as printed before the message. */
  override name = "NonFiniteError";
  /** Step at which it appeared, from 1. */
  readonly step: number;
  /** Layer at which it first appeared, or `null` when it is not known. */
  readonly layer: string | null;

  /**
   * Makes the error.
   *
   * @param message What became non-finite.
   * @param step Step, from 1.
   * @param layer Layer's name.
   */
  constructor(message: string, step: number, layer: string | null = null) {
    super(message);
    this.step = step;
    this.layer = layer;
  }
}

/** Data are not what they must be; says where. */
export class DataError extends Error {
  /** The class's name, as printed before the message. */
  override name = "DataError";
  /** The file, if the data came from one. */
  readonly file?: string;
  /** Row, from 1. */
  readonly row?: number;
  /** Column, from 1, or its name. */
  readonly column?: number | string;

  /**
   * Makes the error.
   *
   * @param message What is wrong.
   * @param place File, row and column, and the `cause`, an error of the system's or a library's.
   */
  constructor(
    message: string,
    place: { file?: string; row?: number; column?: number | string; cause?: unknown } = {},
  ) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.file = place.file;
    this.row = place.row;
    this.column = place.column;
  }
}
