/**
 * Looks in a JSON text for what `JSON.parse` lets pass.
 *
 * `JSON.parse` keeps the last of duplicate keys silently, so two readers may see different tensors
 * in one file; it takes any nesting and any blanks behind the value.
 *
 * @param text A text that starts with `{`; whether it is JSON at all is left to `JSON.parse`.
 * @returns What is wrong, fit for a message, or `undefined`: a duplicate key, a key `__proto__`, text
 * that is not well-formed, nesting of more than three levels, or something behind the object other
 * than spaces.
 */
export function scanHeader(text: string): string | undefined {
  // The keys met so far in each object around the place of the scan; `undefined` for an array.
  const open: (Set<string> | undefined)[] = [];
  // By hand: a regular expression for strings runs out of stack on one of some megabytes.
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      // A header, its entries, their shapes: there is no fourth level.
      if (open.length === 3) return "its header is nested deeper than three levels";
      open.push(character === "{" ? new Set() : undefined);
    } else if (character === "}" || character === "]") {
      open.pop();
      if (open.length === 0) return checkPadding(text, at + 1);
    } else if (character === '"') {
      const end = endOfString(text, at);
      const keys = isKey(text, end) ? open.at(-1) : undefined;
      const wrong = checkString(text.slice(at, end), keys);
      if (wrong !== undefined) return wrong;
      at = end - 1;
    }
  }
  return "its header is not JSON: it has no end";
}

function checkPadding(text: string, start: number): string | undefined {
  for (let at = start; at < text.length; at++) {
    if (text[at] !== " ") return "its header has something other than spaces behind its end";
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isKey(text: string, after: number): boolean {
  while (" \t\n\r".includes(text[after] ?? "x")) after++;
  return text[after] === ":";
}

function checkString(literal: string, keys: Set<string> | undefined): string | undefined {
  const shown = literal.slice(0, 80);
  let value: string;
  try {
    value = JSON.parse(literal);
  } catch {
    return `its header is not JSON: the string ${shown} cannot be read`;
  }
  if (!value.isWellFormed()) return `its header holds text that is not well-formed: ${shown}`;
  if (keys === undefined) return undefined;
  if (value === "__proto__") {
    return 'its header holds the key "__proto__", which no tensor may have';
  }
  if (keys.has(value)) return `its header holds the key ${shown} twice`;
  keys.add(value);
  return undefined;
}
