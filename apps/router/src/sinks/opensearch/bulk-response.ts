import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { SinkError } from '../sink.errors.js';

const BulkResponse = Type.Object({
  items: Type.Array(
    Type.Object({
      index: Type.Object({
        status: Type.Integer(),
        error: Type.Optional(
          Type.Object({
            type: Type.String(),
            reason: Type.Optional(Type.String()),
            caused_by: Type.Optional(Type.Object({ reason: Type.Optional(Type.String()) })),
          }),
        ),
      }),
    }),
  ),
});
const compiled = Compile(BulkResponse);
type BulkItem = Type.Static<typeof BulkResponse>['items'][number]['index'];

/** The result of an operation. */
export type ItemResult =
  | { readonly kind: 'stored' }
  /** An earlier record of the event is stored. */
  | { readonly kind: 'repeated' }
  /** The cluster will not accept this document. */
  | { readonly kind: 'refused'; readonly error: SinkError }
  /** It may be accepted later. */
  | { readonly kind: 'unavailable'; readonly error: SinkError };

/** The versions in the reason of a version conflict. */
const CONFLICTING_VERSIONS = /current version \[(\d+)\].* provided \[(\d+)\]/;

/** Errors with status 400 that concern the index, not the document: it cannot be created or written. */
const INDEX_ERRORS = new Set([
  'alias_exception',
  'index_closed_exception',
  'invalid_index_name_exception',
  'validation_exception',
]);

/**
 * The result of each operation, in the order of the request.
 *
 * @throws SinkError if the response does not match the request, or an index is not accessible
 */
export function itemResults(response: unknown, operations: number): readonly ItemResult[] {
  if (!compiled.Check(response) || response.items.length !== operations) {
    throw new SinkError('UNAVAILABLE', 'the response does not match the bulk request', { retryable: true });
  }
  return response.items.map(({ index }) => itemResult(index));
}

function itemResult({ status, error }: BulkItem): ItemResult {
  if (status >= 200 && status < 300) return { kind: 'stored' };
  if (status === 409) return { kind: isSameVersion(error?.reason) ? 'stored' : 'repeated' };
  const reason = [error?.type ?? `status ${status}`, error?.reason, error?.caused_by?.reason]
    .filter((part) => part !== undefined)
    .join(': ');
  if (status === 429 || status >= 500 || error?.type === 'cluster_block_exception') {
    return { kind: 'unavailable', error: new SinkError('UNAVAILABLE', reason, { retryable: true }) };
  }
  if (status === 401 || status === 403) throw new SinkError('ACCESS_DENIED', reason, { retryable: false });
  if (status !== 400 || INDEX_ERRORS.has(error?.type ?? '')) {
    throw new SinkError('MISCONFIGURED', reason, { retryable: false });
  }
  return { kind: 'refused', error: new SinkError('REFUSED', reason, { retryable: false }) };
}

/** Whether an earlier request has stored this very record: its response was lost, or the batch is delivered again. */
function isSameVersion(reason = ''): boolean {
  const [, current, provided] = CONFLICTING_VERSIONS.exec(reason) ?? [];
  return current === provided;
}
