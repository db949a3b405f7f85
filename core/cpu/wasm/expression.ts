import { KernelError } from "../../graph/errors.ts";

/** A parsed expression of the small WGSL subset in which elementwise ops are written. */
export type Expression =
  | { readonly kind: "number"; readonly value: number; readonly type: "f32" | "u32" | "int" }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression }
  | {
    readonly kind: "binary";
    readonly operator: string;
    readonly left: Expression;
    readonly right: Expression;
  }
  | { readonly kind: "call"; readonly name: string; readonly arguments: readonly Expression[] };

/** `let` lines in order, then the result. */
export interface Body {
  /** Names and their values. */
  readonly lets: readonly { readonly name: string; readonly value: Expression }[];
  /** The value of the whole. */
  readonly result: Expression;
}

const token =
  /\s*(?:(0x[0-9a-fA-F]+u?|\d+\.?\d*(?:[eE][+-]?\d+)?[uf]?|\.\d+)|(bitcast<\w+>|[A-Za-z_]\w*)|(<<|>>|<=|>=|==|!=|&&|\|\||[-+*\/%&|^~!<>(),;=]))/y;

/** Binding strength of binary operators; higher binds tighter. */
const precedence: Record<string, number> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
};

const parsed = new Map<string, Body>();

/** Parses an op's body; each text once. Throws {@link KernelError} on anything else. */
export function parseBody(source: string): Body {
  let body = parsed.get(source);
  if (!body) parsed.set(source, body = new Parser(source).body());
  return body;
}

class Parser {
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(private readonly source: string) {
    token.lastIndex = 0;
    const text = source.trim();
    while (token.lastIndex < text.length) {
      const match = token.exec(text);
      if (!match) throw new KernelError("Cannot read the body of an op: unknown symbol", source);
      this.#tokens.push(match[1] ?? match[2] ?? match[3]);
    }
  }

  body(): Body {
    const lets: { name: string; value: Expression }[] = [];
    while (this.#peek() === "let") {
      this.#next++;
      const name = this.#tokens[this.#next++];
      this.#expect("=");
      lets.push({ name, value: this.#expression(0) });
      this.#expect(";");
    }
    const result = this.#expression(0);
    if (this.#next !== this.#tokens.length) this.#fail(`unexpected "${this.#peek()}"`);
    return { lets, result };
  }

  #peek(): string {
    return this.#tokens[this.#next];
  }

  #expect(symbol: string): void {
    if (this.#tokens[this.#next++] !== symbol) this.#fail(`expected "${symbol}"`);
  }

  #fail(reason: string): never {
    throw new KernelError(`Cannot read the body of an op: ${reason}`, this.source);
  }

  #expression(minimum: number): Expression {
    let left = this.#unary();
    for (;;) {
      const operator = this.#peek();
      const strength = precedence[operator];
      if (strength === undefined || strength < minimum) return left;
      this.#next++;
      left = { kind: "binary", operator, left, right: this.#expression(strength + 1) };
    }
  }

  #unary(): Expression {
    const symbol = this.#peek();
    if (symbol === "-" || symbol === "!" || symbol === "~") {
      this.#next++;
      return { kind: "unary", operator: symbol, operand: this.#unary() };
    }
    return this.#primary();
  }

  #primary(): Expression {
    const symbol = this.#tokens[this.#next++];
    if (symbol === "(") {
      const inner = this.#expression(0);
      this.#expect(")");
      return inner;
    }
    if (symbol === undefined) this.#fail("it ends too early");
    if (/^[.\d]/.test(symbol)) return parseNumber(symbol);
    if (this.#peek() !== "(") return { kind: "name", name: symbol };
    this.#next++;
    const inner: Expression[] = [];
    while (this.#peek() !== ")") {
      inner.push(this.#expression(0));
      if (this.#peek() === ",") this.#next++;
    }
    this.#expect(")");
    return { kind: "call", name: symbol, arguments: inner };
  }
}

function parseNumber(text: string): Expression {
  const hexadecimal = text.startsWith("0x");
  const unsigned = text.endsWith("u");
  const real = !hexadecimal && (/[.eE]/.test(text) || text.endsWith("f"));
  const value = Number(hexadecimal ? text.replace("u", "") : text.replace(/[uf]$/, ""));
  return { kind: "number", value, type: unsigned ? "u32" : real ? "f32" : "int" };
}
