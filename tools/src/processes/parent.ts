const POLL_MS = 1_000;

/**
 * Calls `gone` when the process that started this one ends. Asked now and then: a parent that is killed says nothing.
 * Does not keep the
 * process.
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
