/**
 * Whose tokens are taken. `open` takes everyone, and is for a service that only this machine reaches. The holders of a
 * secret are this system's own; a public key or a key set is an identity provider's, which signs tokens for others, too:
 * these name who they are from and for.
 */
export type AuthOptions =
  | { readonly kind: 'open' }
  | { readonly kind: 'secret'; readonly secret: string }
  | ({ readonly kind: 'public-key'; readonly pem: string } & TokenOrigin)
  | ({ readonly kind: 'jwks'; readonly url: string } & TokenOrigin);

/** The claims that a token of an identity provider must have. */
export interface TokenOrigin {
  /** Its `iss`. */
  readonly issuer: string;
  /** Its `aud` must have one of these. */
  readonly audience: readonly string[];
}
