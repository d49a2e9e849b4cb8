import { clientNetwork, TrustedProxies } from '@hailstream/service/client-address';
import { announcedBytes, refuseBody, type BodyCheck } from './before-body.js';
import { BodyMemory } from './body-memory.js';
import { ProblemError } from './problem.js';

/** Maximum size of the bodies of all requests that are not answered, and of those of one address. */
const TOTAL_BYTES = 32 * 1_048_576;
const ADDRESS_BYTES = 16 * 1_048_576;

const RETRY_AFTER_SECONDS = 1;

/** Bounds the bodies of requests in total and by address, before they are read. */
export function boundBodies(bodyLimitBytes: number, trustedProxies: readonly string[] = []): BodyCheck {
  const memory = new BodyMemory<string>({ totalBytes: TOTAL_BYTES, partyBytes: ADDRESS_BYTES });
  const proxies = new TrustedProxies(trustedProxies);
  return ({ raw }, reply) => {
    const body = memory.hold(clientNetwork(proxies.clientOf(raw)), {
      bytes: announcedBytes(raw, bodyLimitBytes),
      onSlow: (problem) => refuseBody(raw, problem),
    });
    if (body === 'share' || body === 'total') throw tooManyBodies();
    raw.once('end', () => memory.arrive(body));
    reply.raw.once('close', () => memory.release(body));
  };
}

function tooManyBodies(): ProblemError {
  return new ProblemError({
    status: 503,
    title: 'Service Unavailable',
    detail: 'the bodies of other requests use all memory for them; nothing was read, retry',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
}
