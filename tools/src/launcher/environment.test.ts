import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from './environment.js';

const ownSecret = 'a secret of thirty-two characters';
const claims = (token: string | undefined) =>
  JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe('readEnvironment', () => {
  it('signs with the own secret and passes it to the programs', async () => {
    const { env, signer, ...rest } = readEnvironment({ A: 'b' }, { ownSecret, simulate: true });
    expect(env).toEqual({ A: 'b', AUTH_JWT_SECRET: ownSecret });
    const [, token] = (await signer?.signInLink('http://here'))?.split('http://here/#token=') ?? [];
    expect(claims(token)).toMatchObject({ scope: 'read operate', sub: 'operator', provider_id: '*' });
    expect(Number(claims(token)['exp']) - Number(claims(token)['iat'])).toBe(600);
    const { iat, exp, ...write } = claims(await signer?.simulatorToken('15 minutes'));
    expect(write).toEqual({ scope: 'write', provider_id: LOCAL_PROVIDER_ID });
    expect(Number(exp) - Number(iat)).toBe(900);
    expect(rest).toEqual({ kafkaBrokers: undefined, databaseUrl: undefined });
  });

  it('uses the variables of the environment, and ignores empty ones', () => {
    const given = { AUTH_JWT_SECRET: 'x'.repeat(32), KAFKA_BROKERS: 'kafka:9092', DATABASE_URL: '' };
    const { env, kafkaBrokers, databaseUrl } = readEnvironment(given, { ownSecret, simulate: true });
    expect(env['AUTH_JWT_SECRET']).toBe('x'.repeat(32));
    expect({ kafkaBrokers, databaseUrl }).toEqual({ kafkaBrokers: 'kafka:9092', databaseUrl: undefined });
  });

  it('signs no tokens if another issuer is configured', () => {
    const given = { AUTH_JWKS_URL: 'https://keys.example/jwks', INGEST_TOKEN: 'theirs' };
    const { env, signer } = readEnvironment(given, { ownSecret, simulate: true });
    expect({ env, signer }).toEqual({ env: given, signer: undefined });
  });

  it('rejects a simulator without a token', () => {
    const given = { AUTH_JWKS_URL: 'https://keys.example/jwks' };
    expect(() => readEnvironment(given, { ownSecret, simulate: true })).toThrow(/^INGEST_TOKEN: .*--no-sim$/);
    expect(() => readEnvironment(given, { ownSecret, simulate: false })).not.toThrow();
    const withFile = { ...given, INGEST_TOKEN_FILE: '/run/token' };
    expect(() => readEnvironment(withFile, { ownSecret, simulate: true })).not.toThrow();
  });
});
