import { makeToken } from '@hailstream/service/tokens';
import type { DriverSimConfig } from './config.js';

/** Lifetime of the token that the simulator signs: longer than any run. */
const OWN_TOKEN_EXPIRES_IN = '3650 days';

/** Returns the configured token, or signs one if only the secret is configured. */
export async function ingestToken({
  auth,
  ingest,
}: Pick<DriverSimConfig, 'auth' | 'ingest'>): Promise<string | undefined> {
  if (ingest.token !== undefined || auth.kind !== 'secret') return ingest.token;
  return makeToken(auth.secret, { scopes: ['write'], providerId: ingest.providerId }, OWN_TOKEN_EXPIRES_IN);
}
