/** Counts the files that are open, of those that were opened while it is in use. */
export class OpenFiles implements Disposable {
  count = 0;
  readonly #original = Deno.openSync;

  constructor() {
    Deno.openSync = (...options) => {
      const file = this.#original(...options);
      const close = file.close.bind(file);
      file.close = () => (this.count--, close());
      this.count++;
      return file;
    };
  }

  [Symbol.dispose](): void {
    Deno.openSync = this.#original;
  }
}
