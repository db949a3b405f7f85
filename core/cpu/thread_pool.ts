import { DisposedError, KernelError } from "../graph/errors.ts";
import {
  controlBytes,
  controlWords,
  instantiateKernels,
  type KernelExports,
  kernelsModule,
} from "./kernels/load.ts";
import { FunctionPlaces } from "./function_places.ts";
import type { SharedMemory } from "./memory.ts";

// A worker sleeps inside WebAssembly and comes back to JavaScript only to load modules or to quit, and
// for a turn of events where it has had nothing to do for long: it ends there if the Worker that
// has started it was terminated, which nobody can say to a thread that sleeps.
// Modules hang in a list in shared memory: next, bytes, functions, the place of each in the table, and
// the bytes.
const workerSource = `
onmessage = ({ data: { memory, module, control, mailbox, thread } }) => {
  const clock = () => performance.now();
  const table = new WebAssembly.Table({ initial: 16, element: "anyfunc" });
  const kernels = new WebAssembly.Instance(module, { env: { memory, table } }).exports;
  let last = mailbox;
  // When another thread has made the memory grow, a worker may still see the old buffer: growing by
  // nothing gives the present one.
  const buffer = () => (memory.grow(0), memory.buffer);
  const word = (at) => Atomics.load(new Int32Array(buffer()), at >> 2);
  const load = () => {
    for (let entry = word(last); entry; entry = word(entry)) {
      const [length, count] = [word(entry + 4), word(entry + 8)];
      const start = entry + 12 + 4 * count;
      const bytes = new Uint8Array(buffer()).slice(start, start + length);
      const made = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
        env: { memory, clock, thread },
      });
      for (let i = 0; i < count; i++) {
        const place = word(entry + 12 + 4 * i);
        if (table.length <= place) table.grow(place + 64 - table.length);
        table.set(place, made.exports[i]);
      }
      last = entry;
    }
  };
  const serve = () => {
    let needed = 0;
    try {
      do load(); while ((needed = kernels.workerLoop(control, thread)) === 2 && word(mailbox + 4) === 0);
    } catch (error) {
      Atomics.store(new Int32Array(buffer()), (control >> 2) + ${controlWords.failed}, 1);
      throw error;
    } finally {
      if (needed === 3) setTimeout(serve, 0);
      else self.close();
    }
  };
  serve();
};`;

/**
 * The threads of a CPU device: this one, and workers from a `blob:` URL, which need no permission.
 * A worker joins when it is ready; until then the others do its share.
 */
export class ThreadPool {
  /** The kernels, for this thread. */
  readonly kernels: KernelExports;
  readonly #table: WebAssembly.Table;
  readonly #control: number;
  readonly #mailbox: number;
  readonly #workers: Worker[] = [];
  readonly #functions = new FunctionPlaces();
  /** The modules in shared memory, the latest last. */
  #modules: number[] = [];
  #hasRun = false;
  #disposed = false;

  /**
   * @param memory Memory that the threads share.
   * @param threads Threads, this one included.
   * @param early Whether workers start at once, rather than at the second run.
   */
  constructor(
    private readonly memory: SharedMemory,
    readonly threads: number,
    early: boolean = true,
  ) {
    this.#table = new WebAssembly.Table({ initial: 16, element: "anyfunc" });
    this.kernels = instantiateKernels(memory.memory, this.#table);
    this.#control = memory.allocate(controlBytes, "the control block");
    this.#mailbox = memory.allocate(8, "the list of modules");
    const scratch = memory.allocate(this.kernels.scratchBytes * threads, "scratch");
    this.#words()[(this.#control >> 2) + controlWords.scratch] = scratch;
    if (early && threads > 1) this.#startWorkers();
  }

  /** Table index of the compiled function of `key`, or `undefined`. */
  find(key: string): number | undefined {
    return this.#functions.find(key);
  }

  /** Says that one more program calls a function: it stays until as many have released it. */
  use(key: string): void {
    this.#functions.use(key);
  }

  /** Says that a program that calls functions is gone. */
  release(keys: Iterable<string>): void {
    for (const key of keys) this.#functions.release(key);
  }

  /**
   * Gives a module of functions to every thread; they are found by `keys` from now on, and are used by
   * whoever has loaded them. It may import the memory as `env.memory`, the time in milliseconds as
   * `env.clock`, and the thread's number as `env.thread`.
   */
  load(bytes: Uint8Array<ArrayBuffer>, keys: readonly string[]): void {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: this.memory.memory, clock: () => performance.now(), thread: 0 },
    });
    const start = 12 + 4 * keys.length;
    const entry = this.threads > 1 ? this.memory.allocate(start + bytes.length, "a module") : 0;
    const places = keys.map((key) => this.#functions.add(key));
    places.forEach((place, number) => {
      if (this.#table.length <= place) this.#table.grow(place + 64 - this.#table.length);
      this.#table.set(place, instance.exports[number] as CallableFunction);
    });
    if (entry === 0) return;
    const words = this.#words();
    words.set([0, bytes.length, keys.length, ...places], entry >> 2);
    new Uint8Array(this.memory.memory.buffer).set(bytes, entry + start);
    this.#freeModules();
    Atomics.store(words, (this.#modules.at(-1) ?? this.#mailbox) >> 2, entry);
    this.#modules.push(entry);
    if (this.#workers.length > 0) this.kernels.callWorkers(this.#control);
  }

  /** Frees the modules that every worker has loaded but the last one, at which each waits for the next. */
  #freeModules(): void {
    const { length } = this.#workers;
    if (length === 0 || this.kernels.readyThreads(this.#control, this.threads) <= length) return;
    for (const entry of this.#modules.splice(0, this.#modules.length - 1)) this.memory.free(entry);
  }

  /**
   * Runs the plan at `address` on at most `most` of the threads that are ready.
   *
   * @returns How many took part.
   * @throws {KernelError} when a worker failed.
   */
  run(address: number, most: number = this.threads): number {
    if (this.#disposed) {
      throw new DisposedError("Cannot run a plan on a device after its disposal: open another");
    }
    const threads = most > 1 ? this.#ready(most) : 1;
    if (this.kernels.runPlan(this.#control, address, threads) !== 0) {
      throw new KernelError("A worker thread of the CPU device failed: see the error above");
    }
    return threads;
  }

  /**
   * Waits until no thread looks at a plan any longer: a worker that took no part in the last run may
   * still be on its way through it. Before plans are freed.
   */
  settle(): void {
    if (this.#workers.length > 0 && !this.#disposed) this.kernels.settle(this.#control);
  }

  /** Lets the workers go; a second call does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    Atomics.store(this.#words(), (this.#mailbox >> 2) + 1, 1);
    if (this.#workers.length > 0) this.kernels.callWorkers(this.#control);
    for (const worker of this.#workers) worker.terminate();
  }

  #ready(most: number): number {
    if (this.#workers.length > 0) return this.kernels.readyThreads(this.#control, most);
    if (this.#hasRun) this.#startWorkers();
    this.#hasRun = true;
    return 1;
  }

  #startWorkers(): void {
    const blob = new Blob([workerSource], { type: "text/javascript" });
    const url = URL.createObjectURL(blob);
    const module = kernelsModule();
    for (let thread = 1; thread < this.threads; thread++) {
      const worker = new Worker(url, { type: "module", name: `millrace-${thread}` });
      worker.postMessage({
        memory: this.memory.memory,
        module,
        control: this.#control,
        mailbox: this.#mailbox,
        thread,
      });
      this.#workers.push(worker);
    }
    URL.revokeObjectURL(url);
  }

  #words(): Int32Array {
    return new Int32Array(this.memory.memory.buffer);
  }
}
