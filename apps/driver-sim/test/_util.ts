import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds; throws where it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  options: { timeoutMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + (options.timeoutMs ?? 30_000);
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within time: ${condition.toString()}`);
    await sleep(10);
  }
}
