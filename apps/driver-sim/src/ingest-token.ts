import { readFile } from 'node:fs/promises';
import { makeToken } from '@hailstream/service/tokens';
import type { DriverSimConfig, IngestConfig } from './config.js';

/** Lifetime of the tokens that the simulator signs, and the age at which one is replaced. */
const EXPIRES_IN = '15 minutes';
const RENEW_AFTER_MS = 5 * 60_000;

/** For how long a file is not read again. */
const READ_AGAIN_AFTER_MS = 10_000;

/** The bearer token of the requests to ingest, which may change. */
export interface IngestToken {
  /** The token of the next request; `undefined` if requests have none. */
  current(): Promise<string | undefined>;
  /** Whether a refused token may be replaced by another one: the request is then sent again. */
  readonly isReplaced: boolean;
}

/** A token that never changes. */
export function fixedToken(token: string | undefined): IngestToken {
  return { current: () => Promise.resolve(token), isReplaced: false };
}

/** The configured token, from a file that may change or from the environment. */
export function configuredToken({ token, tokenFile }: IngestConfig): IngestToken {
  return tokenFile === undefined ? fixedToken(token) : tokenOfFile(tokenFile);
}

/** The configured token, or short-lived ones that are signed if only the secret is configured. */
export function ingestToken({ auth, ingest }: Pick<DriverSimConfig, 'auth' | 'ingest'>): IngestToken {
  if (ingest.token !== undefined || auth.kind !== 'secret') return configuredToken(ingest);
  return signedToken(auth.secret, ingest.providerId);
}

/** Expiry is compared with the clock, because timers do not run while a machine is suspended. */
export function signedToken(
  secret: string,
  providerId: string,
  now: () => number = () => Date.now(),
): IngestToken {
  let signed: Promise<string> | undefined;
  let signedAt = 0;
  return {
    current: () => {
      const age = now() - signedAt;
      if (signed === undefined || age >= RENEW_AFTER_MS || age < 0) {
        signedAt = now();
        signed = makeToken(secret, { scopes: ['write'], providerId }, EXPIRES_IN);
      }
      return signed;
    },
    isReplaced: false,
  };
}

/** A file that cannot be read leaves the token that it had. */
export function tokenOfFile(path: string, now: () => number = () => Date.now()): IngestToken {
  let token: Promise<string | undefined> = Promise.resolve(undefined);
  let readAt = -Infinity;
  return {
    current: () => {
      const age = now() - readAt;
      if (age >= READ_AGAIN_AFTER_MS || age < 0) {
        readAt = now();
        const before = token;
        token = readFile(path, 'utf8').then(
          (text) => text.trim(),
          () => before,
        );
      }
      return token;
    },
    isReplaced: true,
  };
}
