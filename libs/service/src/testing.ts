import { setTimeout as delay } from 'node:timers/promises';

export { runProof, type Proof } from './testing/proofs.js';
export { Random } from './testing/random.js';

interface UntilOptions {
  /** @default 30_000 */
  readonly timeoutMs?: number;
  /** @default 10 */
  readonly pollMs?: number;
  /** Named in the error; by default the source of the condition. */
  readonly what?: string;
}

/** What a condition may return while it does not hold. */
type NotYet = undefined | null | false;

/**
 * Polls a condition until it returns something other than `undefined`, `null` and `false`, and returns that. A
 * condition that throws does not hold yet.
 *
 * @throws Error if the condition does not hold in time; its cause is what the condition last threw
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 30_000, pollMs = 10, what = condition.toString() }: UntilOptions = {},
): Promise<Exclude<T, NotYet>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: { readonly cause?: unknown; readonly text: string } = { text: '' };
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) return value as Exclude<T, NotYet>;
    } catch (error) {
      failure = { cause: error, text: `: ${String(error)}` };
    }
    if (performance.now() > deadline) {
      throw new Error(`not within ${timeoutMs} ms: ${what}${failure.text}`, failure);
    }
    await delay(pollMs);
  }
}
