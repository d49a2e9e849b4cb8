import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { UsageError } from '../usage-error.js';

/** The simulator's token must outlive every run. */
const WRITE_TOKEN_EXPIRES_IN = '3650 days';
const SIGN_IN_EXPIRES_IN = '30 days';

/** What the user's environment says, and what we add to it for every program. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  /** Kafka's brokers, where they are not ours. */
  readonly kafkaBrokers: string | undefined;
  /** Postgres, where it is not ours. */
  readonly databaseUrl: string | undefined;
  /** `undefined` where somebody else signs the tokens. */
  readonly readToken: string | undefined;
  readonly writeToken: string | undefined;
}

/**
 * Reads the user's environment. A variable that is set to nothing counts as not set.
 *
 * @param ownSecret signs the tokens, unless the environment names somebody else who does
 * @throws UsageError where the simulator has no way to a token
 */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  options: { readonly ownSecret: string; readonly simulate: boolean },
): Promise<Environment> {
  const secret = secretOf(env, options.ownSecret);
  const providerId = env['PROVIDER_ID'] || LOCAL_PROVIDER_ID;
  const givenToken = env['INGEST_TOKEN'] || undefined;
  if (secret === undefined && givenToken === undefined && options.simulate) {
    throw new UsageError(
      'INGEST_TOKEN: the simulator needs a token with scope write from whoever signs them, or --no-sim',
    );
  }
  return {
    env: secret === undefined ? env : { ...env, AUTH_JWT_SECRET: secret },
    kafkaBrokers: env['KAFKA_BROKERS'] || undefined,
    databaseUrl: env['DATABASE_URL'] || undefined,
    readToken: secret && (await makeToken(secret, { scopes: ['read'] }, SIGN_IN_EXPIRES_IN)),
    writeToken:
      givenToken ??
      (secret && (await makeToken(secret, { scopes: ['write'], providerId }, WRITE_TOKEN_EXPIRES_IN))),
  };
}

function secretOf(env: NodeJS.ProcessEnv, ownSecret: string): string | undefined {
  if (env['AUTH_JWT_SECRET']) return env['AUTH_JWT_SECRET'];
  return env['AUTH_JWKS_URL'] || env['AUTH_JWT_PUBLIC_KEY'] ? undefined : ownSecret;
}
