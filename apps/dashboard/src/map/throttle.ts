/** Calls at once, then at most once every `everyMs`, the newest argument last; `cancel` drops the pending call. */
export function throttle<T>(
  call: (argument: T) => void,
  everyMs: number,
): { (argument: T): void; cancel(): void } {
  let waiting: { argument: T } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    timer = undefined;
    if (waiting === null) return;
    const { argument } = waiting;
    waiting = null;
    timer = setTimeout(run, everyMs);
    call(argument);
  };
  const throttled = (argument: T) => {
    waiting = { argument };
    if (timer === undefined) run();
  };
  throttled.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
    waiting = null;
  };
  return throttled;
}
