import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from './environment.js';

const ownSecret = 'a secret of thirty-two characters';
const claims = (token: string | undefined): unknown =>
  JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString());

describe('readEnvironment', () => {
  it('signs with the own secret and passes it to the programs', async () => {
    const { env, readToken, writeToken, ...rest } = await readEnvironment(
      { A: 'b' },
      { ownSecret, simulate: true },
    );
    expect(env).toEqual({ A: 'b', AUTH_JWT_SECRET: ownSecret });
    expect(claims(readToken)).toMatchObject({ scope: 'read operate', sub: 'operator' });
    expect(claims(writeToken)).toMatchObject({ scope: 'write', provider_id: LOCAL_PROVIDER_ID });
    expect(rest).toEqual({ kafkaBrokers: undefined, databaseUrl: undefined });
  });

  it('uses the variables of the environment, and ignores empty ones', async () => {
    const given = { AUTH_JWT_SECRET: 'x'.repeat(32), KAFKA_BROKERS: 'kafka:9092', DATABASE_URL: '' };
    const { env, kafkaBrokers, databaseUrl } = await readEnvironment(given, { ownSecret, simulate: true });
    expect(env['AUTH_JWT_SECRET']).toBe('x'.repeat(32));
    expect({ kafkaBrokers, databaseUrl }).toEqual({ kafkaBrokers: 'kafka:9092', databaseUrl: undefined });
  });

  it('signs no tokens if another issuer is configured', async () => {
    const given = { AUTH_JWKS_URL: 'https://keys.example/jwks', INGEST_TOKEN: 'theirs' };
    const { env, readToken, writeToken } = await readEnvironment(given, { ownSecret, simulate: true });
    expect({ secret: env['AUTH_JWT_SECRET'], readToken, writeToken }).toEqual({
      secret: undefined,
      readToken: undefined,
      writeToken: 'theirs',
    });
  });

  it('rejects a simulator without a token', async () => {
    const given = { AUTH_JWKS_URL: 'https://keys.example/jwks' };
    await expect(readEnvironment(given, { ownSecret, simulate: true })).rejects.toThrow(
      /^INGEST_TOKEN: .*--no-sim$/,
    );
    await expect(readEnvironment(given, { ownSecret, simulate: false })).resolves.toBeDefined();
  });
});
