import { AuthenticationError, type ExchangeStep, type SaslExchange } from './exchange.js';
import { isPassword, makeDecoy } from './scram-keys.js';
import type { Users } from './users.js';

const HASH = 'sha512';

/**
 * The PLAIN mechanism: one token with the password.
 *
 *     token = [authorization id] NUL name NUL password
 *
 * @see RFC 4616
 */
export class PlainExchange implements SaslExchange {
  constructor(private readonly users: Users) {}

  async next(token: Buffer): Promise<ExchangeStep> {
    const [actAs, name, password, ...rest] = token.toString('utf8').split('\0');
    if (!name || !password || rest.length > 0) {
      throw new AuthenticationError('invalid PLAIN token, expected [authorization id] NUL name NUL password');
    }
    if (actAs !== '' && actAs !== name) {
      throw new AuthenticationError('the authorization id must be the user name');
    }
    const verifier = this.users.get(name)?.[HASH] ?? makeDecoy(HASH, name);
    if (!(await oneAtATime(() => isPassword(HASH, password, verifier)))) {
      throw new AuthenticationError('invalid user name or password (PLAIN)');
    }
    return { reply: Buffer.alloc(0), user: name };
  }
}

let lastCheck: Promise<unknown> = Promise.resolve();

/** The hash is slow, and runs on the threads that also read and write files: guesses occupy at most one of them. */
async function oneAtATime<T>(check: () => Promise<T>): Promise<T> {
  const checked = lastCheck.then(check, check);
  lastCheck = checked;
  return checked;
}
