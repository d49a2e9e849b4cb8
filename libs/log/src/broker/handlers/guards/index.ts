import type { Access } from '../../security/access/authorizer.js';
import type { AnyHandler, Handler, RequestContext } from '../handler.js';
import { ADMIN_GUARDS } from './admin-guards.js';
import { GROUP_GUARDS } from './group-guards.js';
import type { AnyGuard, Guard } from './guard.js';
import { TOPIC_GUARDS } from './topic-guards.js';
import { TRANSACTION_GUARDS } from './transaction-guards.js';

const SASL_HANDSHAKE = 17;
const API_VERSIONS = 18;
const SASL_AUTHENTICATE = 36;

/** APIs that everybody may use: they precede authentication. */
export const UNGUARDED: ReadonlySet<number> = new Set([SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE]);

/** What each API requires, by key: operations on topics, groups, transactional ids and the cluster. */
export const GUARDS: ReadonlyMap<number, AnyGuard> = new Map([
  ...TOPIC_GUARDS,
  ...GROUP_GUARDS,
  ...TRANSACTION_GUARDS,
  ...ADMIN_GUARDS,
]);

/**
 * Handles a request of a principal.
 *
 * @throws Error if the API has no guard: it is not served
 */
export async function handleGuarded(
  handler: AnyHandler,
  request: never,
  context: RequestContext,
  access: Access,
): Promise<unknown> {
  const { handle } = handler as unknown as Handler<unknown>;
  if (UNGUARDED.has(handler.apiKey)) return handle(request, context);
  const guard = GUARDS.get(handler.apiKey) as unknown as Guard<unknown, unknown> | undefined;
  if (guard === undefined) throw new Error(`${handler.name} has no guard`);
  const proceed = async (allowed: unknown) => handle(allowed, context);
  return guard({ request, context, access, proceed });
}
