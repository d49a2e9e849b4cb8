const POLL_MS = 1_000;

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
  }, POLL_MS);
  timer.unref();
}
