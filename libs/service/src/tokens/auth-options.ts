/**
 * How callers are authenticated. `open` disables authentication, for services that listen on loopback only. A secret is
 * known to Hailstream alone. A public key or a key set belongs to an identity provider, which also signs tokens for other
 * services; therefore issuer and audience are checked.
 */
export type AuthOptions =
  | { readonly kind: 'open' }
  | { readonly kind: 'secret'; readonly secret: string }
  | ({ readonly kind: 'public-key'; readonly pem: string } & TokenOrigin)
  | ({ readonly kind: 'jwks'; readonly url: string } & TokenOrigin);

/** Required claims of tokens that an identity provider signs. */
export interface TokenOrigin {
  /** The value of `iss`. */
  readonly issuer: string;
  /** `aud` must contain one of these values. */
  readonly audience: readonly string[];
}
