/** Whose tokens are taken. `open` takes everyone, and is for a service that only this machine reaches. */
export type AuthOptions =
  | { readonly kind: 'open' }
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'public-key'; readonly pem: string }
  | { readonly kind: 'jwks'; readonly url: string };
