import { randomBytes } from 'node:crypto';
import { AuthenticationError, type ExchangeStep, type SaslExchange } from './exchange.js';
import { isProof, makeDecoy, signServer, type ScramHash, type Verifier } from './scram-keys.js';
import type { Users } from './users.js';

const NONCE_BYTES = 24;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** State after the first two messages. */
interface Challenge {
  readonly gs2Header: string;
  readonly clientFirstBare: string;
  readonly serverFirst: string;
  readonly nonce: string;
  readonly user: string;
  readonly verifier: Verifier;
}

/**
 * The server side of SCRAM: client and server prove to each other that they know the password without sending it.
 *
 *     client-first = gs2-header "n=" name ",r=" client-nonce ["," extensions]      gs2-header = ("n" / "y") "," ["a=" id] ","
 *     server-first = "r=" nonce ",s=" salt ",i=" iterations
 *     client-final = "c=" gs2-header ",r=" nonce ["," extensions] ",p=" proof      (gs2-header, salt and proof in base64)
 *     server-final = "v=" signature
 *
 * As in Kafka, names and passwords are not normalised. Channel binding is not supported.
 *
 * @see RFC 5802, section 5 to 7
 */
export class ScramExchange implements SaslExchange {
  private challenge: Challenge | undefined;

  constructor(
    private readonly hash: ScramHash,
    private readonly users: Users,
    /** The nonce of the server; tests set that of the RFC. */
    private readonly serverNonce = randomBytes(NONCE_BYTES).toString('base64url'),
  ) {}

  next(token: Buffer): ExchangeStep {
    const message = token.toString('utf8');
    if (this.challenge !== undefined) return this.finish(message, this.challenge);
    this.challenge = this.begin(message);
    return { reply: Buffer.from(this.challenge.serverFirst) };
  }

  private begin(message: string): Challenge {
    const parts = /^([ny],(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(message);
    if (parts === null) throw new AuthenticationError('invalid first SCRAM message');
    const [, gs2Header = '', actAs, clientFirstBare = '', escapedName = '', clientNonce = ''] = parts;
    const user = unescape(escapedName);
    if (actAs !== undefined && actAs !== '' && unescape(actAs) !== user) {
      throw new AuthenticationError('the authorization id must be the user name');
    }
    const verifier = this.users.get(user)?.[this.hash] ?? makeDecoy(this.hash, user);
    const nonce = clientNonce + this.serverNonce;
    const serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`;
    return { gs2Header, clientFirstBare, serverFirst, nonce, user, verifier };
  }

  private finish(message: string, challenge: Challenge): ExchangeStep {
    const parts = /^(c=([^,]*),r=([^,]*)(?:,.*)?),p=([^,]*)$/s.exec(message);
    const [, withoutProof = '', binding = '', nonce = '', proof = ''] = parts ?? [];
    const isWellFormed =
      parts !== null &&
      BASE64.test(proof) &&
      // librdkafka before 2.6.1 repeats its own nonce, and the proof covers it.
      // See https://github.com/confluentinc/librdkafka/pull/4895.
      nonce.endsWith(challenge.nonce) &&
      binding === Buffer.from(challenge.gs2Header).toString('base64');
    if (!isWellFormed) {
      throw new AuthenticationError('invalid final SCRAM message');
    }
    const { verifier, user } = challenge;
    const signed = `${challenge.clientFirstBare},${challenge.serverFirst},${withoutProof}`;
    if (!isProof(this.hash, { proof: Buffer.from(proof, 'base64'), signed, verifier })) {
      throw new AuthenticationError(`invalid user name or password (SCRAM-SHA-${this.hash.slice(3)})`);
    }
    return { reply: Buffer.from(`v=${signServer(this.hash, signed, verifier).toString('base64')}`), user };
  }
}

/** In a name, "=2C" is a comma and "=3D" an equals sign. Other uses of "=" are invalid. */
function unescape(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new AuthenticationError('invalid escape in the user name');
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
