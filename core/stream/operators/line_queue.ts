import { isFullDisk } from "../../state/explained_write.ts";
import type { RunControl } from "../epoch.ts";

/** What lines of text are written to; `Deno.stdout` and an open file are some. */
export interface LineWriter {
  /** Writes some of the bytes and tells how many. */
  writeSync(bytes: Uint8Array): number;
}

/** A line's place in the order, kept until its text is known. */
export interface LineSlot {
  /** The text; `null` for none after all, `undefined` while it is not known. */
  text: string | null | undefined;
  /** What is written in the end if the text is still not known; without it, nothing is. */
  readonly atLast?: () => string;
}

const utf8 = new TextEncoder();

/**
 * Writes text whole, however few bytes the writer takes at once.
 *
 * @param writer Where to.
 * @param text The text.
 * @throws {Error} What the writer throws.
 */
export function writeText(writer: LineWriter, text: string): void {
  writeBytes(writer, utf8.encode(text));
}

/**
 * Writes bytes whole, however few the writer takes at once.
 *
 * @param writer Where to.
 * @param bytes The bytes.
 * @throws {Error} What the writer throws.
 */
export function writeBytes(writer: LineWriter, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      const count = writer.writeSync(bytes.subarray(written));
      if (count === 0) throw new Deno.errors.WriteZero("the writer took none of the bytes");
      written += count;
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      // A pipe that its other end made non-blocking is full: wait a millisecond for the reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Lines that leave in order, though the text of some is known late. */
export class LineQueue {
  /** The run that the lines are about, once it is known. */
  run: RunControl | undefined;
  #slots: LineSlot[] = [];
  #closed = false;

  /** @param writer Where the lines go. @param operator Whose lines they are, for messages. */
  constructor(private readonly writer: LineWriter, private readonly operator: string) {}

  /** True while a line waits for one before it. */
  get waiting(): boolean {
    return this.#slots.length > 0;
  }

  /** Writes a line after those before it, at once if none of them waits. */
  write(text: string): void {
    this.#slots.push({ text });
    this.#flush();
  }

  /** Keeps a place for a line; `atLast` gives its text if it is still not known in the end. */
  reserve(atLast?: () => string): LineSlot {
    const slot: LineSlot = { text: undefined, atLast };
    this.#slots.push(slot);
    return slot;
  }

  /** Gives a place its text, or `null` to leave it out. */
  settle(slot: LineSlot, text: string | null): void {
    slot.text = text;
    this.#flush();
  }

  /** Leaves out the lines that are not known by now and need not be, and writes the others. */
  dropUnsettled(): void {
    for (const slot of this.#slots) if (slot.text === undefined) slot.text = slot.atLast?.();
    this.#slots = this.#slots.filter(({ text }) => text !== undefined);
    this.#flush();
  }

  /** Writes nothing from now on. */
  close(): void {
    this.#closed = true;
    this.#slots = [];
  }

  #flush(): void {
    while (this.#slots.length > 0 && this.#slots[0].text !== undefined) {
      const { text } = this.#slots.shift()!;
      if (text !== null && !this.#closed) this.#writeLine(text!);
    }
    if (this.#closed) this.#slots = [];
  }

  #writeLine(text: string): void {
    try {
      writeText(this.writer, `${text}\n`);
    } catch (cause) {
      // That nobody reads any more is no failure of the writer.
      if (cause instanceof Deno.errors.BrokenPipe) throw cause;
      throw new Error(`Cannot write the lines of ${this.operator} as ${refusalOf(cause)}`, {
        cause,
      });
    }
  }
}

/** Why a writer has taken nothing, and what to do. */
function refusalOf(error: unknown): string {
  if (isFullDisk(error)) return "the disk is full: free some space";
  if (error instanceof Deno.errors.BadResource) {
    return "its file is closed: close it when the run has ended";
  }
  const { code, message } = error as { code?: string; message: string };
  return code === "EBADF"
    ? "its file is open for reading: open it with { write: true }"
    : `its writer refused: ${message}`;
}
