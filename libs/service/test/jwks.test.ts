import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TokenVerifier } from '@hailstream/service/tokens';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FETCH_ALLOWED_EVERY_MS, MAX_FETCHES_IN_A_ROW } from '../src/tokens/key-set.js';

const ORIGIN = { issuer: 'https://id.example', audience: ['hailstream'] };

interface Key {
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function newKey(kid?: string): Key {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' };
  return { privateKey, jwk: { ...jwk, ...(kid !== undefined && { kid }) } };
}

function sign({ privateKey }: Key, kid?: string, claims: Record<string, unknown> = {}): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const common = { iss: ORIGIN.issuer, aud: 'hailstream', exp: nowSeconds + 3_600 };
  return new SignJWT({ ...common, scope: 'read', provider_id: '*', jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
    .sign(privateKey);
}

describe('TokenVerifier with a key set', () => {
  let server: Server;
  let url: string;
  let published: Key[];
  let status: number;
  let fetches: number;
  let elapsedMs: number;
  let verifier: TokenVerifier;

  beforeEach(async () => {
    [published, status, fetches, elapsedMs] = [[newKey('one')], 200, 0, 0];
    server = createServer((request, response) => {
      fetches += 1;
      response.statusCode = status;
      if (request.url === '/moved') response.setHeader('location', '/jwks.json');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    const clocks = { now: () => Date.now(), elapsed: () => elapsedMs };
    verifier = new TokenVerifier({ kind: 'jwks', url, ...ORIGIN }, clocks);
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('fetches the keys once', async () => {
    const [key] = published as [Key];
    await Promise.all([verifier.verify(await sign(key, 'one')), verifier.verify(await sign(key, 'one'))]);
    await verifier.verify(await sign(key, 'one'));
    expect(fetches).toBe(1);
  });

  it('tries all matching keys for a token without a kid', async () => {
    published = [newKey('one'), newKey('two'), newKey('three')];
    for (const key of published) await expect(verifier.verify(await sign(key))).resolves.toBeDefined();
    published = [newKey(), newKey()];
    verifier = new TokenVerifier({ kind: 'jwks', url, ...ORIGIN });
    for (const key of published) await expect(verifier.verify(await sign(key))).resolves.toBeDefined();
    await expect(verifier.verify(await sign(newKey()))).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it.each([
    ['with a kid', 'two'],
    ['without a kid', undefined],
  ])('accepts a new key %s as soon as a token is signed with it', async (_, kid) => {
    await verifier.verify(await sign(published[0]!, 'one'));
    const added = newKey(kid);
    published = [...published, added];
    await expect(verifier.verify(await sign(added, kid))).resolves.toBeDefined();
    expect(fetches).toBe(2);
  });

  it('accepts a new key that replaces the only one', async () => {
    published = [newKey()];
    await verifier.verify(await sign(published[0]!));
    published = [newKey()];
    await expect(verifier.verify(await sign(published[0]!))).resolves.toBeDefined();
  });

  it('limits the fetches that tokens with unknown keys cause', async () => {
    const unknown = newKey();
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, index) => sign(unknown, `kid-${index}`)));
    for (const token of tokens) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    }
    expect(fetches).toBe(MAX_FETCHES_IN_A_ROW);
    await expect(verifier.verify(await sign(published[0]!, 'one'))).resolves.toBeDefined();
    const added = newKey('two');
    published = [...published, added];
    await expect(verifier.verify(await sign(added, 'two'))).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    elapsedMs += FETCH_ALLOWED_EVERY_MS;
    await expect(verifier.verify(await sign(added, 'two'))).resolves.toBeDefined();
  });

  it('reports unreachable keys as such, and fetches them later', async () => {
    status = 500;
    const token = await sign(published[0]!, 'one');
    for (let count = 0; count < 3 * MAX_FETCHES_IN_A_ROW; count += 1) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE' });
    }
    expect(fetches).toBe(MAX_FETCHES_IN_A_ROW);
    status = 200;
    elapsedMs += FETCH_ALLOWED_EVERY_MS;
    await expect(verifier.verify(token)).resolves.toBeDefined();
  });

  it('does not follow redirects', async () => {
    status = 302;
    verifier = new TokenVerifier({ kind: 'jwks', url: new URL('/moved', url).href, ...ORIGIN });
    const token = await sign(published[0]!, 'one');
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE' });
    expect(fetches).toBe(1);
  });

  const nowSeconds = Math.floor(Date.now() / 1_000);
  it.each([
    ['of another issuer', { iss: 'https://other.example' }, 'TOKEN_INVALID'],
    ['without an issuer', { iss: undefined }, 'TOKEN_INVALID'],
    ['for another audience', { aud: 'billing' }, 'TOKEN_INVALID'],
    ['without an audience', { aud: undefined }, 'TOKEN_INVALID'],
    ['that does not expire', { exp: undefined }, 'TOKEN_INVALID'],
    ['that expired a minute ago', { exp: nowSeconds - 60 }, 'TOKEN_EXPIRED'],
    ['without a provider', { provider_id: undefined }, 'CLAIM_MISSING'],
    ['with scope write for all providers', { scope: 'write' }, 'CLAIM_INVALID'],
    ['with scope write and without a provider', { scope: 'write', provider_id: undefined }, 'CLAIM_MISSING'],
  ])('rejects a token %s', async (_, claims, code) => {
    await expect(verifier.verify(await sign(published[0]!, 'one', claims))).rejects.toMatchObject({ code });
  });

  it('accepts a token with several audiences', async () => {
    const token = await sign(published[0]!, 'one', { aud: ['billing', 'hailstream'] });
    await expect(verifier.verify(token)).resolves.toEqual({ scopes: new Set(['read']) });
  });
});
