import type { RevocableKind } from '@hailstream/events';

/** Revoked sessions and tokens that have not expired. */
export class Revocations {
  private readonly expiries = new Map<string, number>();
  private tokens = 0;

  get count(): number {
    return this.expiries.size;
  }

  /** Whether any token is revoked: otherwise none needs to be hashed. */
  get hasTokens(): boolean {
    return this.tokens > 0;
  }

  has(kind: RevocableKind, id: string): boolean {
    return this.expiries.has(revocationKey(kind, id));
  }

  /** Returns whether it is a new one. */
  add(key: string, expiresAtMs: number): boolean {
    const isNew = !this.expiries.has(key);
    this.expiries.set(key, Math.max(expiresAtMs, this.expiries.get(key) ?? 0));
    if (isNew && isToken(key)) this.tokens += 1;
    return isNew;
  }

  /** Forgets those that have expired, and returns their keys. */
  forget(now: number): string[] {
    const expired = [...this.expiries].filter(([, expiresAtMs]) => expiresAtMs <= now).map(([key]) => key);
    for (const key of expired) {
      this.expiries.delete(key);
      if (isToken(key)) this.tokens -= 1;
    }
    return expired;
  }
}

/** The key of its record in the log. */
export function revocationKey(kind: RevocableKind, id: string): string {
  return `${kind}/${id}`;
}

function isToken(key: string): boolean {
  return key.startsWith('token/');
}
