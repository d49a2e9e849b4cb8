import type { Target } from './target.js';

/** What one hostile request, record or connection does. */
export interface Attempt {
  readonly name: string;
  /** Resolves to what went wrong; `undefined` if the attack was held. */
  run(target: Target): Promise<string | undefined>;
}

/** Attacks of one kind. */
export interface AttackGroup {
  readonly name: string;
  /** @param isFull whether to attack at full size and to wait for time limits; a test does neither */
  attempts(isFull: boolean): readonly Attempt[];
}

/** The status is one of these, or in the range of client errors. */
export function refusedWith(status: number, ...expected: readonly number[]): string | undefined {
  const isExpected = expected.length > 0 ? expected.includes(status) : status >= 400 && status < 500;
  if (isExpected) return undefined;
  return `status ${status}, expected ${expected.length > 0 ? expected.join(' or ') : '4xx'}`;
}
