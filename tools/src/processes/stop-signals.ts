/**
 * Ctrl-C in a terminal reaches every process of the group, and npm forwards it again: signals within this time count as
 * one.
 */
const SAME_WISH_MS = 1_000;

const PARENT_POLL_MS = 1_000;

/**
 * Calls `stop` on the first SIGINT or SIGTERM, and `insist` on a later one, for the lifetime of the process.
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

/**
 * Calls `gone` when the parent process has ended. Polls, because no event reports a killed parent. Does not keep this
 * process running.
 */
export function onParentGone(gone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, PARENT_POLL_MS);
  timer.unref();
}
