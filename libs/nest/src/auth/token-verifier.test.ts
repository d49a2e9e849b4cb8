import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { makeToken } from './make-token.js';
import { requireScope } from './principal.js';
import { TokenVerifier } from './token-verifier.js';

const SECRET = 'a secret that is long enough for HS256';
const PROVIDER = '2411d395-04f2-47c9-ab66-d09e9e3c3251';

const sign = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(createSecretKey(Buffer.from(SECRET)));

describe(TokenVerifier, () => {
  it('tells what a token allows, and for whom', async () => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    const token = await makeToken(SECRET, { scopes: ['read', 'write'], providerId: PROVIDER }, '1h');
    expect(await verifier.verify(token)).toEqual({
      scopes: new Set(['read', 'write']),
      providerId: PROVIDER,
    });
    expect(await verifier.verify(await makeToken(SECRET, { scopes: ['read'] }, '1h'))).toEqual({
      scopes: new Set(['read']),
    });
  });

  it('knows a token again without asking, until it expires', async () => {
    let now = Date.now();
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET }, () => now);
    const token = await makeToken(SECRET, { scopes: ['read'] }, '30s');
    expect(verifier.recall(token)).toBeUndefined();
    const principal = await verifier.verify(token);
    expect(verifier.recall(token)).toBe(principal);
    now += 31_000;
    expect(verifier.recall(token)).toBeUndefined();
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  it('asks again after a minute: keys are withdrawn', async () => {
    let now = Date.now();
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET }, () => now);
    const token = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    await verifier.verify(token);
    now += 61_000;
    expect(verifier.recall(token)).toBeUndefined();
    await expect(verifier.verify(token)).resolves.toBeDefined();
  });

  it.each([
    ['nothing', () => Promise.resolve(undefined), 'TOKEN_MISSING'],
    ['a text', () => Promise.resolve('letmein'), 'TOKEN_INVALID'],
    ['a token of another secret', () => makeToken(`${SECRET}!`, { scopes: ['read'] }, '1h'), 'TOKEN_INVALID'],
    ['an expired token', () => makeToken(SECRET, { scopes: ['read'] }, '1s ago'), 'TOKEN_EXPIRED'],
    ['a token of later', () => sign({ nbf: Math.floor(Date.now() / 1_000) + 3_600 }), 'TOKEN_INVALID'],
    ['write without a provider', () => sign({ scope: 'write' }), 'CLAIM_MISSING'],
    ['a provider that is no UUID', () => sign({ scope: 'read', provider_id: 'acme' }), 'CLAIM_INVALID'],
    ['a scope that is a list', () => sign({ scope: ['read'] }), 'CLAIM_INVALID'],
  ])('refuses %s', async (_, token, code) => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    await expect(verifier.verify(await token())).rejects.toMatchObject({ name: 'AuthError', code });
  });

  it('takes no token that is signed with the public key as a secret', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const verifier = new TokenVerifier({ kind: 'public-key', pem });
    const forged = await new SignJWT({ scope: 'read' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(createSecretKey(Buffer.from(pem)));
    await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    const real = await new SignJWT({ scope: 'read' }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    await expect(verifier.verify(real)).resolves.toEqual({ scopes: new Set(['read']) });
  });

  it('lets everyone in where it is open', async () => {
    const verifier = new TokenVerifier({ kind: 'open' });
    const principal = await verifier.verify(undefined);
    requireScope(principal, 'read');
    requireScope(principal, 'write');
    expect(principal.providerId).toBeUndefined();
  });

  it('takes a scope for what it is, not for a part of another', async () => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    const principal = await verifier.verify(await sign({ scope: 'openid reader write:all' }));
    expect(() => requireScope(principal, 'read')).toThrow('lacks the scope read');
  });
});
