/** An earlier history that ends less than this before the known one is not read. */
const LEAST_MS = 60_000;

/**
 * From when the log is read next. Each time, the history becomes twice as long: the last hours, which are looked at most often,
 * are available first, and reading takes at most about twice as long as reading everything once. `null` if the history is long
 * enough.
 */
export function nextStart({
  knownSince,
  now,
  readBackMs,
}: {
  readonly knownSince: number;
  readonly now: number;
  readonly readBackMs: number;
}): number | null {
  const first = now - readBackMs;
  if (knownSince - first < LEAST_MS) return null;
  const twice = now - 2 * Math.max(LEAST_MS, now - knownSince);
  return Math.max(first, twice);
}

/** The share of an earlier history that is read, from 0 to 1: of what begins at `from`, the share `done` of the current stage. */
export function overallShare({
  begunAt,
  stage,
  now,
  readBackMs,
  done,
}: {
  /** The known beginning when reading was begun. */
  readonly begunAt: number;
  /** The beginning before the current stage, and the one after it. */
  readonly stage: { readonly knownSince: number; readonly since: number };
  readonly now: number;
  readonly readBackMs: number;
  readonly done: number;
}): number {
  const total = begunAt - (now - readBackMs);
  const read = begunAt - stage.knownSince + done * (stage.knownSince - stage.since);
  return total <= 0 ? 1 : Math.min(1, Math.max(0, read / total));
}
