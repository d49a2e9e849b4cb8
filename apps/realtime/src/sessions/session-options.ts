import type { AuthOptions } from '@hailstream/service/tokens';

/** How sessions are opened and sealed. */
export interface SessionOptions {
  readonly auth: AuthOptions;
  /** Seals sessions; `null`: the secret of tokens, or without it a random one, so that sessions end with the process. */
  readonly secret: string | null;
  /** How long a session lasts that a sign-in link has opened, and at most any other. */
  readonly sessionMs: number;
}
