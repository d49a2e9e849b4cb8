import { ConfigError } from '@hailstream/service/config';
import {
  makeToken,
  parseTokenArgs,
  SIGN_IN_EXPIRES_IN,
  TOKEN_EXPIRES_IN,
  TOKEN_USAGE,
} from '@hailstream/service/tokens';
import type { RealtimeConfig } from '../config.js';

const USAGE = `usage: main.js token [${TOKEN_USAGE}]`;

/** The output of a command. */
interface Outcome {
  readonly stdout?: string;
  readonly stderr?: string;
}

/**
 * The command `token` prints a link that signs a browser in within minutes or, with a scope, only a token. Both are signed with the secret
 * that the service verifies tokens with.
 */
export async function signIn(args: readonly string[], loadConfig: () => RealtimeConfig): Promise<Outcome> {
  const [command, ...options] = args;
  if (command !== 'token') return { stderr: USAGE };
  const isLink = options.length === 0;
  const claims = isLink ? { scopes: ['read'] as const, isForSignIn: true } : parseTokenArgs(options);
  if ('problem' in claims) return { stderr: `token: ${claims.problem}` };
  try {
    const { auth, page } = loadConfig();
    if (auth.kind !== 'secret')
      return { stderr: 'AUTH_JWT_SECRET: expected the secret that tokens are signed with, got nothing' };
    const token = await makeToken(auth.secret, claims, isLink ? SIGN_IN_EXPIRES_IN : TOKEN_EXPIRES_IN);
    return { stdout: isLink ? new URL(`/#token=${token}`, page.publicUrl).href : token };
  } catch (error) {
    if (error instanceof ConfigError) return { stderr: error.message };
    throw error;
  }
}
