import assert from "node:assert/strict";
import fc from "fast-check";
import { SharedMemory } from "../../../core/cpu/memory.ts";
import { DisposedError } from "../../../core/graph/errors.ts";

/** A block that is allocated: where, how large, and with which byte it was filled. */
interface Block {
  readonly address: number;
  readonly bytes: number;
  readonly mark: number;
}

/** What is true of the memory: blocks lie apart and hold what was written. */
class Model {
  readonly blocks: Block[] = [];
  #mark = 0;
  readonly #memory = new SharedMemory();

  allocate(bytes: number): void {
    const address = this.#memory.allocate(bytes, "a test");
    const content = this.#content(address, bytes);
    assert.equal(address % 64, 0, "blocks begin at cache lines");
    assert.ok(address > 0, "0 is no address");
    assert.ok(content.every((byte) => byte === 0), "a new block is zeroed");
    const end = address + bytes + 128;
    assert.ok(end <= this.#memory.memory.buffer.byteLength, "kernels may read past a block");
    for (const other of this.blocks) {
      const apart = end <= other.address || other.address + other.bytes + 128 <= address;
      assert.ok(apart, "blocks lie apart, their paddings too");
    }
    this.#mark = this.#mark % 255 + 1;
    content.fill(this.#mark);
    this.blocks.push({ address, bytes, mark: this.#mark });
  }

  free(choice: number): void {
    if (this.blocks.length === 0) return;
    const [block] = this.blocks.splice(choice % this.blocks.length, 1);
    const content = this.#content(block.address, block.bytes);
    assert.ok(content.every((byte) => byte === block.mark), "nobody else wrote there");
    this.#memory.free(block.address);
    assert.throws(() => this.#memory.free(block.address), DisposedError);
  }

  check(): void {
    const padded = ({ bytes }: Block) => Math.ceil((bytes + 128) / 64) * 64;
    const sum = this.blocks.reduce((total, block) => total + padded(block), 0);
    assert.equal(this.#memory.allocatedBytes, sum);
  }

  get bytes(): number {
    return this.#memory.memory.buffer.byteLength;
  }

  #content(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.#memory.memory.buffer, address, bytes);
  }
}

const commands = fc.array(
  fc.oneof(
    fc.record({ bytes: fc.oneof(fc.nat(200), fc.nat(200_000)) }),
    fc.record({ free: fc.nat(1000) }),
  ),
  { maxLength: 80 },
);

Deno.test("whatever is allocated and freed: apart, zeroed, aligned, counted", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const model = new Model();
      for (const command of list) {
        if ("free" in command) model.free(command.free);
        else model.allocate(command.bytes);
        model.check();
      }
      while (model.blocks.length > 0) model.free(0);
      model.check();
      model.allocate(100_000);
      assert.equal(model.blocks[0].address, 64, "nothing is lost between freed blocks");
    }),
    { seed: 8, numRuns: 60 },
  );
});

Deno.test("what is freed is used again: memory does not grow", () => {
  const model = new Model();
  for (let turn = 0; turn < 20; turn++) model.allocate(50_000);
  const { bytes } = model;
  for (let turn = 0; turn < 500; turn++) {
    model.free(turn * 7);
    // Never larger than what was freed: first fit may leave gaps otherwise.
    model.allocate(50_000 - 64 * turn);
  }
  assert.equal(model.bytes, bytes);
});

Deno.test("free neighbours are joined: a large block fits where small ones were", () => {
  const memory = new SharedMemory();
  const small = Array.from({ length: 10 }, () => memory.allocate(1000, "small"));
  const last = memory.allocate(10, "last");
  for (const address of [1, 3, 5, 7, 9, 0, 8, 2, 6, 4]) memory.free(small[address]);
  assert.equal(memory.allocate(10_000, "large"), small[0]);
  memory.free(last);
});

Deno.test("a block cut by one line gives all of itself back", () => {
  const memory = new SharedMemory();
  const first = memory.allocate(200, "first"), guard = memory.allocate(200, "guard");
  memory.free(first);
  const shorter = memory.allocate(150, "one line shorter");
  assert.equal(shorter, first);
  memory.free(shorter);
  memory.free(guard);
  assert.equal(memory.allocate(5000, "all of it"), first);
});

Deno.test("4 GiB is the end, with a message that says what to do", () => {
  const memory = new SharedMemory();
  assert.throws(() => memory.allocate(2 ** 32, "a data set"), (error: Error) => {
    assert.ok(error instanceof RangeError);
    assert.match(error.message, /for a data set: the CPU device holds 4 GiB in all \(use smaller/);
    return true;
  });
  assert.equal(memory.allocatedBytes, 0, "a refusal takes nothing");
  memory.allocate(100, "after it");
});

Deno.test("memory that the system refuses is told of with what to do, and takes nothing", () => {
  const memory = new SharedMemory();
  const { Memory } = WebAssembly;
  const refuse = () => {
    throw new RangeError("could not allocate memory");
  };
  memory.memory.grow = refuse;
  assert.throws(() => memory.allocate(2 ** 24, "a data set"), {
    name: "RangeError",
    message:
      /^Cannot allocate 16777216 bytes for a data set: the system has no memory left .*ulimit/,
  });
  assert.equal(memory.allocatedBytes, 0);
  memory.allocate(100, "after it");
  WebAssembly.Memory = refuse as unknown as typeof Memory;
  try {
    assert.throws(
      () => new SharedMemory(),
      /^RangeError: Cannot open the CPU, .*dispose of devices/,
    );
  } finally {
    WebAssembly.Memory = Memory;
  }
});
