import { describe, expect, it } from 'vitest';
import type { BrowserSession } from './browser-session.js';
import { Seal } from './seal.js';
import { SessionSeal } from './session-seal.js';

const SECRET = 'a secret of at least thirty-two characters';
const session: BrowserSession = {
  id: '7e0e5a52-3f0c-4a3c-9a3e-0b2f4d9f7c11',
  principal: {
    scopes: new Set(['read', 'operate']),
    providerId: '0197a1c0-6d1f-7000-8000-000000000001',
    name: 'Kim',
  },
  expiresAtMs: 1_790_000_000_000,
  origin: { hash: 'ab'.repeat(32), expiresAtMs: 1_790_000_000_000, token: 'a.b.c' },
};

describe(SessionSeal, () => {
  it('opens what another process with the same secret has sealed, and nothing of it can be read', () => {
    const sealed = new SessionSeal(SECRET).seal(session);
    expect(new SessionSeal(SECRET).open(sealed)).toEqual(session);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toMatch(/Kim|read|a\.b\.c/);
    expect(new SessionSeal(SECRET).seal(session)).not.toBe(sealed);
  });

  it('opens nothing that was sealed with another secret, cut or changed in one bit', () => {
    const seal = new SessionSeal(SECRET);
    const sealed = seal.seal(session);
    expect(new SessionSeal(`${SECRET}!`).open(sealed)).toBeUndefined();
    const bytes = Buffer.from(sealed, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index]! ^= 1;
      expect(seal.open(changed.toString('base64url'))).toBeUndefined();
      expect(seal.open(bytes.subarray(0, index).toString('base64url'))).toBeUndefined();
    }
    for (const text of ['', 'x', 'a.b.c', '€'.repeat(100), 'A'.repeat(10_000)]) {
      expect(seal.open(text)).toBeUndefined();
    }
  });

  it('does not open what was sealed for another purpose with the same secret', () => {
    const other = new Seal(SECRET, 'another purpose');
    expect(other.open(other.seal({ id: 1 }))).toEqual({ id: 1 });
    expect(other.open(new SessionSeal(SECRET).seal(session))).toBeUndefined();
    expect(new SessionSeal(SECRET).open(other.seal({ id: 1 }))).toBeUndefined();
  });

  it('leaves out a token that is too large for a cookie', () => {
    const seal = new SessionSeal(SECRET);
    const sealed = seal.seal({ ...session, origin: { ...session.origin, token: 'x'.repeat(4_000) } });
    expect(sealed.length).toBeLessThan(4_000);
    expect(seal.open(sealed)?.origin).toEqual({ hash: session.origin.hash, expiresAtMs: 1_790_000_000_000 });
  });

  it('has another cookie for each secret, and the same one in each process', () => {
    const names = [SECRET, SECRET, `${SECRET}!`].map((secret) => new SessionSeal(secret).cookieName);
    expect(names[0]).toMatch(/^hailstream-[0-9a-f]{8}$/);
    expect(new Set(names).size).toBe(2);
  });
});
