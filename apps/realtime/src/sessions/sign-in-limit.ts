/** How many sessions may be opened with a token in a row, and how often another one. */
const IN_A_ROW = 50;
const ANOTHER_EVERY_MS = 30_000;
const FULL_AFTER_MS = IN_A_ROW * ANOTHER_EVERY_MS;

interface Bucket {
  left: number;
  at: number;
}

/** Limits the sessions of each token, because every one that is signed out is remembered until it would expire. */
export class SignInLimit {
  private readonly buckets = new Map<string, Bucket>();

  /** Counts a session. Returns whether it is within the limit of its token. */
  allow(token: string, now: number): boolean {
    const { left, at } = this.buckets.get(token) ?? { left: IN_A_ROW, at: now };
    const more = Math.max(0, Math.floor((now - at) / ANOTHER_EVERY_MS));
    const available = Math.min(IN_A_ROW, left + more);
    this.buckets.set(token, { left: Math.max(0, available - 1), at: at + more * ANOTHER_EVERY_MS });
    return available > 0;
  }

  /** Forgets tokens that were not used for long. */
  forget(now: number): void {
    for (const [token, { at }] of this.buckets) if (now - at >= FULL_AFTER_MS) this.buckets.delete(token);
  }
}
