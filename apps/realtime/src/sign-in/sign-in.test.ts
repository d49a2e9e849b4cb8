import { TokenVerifier } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config.js';
import { signIn } from './sign-in.js';

const AUTH_JWT_SECRET = 'a secret of at least 32 characters';
const config = (env: NodeJS.ProcessEnv) => () => loadConfig({ AUTH_JWT_SECRET, ...env });
const verifier = new TokenVerifier({ kind: 'secret', secret: AUTH_JWT_SECRET });

describe(signIn, () => {
  it('prints a link to the page with a token of scope read', async () => {
    const { stdout = '' } = await signIn(
      ['token'],
      config({ REALTIME_PUBLIC_URL: 'https://city.example:8443' }),
    );
    const { origin, pathname, hash } = new URL(stdout);
    expect({ origin, pathname }).toEqual({ origin: 'https://city.example:8443', pathname: '/' });
    const { principal, expiresAtMs, isForSignIn } = (await verifier.inspect(hash.slice('#token='.length)))!;
    expect([...principal.scopes]).toEqual(['read']);
    expect(isForSignIn).toBe(true);
    expect(expiresAtMs - Date.now()).toBeLessThanOrEqual(600_000);
  });

  it('uses the listening address if no public URL is configured', async () => {
    const { stdout } = await signIn(['token'], config({ PORT: '5001' }));
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:5001\/#token=/);
  });

  it('prints only a token if a scope is given', async () => {
    const { stdout = '' } = await signIn(['token', '--scope', 'write'], config({}));
    expect([...(await verifier.verify(stdout)).scopes]).toEqual(['write']);
  });

  it.each([
    [['tokens'], {}, 'usage: main.js token [--scope read|write|operate[,…] [--provider UUID] [--name NAME]]'],
    [
      ['token', '--scope'],
      {},
      'token: expected --scope read|write|operate[,…] [--provider UUID] [--name NAME]',
    ],
    [['token'], { AUTH_JWT_SECRET: '' }, /^AUTH_JWT_SECRET: expected the secret .*, got nothing$/],
    [['token'], { PORT: 'x' }, /^PORT: expected .*, got "x"$/],
  ])('rejects %j %j with a reason', async (args, env, line) => {
    const { stdout, stderr } = await signIn(args, config(env));
    expect(stdout).toBeUndefined();
    expect(stderr).toEqual(line instanceof RegExp ? expect.stringMatching(line) : line);
  });
});
