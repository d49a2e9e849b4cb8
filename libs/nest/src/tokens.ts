/** What makes tokens, without Nest: a command line should not load a web framework to print a line. */
export { LOCAL_PROVIDER_ID } from './auth/local-provider.js';
export { makeToken, type TokenClaims } from './auth/make-token.js';
export { parseTokenArgs, TOKEN_EXPIRES_IN, TOKEN_USAGE } from './auth/token-args.js';
