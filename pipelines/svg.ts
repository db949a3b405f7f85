import { writeFileAtomic } from "../mod.ts";

/** A range of numbers along an axis. */
export type Range = readonly [low: number, high: number];

/** What stands around a picture of numbers. */
export interface ChartOptions {
  /** What it shows, above it. */
  readonly title: string;
  /** What runs from left to right. */
  readonly x: { readonly label: string; readonly range: Range };
  /** What runs from bottom to top. */
  readonly y: { readonly label: string; readonly range: Range };
  /** Names of colours, beside it. */
  readonly legend: readonly { readonly name: string; readonly colour: string }[];
}

/** Width and height of the part with numbers, and what is left free around it. */
const [width, height] = [560, 420];
const margin = { left: 70, right: 150, top: 44, bottom: 56 };

/** A picture of numbers as SVG; marks are drawn in their order, in the units of the axes. */
export class Chart {
  readonly #marks: string[] = [];

  /** An empty one. */
  constructor(readonly options: ChartOptions) {}

  /** A line through points. */
  line(points: readonly Readonly<[number, number]>[], colour: string, stroke = 2): this {
    const path = points.map(([x, y]) => `${this.#left(x)},${this.#top(y)}`).join(" ");
    return this.#mark(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${stroke}" ` +
        `stroke-linejoin="round"/>`,
    );
  }

  /** Parts of a line, each from one point to another. */
  segments(
    parts: readonly (readonly [Readonly<[number, number]>, Readonly<[number, number]>])[],
    colour: string,
    stroke = 2,
  ): this {
    const path = parts.map(([from, to]) =>
      `M${this.#left(from[0])} ${this.#top(from[1])}L${this.#left(to[0])} ${this.#top(to[1])}`
    ).join("");
    return this.#mark(
      `<path d="${path}" stroke="${colour}" stroke-width="${stroke}" stroke-linecap="round"/>`,
    );
  }

  /** A point, ringed in white so that it is seen on every ground. */
  point(x: number, y: number, colour: string): this {
    return this.#mark(
      `<circle cx="${this.#left(x)}" cy="${this.#top(y)}" r="3" fill="${colour}" ` +
        `stroke="white" stroke-width="0.7"/>`,
    );
  }

  /** A rectangle between two corners. */
  rectangle(x: Range, y: Range, colour: string): this {
    // Whole pixels and a bit over, or the ground shows through between neighbours.
    return this.#mark(
      `<rect x="${this.#left(x[0])}" y="${this.#top(y[1])}" ` +
        `width="${round(this.#left(x[1]) - this.#left(x[0]) + 0.5)}" ` +
        `height="${
          round(this.#top(y[0]) - this.#top(y[1]) + 0.5)
        }" fill="${colour}" shape-rendering="crispEdges"/>`,
    );
  }

  /** The SVG text. */
  toString(): string {
    const { title, x, y, legend } = this.options;
    const [right, bottom] = [margin.left + width, margin.top + height];
    const text = (left: number, top: number, content: string, more: string) =>
      `<text x="${left}" y="${top}" ${more}>${escape(content)}</text>`;
    const parts = [
      `<clipPath id="inside"><rect x="${margin.left}" y="${margin.top}" width="${width}" ` +
      `height="${height}"/></clipPath>`,
      `<g clip-path="url(#inside)">`,
      ...this.#marks,
      `</g>`,
      `<rect x="${margin.left}" y="${margin.top}" width="${width}" height="${height}" ` +
      `fill="none" stroke="#444"/>`,
      ...ticksOf(x.range).flatMap((tick) => [
        `<path d="M${this.#left(tick)} ${bottom}v5" stroke="#444"/>`,
        text(this.#left(tick), bottom + 20, `${tick}`, `text-anchor="middle"`),
      ]),
      ...ticksOf(y.range).flatMap((tick) => [
        `<path d="M${margin.left} ${this.#top(tick)}h-5" stroke="#444"/>`,
        text(margin.left - 9, this.#top(tick) + 4, `${tick}`, `text-anchor="end"`),
      ]),
      text(margin.left + width / 2, 26, title, `text-anchor="middle" font-size="16"`),
      text(margin.left + width / 2, bottom + 44, x.label, `text-anchor="middle"`),
      text(
        0,
        0,
        y.label,
        `text-anchor="middle" transform="translate(18 ${margin.top + height / 2}) rotate(-90)"`,
      ),
      ...legend.flatMap(({ name, colour }, row) => [
        `<rect x="${right + 14}" y="${margin.top + row * 22}" width="12" height="12" ` +
        `fill="${colour}"/>`,
        text(right + 32, margin.top + row * 22 + 11, name, ""),
      ]),
    ];
    const size = [right + margin.right, bottom + margin.bottom];
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" ` +
      `viewBox="0 0 ${size.join(" ")}" font-family="sans-serif" font-size="13">\n` +
      `<rect width="${size[0]}" height="${size[1]}" fill="white"/>\n${parts.join("\n")}\n</svg>\n`;
  }

  /** Writes it to a file in one move. Needs `--allow-read` and `--allow-write`. */
  async write(path: string): Promise<void> {
    await writeFileAtomic(path, new TextEncoder().encode(`${this}`));
  }

  #mark(text: string): this {
    this.#marks.push(text);
    return this;
  }

  #left(x: number): number {
    const [low, high] = this.options.x.range;
    return round(margin.left + (x - low) / (high - low) * width);
  }

  #top(y: number): number {
    const [low, high] = this.options.y.range;
    return round(margin.top + (high - y) / (high - low) * height);
  }
}

/** Round numbers in a range, some five of them. */
export function ticksOf([low, high]: Range): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  // Through text, as 3 * 0.1 is 0.30000000000000004.
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** A colour between two, each red, green and blue from 0 to 255; `share` of the second. */
export function blend(
  [from, to]: readonly [readonly number[], readonly number[]],
  share: number,
): string {
  return `rgb(${from.map((part, i) => Math.round(part + (to[i] - part) * share)).join(",")})`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
