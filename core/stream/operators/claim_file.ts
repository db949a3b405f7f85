import { normalize } from "node:path";
import type { RunControl } from "../epoch.ts";

/** Who writes to a file. */
interface Claim {
  readonly owner: object;
  readonly shared: boolean;
  count: number;
}

/** The files that operators of a run write to. */
const files = new WeakMap<RunControl, Map<string, Claim>>();

/**
 * Notes that an operator writes to a file of its own: two of a pipe would write over each other.
 *
 * @param run The run.
 * @param claim The operator's name, for the message; the operator, which may be subscribed to more
 * than once; the file; and whether others that share it may write there, too, by default not.
 * @returns Forgets it, when the operator is left.
 * @throws {RangeError} when another one of the same run writes there.
 */
export function claimFile(
  run: RunControl,
  { operator, owner, path, shared = false }: {
    readonly operator: string;
    readonly owner: object;
    readonly path: string;
    readonly shared?: boolean;
  },
): () => void {
  const claims = files.get(run) ?? new Map<string, Claim>();
  files.set(run, claims);
  const file = normalize(path);
  const claim = claims.get(file) ?? { owner, shared, count: 0 };
  if (claim.owner !== owner && !(shared && claim.shared)) {
    throw new RangeError(
      `Cannot use ${operator} as another operator of the pipe writes to "${path}", too: name ` +
        `another file`,
    );
  }
  claims.set(file, claim);
  claim.count++;
  return () => {
    if (--claim.count === 0) claims.delete(file);
  };
}
