/**
 * Ctrl-C in a terminal reaches every process of the group, and npm passes it on once more: signals this close
 * together are one wish.
 */
const SAME_WISH_MS = 1_000;

/**
 * Calls `stop` with the first SIGINT or SIGTERM, and `insist` when another one comes after a while. For as long as
 * the process lives.
 */
export function onStopSignals(stop: () => void, insist: () => void): void {
  let firstAt: number | undefined;
  const listener = (): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      stop();
    } else if (now - firstAt >= SAME_WISH_MS) {
      insist();
    }
  };
  process.on('SIGINT', listener).on('SIGTERM', listener);
}
