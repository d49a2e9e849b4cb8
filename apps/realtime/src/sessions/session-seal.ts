import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { scopes, type Scope } from '@hailstream/service/tokens';
import type { BrowserSession } from './browser-session.js';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Binds sealed texts to their purpose and layout. */
const PURPOSE = Buffer.from('hailstream session v1');

/** Browsers accept cookies of 4,096 bytes with their name and attributes. */
const MAX_SEALED_CHARS = 3_800;

/** What is sealed, as JSON. */
interface SealedSession {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly provider?: string;
  readonly name?: string;
  readonly exp: number;
  readonly hash: string;
  readonly hashExp: number | null;
  readonly token?: string;
}

/** Seals sessions with a key: nobody without it can read, change or invent one. */
export class SessionSeal {
  private readonly key: Buffer;
  /** Of the cookie. It differs between systems, because browsers send cookies of a host to all of its ports. */
  readonly cookieName: string;

  /** @param secret of any length, random */
  constructor(secret: string | Buffer) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES));
    const label = createHash('sha256').update('cookie name').update(this.key).digest('hex').slice(0, 8);
    this.cookieName = `hailstream-${label}`;
  }

  /** Returns the text of a cookie. A token that is too large for it is left out. */
  seal(session: BrowserSession): string {
    const sealed = this.encrypt(toSealed(session));
    if (sealed.length <= MAX_SEALED_CHARS) return sealed;
    const { token: _, ...rest } = toSealed(session);
    return this.encrypt(rest);
  }

  /** Returns the session of a cookie; `undefined` if it was not sealed with the key. Does not check whether it has expired. */
  open(sealed: string): BrowserSession | undefined {
    if (sealed.length > MAX_SEALED_CHARS) return undefined;
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(PURPOSE).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]).toString();
      return fromSealed(JSON.parse(text) as SealedSession);
    } catch {
      // Another key, or bytes that were changed.
      return undefined;
    }
  }

  private encrypt(content: SealedSession): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(PURPOSE);
    const parts = [nonce, cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(parts).toString('base64url');
  }
}

function toSealed({ id, principal, expiresAtMs, origin }: BrowserSession): SealedSession {
  const { providerId, name } = principal;
  return {
    id,
    scopes: [...principal.scopes],
    ...(providerId !== undefined && { provider: providerId }),
    ...(name !== undefined && { name }),
    exp: expiresAtMs,
    hash: origin.hash,
    hashExp: origin.expiresAtMs,
    ...(origin.token !== undefined && { token: origin.token }),
  };
}

function fromSealed({
  id,
  provider,
  name,
  exp,
  hash,
  hashExp,
  token,
  ...rest
}: SealedSession): BrowserSession {
  return {
    id,
    principal: {
      scopes: new Set<Scope>(scopes.filter((scope) => rest.scopes.includes(scope))),
      ...(provider !== undefined && { providerId: provider }),
      ...(name !== undefined && { name }),
    },
    expiresAtMs: exp,
    origin: { hash, expiresAtMs: hashExp, ...(token !== undefined && { token }) },
  };
}
