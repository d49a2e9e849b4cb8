import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { signedToken, tokenOfFile } from './ingest-token.js';

const SECRET = 'a secret of at least 32 characters';
const lifetimeOf = (token: string | undefined): number => {
  const { iat, exp } = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly iat: number;
    readonly exp: number;
  };
  return exp - iat;
};

describe(signedToken, () => {
  it('signs tokens of minutes, and replaces one before it expires, also after the machine was suspended', async () => {
    let now = Date.now();
    const token = signedToken(SECRET, LOCAL_PROVIDER_ID, () => now);
    const first = await token.current();
    expect(lifetimeOf(first)).toBe(900);
    now += 299_000;
    const same = token.current();
    expect(await same).toBe(first);
    now += 1_000;
    expect(token.current()).not.toBe(same);
    const renewed = token.current();
    now += 36_000_000;
    expect(token.current()).not.toBe(renewed);
  });
});

describe(tokenOfFile, () => {
  it('returns what the file has now, and keeps the last token if it cannot be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'token-'));
    try {
      const path = join(folder, 'token');
      let now = 0;
      const token = tokenOfFile(path, () => now);
      await writeFile(path, 'one\n');
      expect(await token.current()).toBe('one');
      await writeFile(path, 'two\n');
      expect(await token.current()).toBe('one');
      now += 10_000;
      expect(await token.current()).toBe('two');
      await rm(path);
      now += 10_000;
      expect(await token.current()).toBe('two');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
