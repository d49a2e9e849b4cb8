import { UsageError } from '@hailstream/service/command-line';
import { LOCAL_PROVIDER_ID, makeToken, SIGN_IN_EXPIRES_IN } from '@hailstream/service/tokens';
import { signInLink } from '../home/run-file.js';

/** Who starts the system may acknowledge alerts and draw zones. */
const SIGN_IN_CLAIMS = { scopes: ['read', 'operate'], name: 'operator', isForSignIn: true } as const;

/** The user's environment variables, and what the launcher adds to them for every program. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  /** `KAFKA_BROKERS`; `undefined` if the embedded broker is used. */
  readonly kafkaBrokers: string | undefined;
  /** `DATABASE_URL`; `undefined` if the embedded Postgres is used. */
  readonly databaseUrl: string | undefined;
  /** `undefined` if an external issuer signs the tokens. */
  readonly signer: Signer | undefined;
}

/** Signs the tokens of this system. */
interface Signer {
  /** A link to a page that signs a browser in, within minutes. */
  signInLink(dashboardUrl: string): Promise<string>;
  /** A token for the simulator. */
  simulatorToken(expiresIn: string): Promise<string>;
}

/**
 * Reads the user's environment. An empty variable counts as not set.
 *
 * @param ownSecret signs the tokens, unless the environment configures another issuer
 * @throws UsageError if the simulator cannot get a token
 */
export function readEnvironment(
  env: NodeJS.ProcessEnv,
  options: { readonly ownSecret: string; readonly simulate: boolean },
): Environment {
  const secret = secretOf(env, options.ownSecret);
  const providerId = env['PROVIDER_ID'] || LOCAL_PROVIDER_ID;
  if (secret === undefined && !hasIngestToken(env) && options.simulate) {
    throw new UsageError(
      'INGEST_TOKEN: expected a token with scope write from your token issuer, got nothing; set it, or start with --no-sim',
    );
  }
  return {
    env: secret === undefined ? env : { ...env, AUTH_JWT_SECRET: secret },
    kafkaBrokers: env['KAFKA_BROKERS'] || undefined,
    databaseUrl: env['DATABASE_URL'] || undefined,
    signer: secret === undefined ? undefined : signerOf(secret, providerId),
  };
}

function signerOf(secret: string, providerId: string): Signer {
  return {
    signInLink: async (dashboardUrl) =>
      signInLink(dashboardUrl, await makeToken(secret, SIGN_IN_CLAIMS, SIGN_IN_EXPIRES_IN)),
    simulatorToken: (expiresIn) => makeToken(secret, { scopes: ['write'], providerId }, expiresIn),
  };
}

/** Whether the user has set the token of the simulator. */
export function hasIngestToken(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env['INGEST_TOKEN'] || env['INGEST_TOKEN_FILE']);
}

function secretOf(env: NodeJS.ProcessEnv, ownSecret: string): string | undefined {
  if (env['AUTH_JWT_SECRET']) return env['AUTH_JWT_SECRET'];
  return env['AUTH_JWKS_URL'] || env['AUTH_JWT_PUBLIC_KEY'] ? undefined : ownSecret;
}
