import { ConfigError } from '@hailstream/service/config';
import { makeToken, parseTokenArgs, TOKEN_EXPIRES_IN, TOKEN_USAGE } from '@hailstream/service/tokens';
import type { RealtimeConfig } from '../config.js';

const USAGE = `usage: main.js token [${TOKEN_USAGE}]`;

/** What a command prints, and where. */
export interface Outcome {
  readonly stdout?: string;
  readonly stderr?: string;
}

/**
 * `token` gives a link that signs a browser in; with a scope it gives a token alone. Both are signed with the secret
 * that the service takes tokens by.
 */
export async function signIn(args: readonly string[], loadConfig: () => RealtimeConfig): Promise<Outcome> {
  const [command, ...options] = args;
  if (command !== 'token') return { stderr: USAGE };
  const claims = options.length === 0 ? { scopes: ['read'] as const } : parseTokenArgs(options);
  if ('problem' in claims) return { stderr: `token: ${claims.problem}` };
  try {
    const { auth, page } = loadConfig();
    if (auth.kind !== 'secret')
      return { stderr: 'AUTH_JWT_SECRET: expected the secret that tokens are signed with here, got nothing' };
    const token = await makeToken(auth.secret, claims, TOKEN_EXPIRES_IN);
    return { stdout: options.length === 0 ? new URL(`/#token=${token}`, page.publicUrl).href : token };
  } catch (error) {
    if (error instanceof ConfigError) return { stderr: error.message };
    throw error;
  }
}
