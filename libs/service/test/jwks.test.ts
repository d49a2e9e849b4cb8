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
  let shown: Key[];
  let status: number;
  let asked: number;
  let elapsedMs: number;
  let verifier: TokenVerifier;

  beforeEach(async () => {
    [shown, status, asked, elapsedMs] = [[newKey('one')], 200, 0, 0];
    server = createServer((request, response) => {
      asked += 1;
      response.statusCode = status;
      if (request.url === '/moved') response.setHeader('location', '/jwks.json');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: shown.map(({ jwk }) => jwk) }));
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
    const [key] = shown as [Key];
    await Promise.all([verifier.verify(await sign(key, 'one')), verifier.verify(await sign(key, 'one'))]);
    await verifier.verify(await sign(key, 'one'));
    expect(asked).toBe(1);
  });

  it('tries each of several keys for a token that names none', async () => {
    shown = [newKey('one'), newKey('two'), newKey('three')];
    for (const key of shown) await expect(verifier.verify(await sign(key))).resolves.toBeDefined();
    shown = [newKey(), newKey()];
    verifier = new TokenVerifier({ kind: 'jwks', url, ...ORIGIN });
    for (const key of shown) await expect(verifier.verify(await sign(key))).resolves.toBeDefined();
    await expect(verifier.verify(await sign(newKey()))).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it.each([
    ['with a name', 'two'],
    ['without a name', undefined],
  ])('takes a new key %s as soon as a token is signed with it', async (_, kid) => {
    await verifier.verify(await sign(shown[0]!, 'one'));
    const added = newKey(kid);
    shown = [...shown, added];
    await expect(verifier.verify(await sign(added, kid))).resolves.toBeDefined();
    expect(asked).toBe(2);
  });

  it('takes a new key that has the place of the only one', async () => {
    shown = [newKey()];
    await verifier.verify(await sign(shown[0]!));
    shown = [newKey()];
    await expect(verifier.verify(await sign(shown[0]!))).resolves.toBeDefined();
  });

  it('does not fetch for every token of a key that is not known', async () => {
    const unknown = newKey();
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, index) => sign(unknown, `kid-${index}`)));
    for (const token of tokens) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    }
    expect(asked).toBe(MAX_FETCHES_IN_A_ROW);
    await expect(verifier.verify(await sign(shown[0]!, 'one'))).resolves.toBeDefined();
    const added = newKey('two');
    shown = [...shown, added];
    await expect(verifier.verify(await sign(added, 'two'))).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    elapsedMs += FETCH_ALLOWED_EVERY_MS;
    await expect(verifier.verify(await sign(added, 'two'))).resolves.toBeDefined();
  });

  it('does not blame the token if the keys are unreachable, and asks again later', async () => {
    status = 500;
    const token = await sign(shown[0]!, 'one');
    for (let count = 0; count < 3 * MAX_FETCHES_IN_A_ROW; count += 1) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE' });
    }
    expect(asked).toBe(MAX_FETCHES_IN_A_ROW);
    status = 200;
    elapsedMs += FETCH_ALLOWED_EVERY_MS;
    await expect(verifier.verify(token)).resolves.toBeDefined();
  });

  it('does not follow the key set elsewhere', async () => {
    status = 302;
    verifier = new TokenVerifier({ kind: 'jwks', url: new URL('/moved', url).href, ...ORIGIN });
    const token = await sign(shown[0]!, 'one');
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE' });
    expect(asked).toBe(1);
  });

  const nowSeconds = Math.floor(Date.now() / 1_000);
  it.each([
    ['of another issuer', { iss: 'https://other.example' }, 'TOKEN_INVALID'],
    ['of no issuer', { iss: undefined }, 'TOKEN_INVALID'],
    ['for another audience', { aud: 'billing' }, 'TOKEN_INVALID'],
    ['for no audience', { aud: undefined }, 'TOKEN_INVALID'],
    ['that does not expire', { exp: undefined }, 'TOKEN_INVALID'],
    ['that expired a minute ago', { exp: nowSeconds - 60 }, 'TOKEN_EXPIRED'],
    ['that names no provider', { provider_id: undefined }, 'CLAIM_MISSING'],
    ['that writes for all providers', { scope: 'write' }, 'CLAIM_INVALID'],
    ['that writes for no provider', { scope: 'write', provider_id: undefined }, 'CLAIM_MISSING'],
  ])('refuses a token %s', async (_, claims, code) => {
    await expect(verifier.verify(await sign(shown[0]!, 'one', claims))).rejects.toMatchObject({ code });
  });

  it('takes a token that is for others, too', async () => {
    const token = await sign(shown[0]!, 'one', { aud: ['billing', 'hailstream'] });
    await expect(verifier.verify(token)).resolves.toEqual({ scopes: new Set(['read']) });
  });
});
