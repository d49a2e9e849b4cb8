import { scopes, type Scope } from '@hailstream/service/tokens';
import type { BrowserSession } from './browser-session.js';
import { MAX_SEALED_CHARS, Seal } from './seal.js';

/** Binds sealed texts to their purpose and layout. */
const PURPOSE = 'hailstream session v1';

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
  readonly idp?: boolean;
}

/** Seals sessions with a key: nobody without it can read, change or invent one. */
export class SessionSeal {
  private readonly cookies: Seal;
  /** Of the cookie. It differs between systems, because browsers send cookies of a host to all of its ports. */
  readonly cookieName: string;

  /** @param secret of any length, random */
  constructor(secret: string | Buffer) {
    this.cookies = new Seal(secret, PURPOSE);
    this.cookieName = `hailstream-${this.cookies.label}`;
  }

  /** Returns the text of a cookie. A token that is too large for it is left out. */
  seal(session: BrowserSession): string {
    const sealed = this.cookies.seal(toSealed(session));
    if (sealed.length <= MAX_SEALED_CHARS) return sealed;
    const { token: _, ...rest } = toSealed(session);
    return this.cookies.seal(rest);
  }

  /** Returns the session of a cookie; `undefined` if it was not sealed with the key. Does not check whether it has expired. */
  open(sealed: string): BrowserSession | undefined {
    const content = this.cookies.open(sealed);
    return content === undefined ? undefined : fromSealed(content as SealedSession);
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
    ...(origin.isOfProvider === true && { idp: true }),
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
  idp,
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
    origin: {
      hash,
      expiresAtMs: hashExp,
      ...(token !== undefined && { token }),
      ...(idp === true && { isOfProvider: true }),
    },
  };
}
