import { createHmac, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { AuthError } from './auth.error.js';
import { makeToken } from './make-token.js';
import { requireScope } from './principal.js';
import { TokenVerifier } from './token-verifier.js';

const SECRET = 'a secret that is long enough for HS256';
const PROVIDER = '2411d395-04f2-47c9-ab66-d09e9e3c3251';

/** A token that expires in an hour, unless the claims say something else. */
const sign = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(createSecretKey(Buffer.from(SECRET)));

describe(TokenVerifier, () => {
  it('returns the scopes and the provider of a token', async () => {
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

  it('caches a verification until the token expires', async () => {
    let now = Date.now();
    const verifier = new TokenVerifier(
      { kind: 'secret', secret: SECRET },
      { now: () => now, elapsed: () => 0 },
    );
    const token = await makeToken(SECRET, { scopes: ['read'] }, '30s');
    expect(verifier.recall(token)).toBeUndefined();
    const principal = await verifier.verify(token);
    expect(verifier.recall(token)).toBe(principal);
    now += 55_000;
    expect(verifier.recall(token)).toBe(principal);
    now += 10_000;
    expect(verifier.recall(token)).toBeUndefined();
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  it.each(['1e999', '1e300', '-1e300'])('rejects a token that expires at %s', async (exp) => {
    const signed = [{ alg: 'HS256' }, { exp: 'EXP', scope: 'read' }].map((part) =>
      Buffer.from(JSON.stringify(part).replace('"EXP"', exp)).toString('base64url'),
    );
    const signature = createHmac('sha256', SECRET).update(signed.join('.')).digest('base64url');
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    await expect(verifier.verify([...signed, signature].join('.'))).rejects.toBeInstanceOf(AuthError);
  });

  it('verifies a token again after a minute, because keys may be withdrawn', async () => {
    let now = Date.now();
    let elapsed = 0;
    const clocks = { now: () => now, elapsed: () => elapsed };
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET }, clocks);
    const token = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    await verifier.verify(token);
    elapsed += 61_000;
    // The wall clock is set back, which does not extend the minute.
    now -= 3_600_000;
    expect(verifier.recall(token)).toBeUndefined();
    now += 3_600_000;
    expect(verifier.recall(token)).toBeUndefined();
    await expect(verifier.verify(token)).resolves.toBeDefined();
  });

  it.each([
    ['a missing token', () => Promise.resolve(undefined), 'TOKEN_MISSING'],
    ['text that is not a token', () => Promise.resolve('letmein'), 'TOKEN_INVALID'],
    [
      'a token that was signed with another secret',
      () => makeToken(`${SECRET}!`, { scopes: ['read'] }, '1h'),
      'TOKEN_INVALID',
    ],
    ['an expired token', () => makeToken(SECRET, { scopes: ['read'] }, '32s ago'), 'TOKEN_EXPIRED'],
    [
      'a token with iat in the future',
      () => sign({ iat: Math.floor(Date.now() / 1_000) + 60 }),
      'TOKEN_INVALID',
    ],
    ['scope write for all providers', () => sign({ scope: 'write', provider_id: '*' }), 'CLAIM_INVALID'],
    [
      'a token with nbf in the future',
      () => sign({ nbf: Math.floor(Date.now() / 1_000) + 3_600 }),
      'TOKEN_INVALID',
    ],
    ['a token that never expires', () => sign({ scope: 'read', exp: undefined }), 'TOKEN_INVALID'],
    ['scope write without a provider', () => sign({ scope: 'write' }), 'CLAIM_MISSING'],
    ['a provider that is not a UUID', () => sign({ scope: 'read', provider_id: 'acme' }), 'CLAIM_INVALID'],
    ['a scope that is a list', () => sign({ scope: ['read'] }), 'CLAIM_INVALID'],
  ])('rejects %s', async (_, token, code) => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    await expect(verifier.verify(await token())).rejects.toMatchObject({ name: 'AuthError', code });
  });

  it('rejects a token that was signed with the public key as HMAC secret', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const origin = { issuer: 'https://id.example', audience: ['hailstream'] };
    const verifier = new TokenVerifier({ kind: 'public-key', pem, ...origin });
    const claims = {
      scope: 'read',
      provider_id: '*',
      iss: origin.issuer,
      aud: 'hailstream',
      exp: 9_999_999_999,
    };
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(createSecretKey(Buffer.from(pem)));
    await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    const signed = (payload: Record<string, unknown>): Promise<string> =>
      new SignJWT(payload).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    await expect(verifier.verify(await signed(claims))).resolves.toEqual({ scopes: new Set(['read']) });
    for (const claim of ['iss', 'aud', 'exp', 'provider_id']) {
      const without = { ...claims, [claim]: undefined };
      await expect(verifier.verify(await signed(without)), claim).rejects.toBeInstanceOf(AuthError);
    }
  });

  it.each([
    ['that expired 20 s ago', { exp: -20 }],
    ['that is not valid for another 20 s', { nbf: 20 }],
    ['whose iat is 20 s in the future', { iat: 20 }],
  ])('accepts a token %s, because clocks differ', async (_, offsets) => {
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const times = Object.entries(offsets).map(([claim, offset]) => [claim, nowSeconds + offset] as const);
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    const token = await sign({ scope: 'read', ...Object.fromEntries(times) });
    await expect(verifier.verify(token)).resolves.toBeDefined();
  });

  it('accepts "*" as provider, and no provider, as in tokens of earlier versions', async () => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    const readToken = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    expect(decodeJwt(readToken)).toMatchObject({ provider_id: '*' });
    for (const token of [readToken, await sign({ scope: 'read' })]) {
      expect(await verifier.verify(token)).toEqual({ scopes: new Set(['read']) });
    }
  });

  it('accepts every caller without authentication', async () => {
    const verifier = new TokenVerifier({ kind: 'open' });
    const principal = await verifier.verify(undefined);
    requireScope(principal, 'read');
    requireScope(principal, 'write');
    expect(principal.providerId).toBeUndefined();
  });

  it.each([
    ['roles', { roles: ['viewer'] }, ['read']],
    ['roles', { roles: ['operator', 'other'] }, ['read', 'acknowledge']],
    ['roles', { roles: 'admin', scope: 'openid' }, ['read', 'operate']],
    ['realm_access.roles', { realm_access: { roles: ['viewer', 'admin'] } }, ['read', 'operate']],
    ['https://hail.example/roles', { 'https://hail.example/roles': 'viewer' }, ['read']],
    ['roles', { roles: ['Admin', 'administrator', 7, null], scope: 'read' }, ['read']],
    ['roles', { role: 'admin' }, []],
    ['a.b.c', { a: { b: null } }, []],
    [undefined, { roles: ['admin'] }, []],
  ])('grants with the claim %s of %j the scopes %j', async (roleClaim, claims, granted) => {
    const options = {
      kind: 'secret',
      secret: SECRET,
      ...(roleClaim !== undefined && { roleClaim }),
    } as const;
    const { scopes } = await new TokenVerifier(options).verify(await sign(claims));
    expect([...scopes]).toEqual(granted);
  });

  it('lets operators acknowledge alerts, and nothing else that admins may do', async () => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET, roleClaim: 'roles' });
    const [operator, admin] = await Promise.all(
      ['operator', 'admin'].map(async (roles) => verifier.verify(await sign({ roles }))),
    );
    for (const principal of [operator!, admin!]) requireScope(principal, 'acknowledge');
    requireScope(admin!, 'operate');
    expect(() => requireScope(operator!, 'operate')).toThrow('lacks the scope operate');
    const viewer = await verifier.verify(await sign({ roles: 'viewer' }));
    expect(() => requireScope(viewer, 'acknowledge')).toThrow('lacks the scope acknowledge');
  });

  it('compares scopes as whole words', async () => {
    const verifier = new TokenVerifier({ kind: 'secret', secret: SECRET });
    const principal = await verifier.verify(await sign({ scope: 'openid reader write:all' }));
    expect(() => requireScope(principal, 'read')).toThrow('lacks the scope read');
  });
});
