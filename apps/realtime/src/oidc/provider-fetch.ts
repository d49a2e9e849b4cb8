import { isProtectedUrl } from '@hailstream/service/loopback';
import type { CustomFetchOptions } from 'openid-client';
import { OidcError } from './oidc.errors.js';

/** How long a request to the provider may last, with its response. */
export const PROVIDER_TIMEOUT_SECONDS = 5;

/** Maximum size of a response. Tokens and descriptions of providers have some kilobytes. */
const MAX_RESPONSE_BYTES = 262_144;

const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

/**
 * Requests of the identity provider, over TLS or loopback only, with a bounded response. `options.signal` limits the time.
 *
 * @throws OidcError `unavailable` if the provider does not respond, or with an error of its own
 */
export async function fetchFromProvider(url: string, options: CustomFetchOptions): Promise<Response> {
  const { body, signal, ...rest } = options;
  const { origin } = new URL(url);
  if (!isProtectedUrl(new URL(url))) {
    throw new OidcError('unavailable', `${origin} is neither https nor on a loopback address`);
  }
  try {
    const response = await fetch(url, {
      ...rest,
      body: body as NonNullable<RequestInit['body']>,
      ...(signal !== undefined && { signal }),
    });
    const { status, statusText, headers } = response;
    const text = await boundedText(response);
    if (status === TOO_MANY_REQUESTS || status >= SERVER_ERROR)
      throw new Error(`it responded with status ${status}`);
    return new Response(text === '' ? null : text, { status, statusText, headers });
  } catch (cause) {
    throw new OidcError('unavailable', `the identity provider at ${origin} does not respond as it should`, {
      cause,
    });
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_RESPONSE_BYTES)
      throw new Error(`the response is larger than ${MAX_RESPONSE_BYTES} bytes`);
  }
  return text + decoder.decode();
}
