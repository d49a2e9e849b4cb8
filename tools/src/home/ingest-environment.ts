import { join } from 'node:path';
import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { childEnvironment } from '../processes/child-environment.js';
import { readSecret, type Home } from './home.js';
import { runningSystem } from './running-system.js';
import { TokenFile } from './token-file.js';

/** The environment of a program. Disposal removes its token. */
interface IngestEnvironment extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Returns the environment of a program that sends events to ingest of a running system, with a token that is renewed until
 * disposal, or to `INGEST_URL`.
 *
 * @throws UsageError if no system is running and `INGEST_URL` is not set
 */
export async function ingestEnvironment(home: Home, env: NodeJS.ProcessEnv): Promise<IngestEnvironment> {
  const ingestUrl = env['INGEST_URL'] || (await runningSystem(home, 'INGEST_URL')).ingestUrl;
  const token = env['INGEST_URL'] ? undefined : await tokenFile(home, env);
  return {
    env: {
      ...childEnvironment('driverSim', env),
      INGEST_URL: ingestUrl,
      ...(token !== undefined && { INGEST_TOKEN_FILE: token.path }),
    },
    [Symbol.asyncDispose]: async () => token?.[Symbol.asyncDispose](),
  };
}

async function tokenFile(home: Home, env: NodeJS.ProcessEnv): Promise<TokenFile | undefined> {
  const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
  if (env['INGEST_TOKEN'] || env['INGEST_TOKEN_FILE'] || secret === undefined) return undefined;
  const providerId = env['PROVIDER_ID'] || LOCAL_PROVIDER_ID;
  return TokenFile.create(
    join(home.folder, `replay-token-${process.pid}`),
    (expiresIn) => makeToken(secret, { scopes: ['write'], providerId }, expiresIn),
    (error) => process.stderr.write(`cannot renew the token of ingest: ${String(error)}\n`),
  );
}
