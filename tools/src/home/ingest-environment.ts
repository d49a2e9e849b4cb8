import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { readSecret, type Home } from './home.js';
import { runningSystem } from './running-system.js';

/** A replay at the recorded speed takes as long as the recording. */
const TOKEN_EXPIRES_IN = '7 days';

/**
 * Returns the environment of a program that sends events to ingest of a running system, with a token, or to `INGEST_URL`.
 *
 * @throws UsageError if no system is running and `INGEST_URL` is not set
 */
export async function ingestEnvironment(home: Home, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  if (env['INGEST_URL']) return env;
  const { ingestUrl } = await runningSystem(home, 'INGEST_URL');
  return { ...env, INGEST_URL: ingestUrl, ...(await tokenOf(home, env)) };
}

async function tokenOf(home: Home, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
  if (env['INGEST_TOKEN'] || secret === undefined) return {};
  const providerId = env['PROVIDER_ID'] || LOCAL_PROVIDER_ID;
  return { INGEST_TOKEN: await makeToken(secret, { scopes: ['write'], providerId }, TOKEN_EXPIRES_IN) };
}
