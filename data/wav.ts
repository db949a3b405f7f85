import { DataError } from "../core/graph/errors.ts";

/** Sound of a WAV file. */
export interface Sound {
  /** Samples from −1 to 1, all channels of one moment side by side. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** Moments a second, in hertz. */
  readonly samplingRate: number;
  /** Channels. */
  readonly channels: number;
}

/** How a number is read of its bytes, by format and bits; 1 is of whole numbers, 3 of floats. */
const readers: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  "1/8": (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  "1/16": (view, at) => view.getInt16(at, true) / 2 ** 15,
  "1/24": (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  "1/32": (view, at) => view.getInt32(at, true) / 2 ** 31,
  "3/32": (view, at) => view.getFloat32(at, true),
  "3/64": (view, at) => view.getFloat64(at, true),
};

/** A length that programs write who cannot know it yet, as into a pipe: at least this. */
const unknownLength = 0x7ffff000;

/**
 * Reads a WAV file: whole numbers of 8, 16, 24 or 32 bits, or floats, of any number of channels.
 *
 * @param bytes The file.
 * @param options `file`: its name, for messages.
 * @returns Its sound.
 * @throws {DataError} If it is no such file, is cut off, or its form is not known.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseWav } from "@millrace/millrace";
 *
 * const text = (word: string) => [...new TextEncoder().encode(word)];
 * const number = (value: number, bytes: number) =>
 *   Array.from({ length: bytes }, (_, at) => (value >> 8 * at) & 255);
 * const format = [1, 1, 2, 2].map((value) => number(value, 2)); // integers, one channel
 * const file = Uint8Array.from([
 *   ...[...text("RIFF"), ...number(40, 4), ...text("WAVE")],
 *   ...[...text("fmt "), ...number(16, 4), ...format[0], ...format[1], ...number(8000, 4)],
 *   ...[...number(16000, 4), ...number(2, 2), ...number(16, 2)],
 *   ...[...text("data"), ...number(4, 4), ...number(16384, 2), ...number(-32768, 2)],
 * ]);
 * const { samples, samplingRate } = parseWav(file);
 * assert.deepEqual([...samples], [0.5, -1]);
 * assert.equal(samplingRate, 8000);
 * ```
 */
export function parseWav(bytes: Uint8Array, options: { readonly file?: string } = {}): Sound {
  const { file } = options;
  const refuse = (rule: string, received: string): never => {
    const source = file === undefined ? "" : ` "${file}"`;
    throw new DataError(`Cannot read the WAV file${source} as ${rule}: received ${received}`, {
      file,
    });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || word(0) !== "RIFF" || word(8) !== "WAVE") {
    refuse("it must begin with RIFF and WAVE", `${bytes.length} bytes that do not`);
  }
  let format: { reader: string; channels: number; samplingRate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const [name, length] = [word(at), view.getUint32(at + 4, true)];
    const start = at + 8;
    const left = bytes.length - start;
    if (length > left && !(name === "data" && length >= unknownLength)) {
      refuse(`its part "${name}" must have ${length} bytes`, `${left}`);
    }
    if (name === "fmt ") {
      if (length < 16) refuse('its part "fmt " must have at least 16 bytes', `${length}`);
      const code = view.getUint16(start, true);
      const bits = view.getUint16(start + 14, true);
      // An extensible format has its code in a longer word further on.
      const own = code === 0xfffe && length >= 26 ? view.getUint16(start + 24, true) : code;
      const channels = view.getUint16(start + 2, true);
      const samplingRate = view.getUint32(start + 4, true);
      if (!Object.hasOwn(readers, `${own}/${bits}`) || channels === 0 || samplingRate === 0) {
        refuse(
          "it must hold whole numbers of 8, 16, 24 or 32 bits or floats of 32 or 64",
          `format ${own} of ${bits} bits, ${channels} channels, ${samplingRate} Hz`,
        );
      }
      format = { reader: `${own}/${bits}`, channels, samplingRate, bits };
    }
    if (name === "data") {
      if (!format) return refuse('its part "fmt " must come before "data"', "none");
      const { reader, channels, samplingRate, bits } = format;
      const moment = channels * bits / 8;
      const count = Math.floor(Math.min(length, left) / moment) * channels;
      const read = readers[reader];
      const samples = Float32Array.from(
        { length: count },
        (_, place) => read(view, start + place * bits / 8),
      );
      return { samples, samplingRate, channels };
    }
    // Parts begin at even places.
    at = start + length + length % 2;
  }
  return refuse('it must have a part "data"', "none");
}
