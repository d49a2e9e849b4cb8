const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** Longest wait that an ingest service may ask for; a longer one would keep events on the devices for nothing. */
const MAX_ASKED_DELAY_MS = 30_000;

/**
 * How long to wait after so many consecutive failures: twice as long each time, with half of it left to chance so that
 * those who failed together don't come back together; not shorter than was asked for.
 */
export function backoffMs(failures: number, random: () => number, askedMs = 0): number {
  const ceiling = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** Math.max(0, failures - 1));
  return Math.max(ceiling / 2 + (random() * ceiling) / 2, Math.min(askedMs, MAX_ASKED_DELAY_MS));
}
