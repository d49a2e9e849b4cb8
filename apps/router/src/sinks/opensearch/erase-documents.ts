import { isDeepStrictEqual } from 'node:util';
import { anonymousTrip, erasureKinds, isTrip, personalIdFields, type ErasureKind } from '@hailstream/events';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Erasures } from '../../erasures/erasures.js';
import { SinkError } from '../sink.errors.js';
import type { OpenSearchClient } from './opensearch-client.js';

/** Ids of one search: the cluster limits the clauses of a query. */
const IDS_PER_SEARCH = 500;
/** Documents that are changed at once. */
const PAGE_DOCUMENTS = 1_000;
/** Trips of a page of events: a trip that was sent again may be in several indexes. At most the window of a search. */
const PAGE_TRIPS = 10_000;
const NOT_FOUND = 404;
const CONFLICT = 409;

const Hit = Type.Object({
  _index: Type.String(),
  _id: Type.String(),
  _seq_no: Type.Integer(),
  _primary_term: Type.Integer(),
  _source: Type.Record(Type.String(), Type.Unknown()),
});
type Hit = Type.Static<typeof Hit>;

const searchResponse = Compile(Type.Object({ hits: Type.Object({ hits: Type.Array(Hit) }) }));
const bulkResponse = Compile(
  Type.Object({ items: Type.Array(Type.Record(Type.String(), Type.Object({ status: Type.Integer() }))) }),
);

interface EraseOptions {
  readonly client: OpenSearchClient;
  /** Of the indexes. */
  readonly patterns: readonly string[];
  readonly erasures: Erasures;
  readonly signal: AbortSignal;
}

/**
 * Deletes the documents about erased riders and devices. Trips remain without the id and with coarse places; those of an erased
 * rider are found by the rider's events. Only documents that have not changed since they were found are changed, so that this can
 * be repeated, by several processes at the same time.
 *
 * @throws SinkError if documents may remain
 */
export async function eraseDocuments(options: EraseOptions): Promise<void> {
  for (const kind of erasureKinds) {
    const ids = options.erasures.idsOf(kind);
    for (let start = 0; start < ids.length; start += IDS_PER_SEARCH)
      await eraseIds(kind, ids.slice(start, start + IDS_PER_SEARCH), options);
  }
}

async function eraseIds(kind: ErasureKind, ids: readonly string[], options: EraseOptions): Promise<void> {
  const should = personalIdFields[kind].flatMap((field) =>
    ids.map((value) => ({ term: { [field]: { value, case_insensitive: true } } })),
  );
  for (;;) {
    const hits = await search({ bool: { should, minimum_should_match: 1 } }, options);
    if (hits.length === 0) return;
    if (kind === 'rider') await coarsenTrips(hits, options);
    const changed = await change(hits, options);
    if (changed === 0) {
      throw new SinkError('UNAVAILABLE', `${hits.length} documents of erased ids are being changed`, {
        retryable: true,
      });
    }
  }
}

/** Makes the trips of a rider's events anonymous, which do not have the rider's id. Their events are deleted later. */
async function coarsenTrips(events: readonly Hit[], options: EraseOptions): Promise<void> {
  const ids = events
    .filter(({ _source: event }) => !isTrip(event))
    .map(({ _source: event }) => `${String(event['provider_id'])}:${String(event['trip_id'])}`);
  const found = await search({ ids: { values: [...new Set(ids)] } }, options, PAGE_TRIPS);
  const trips = found.filter(
    ({ _source: trip }) => isTrip(trip) && !isDeepStrictEqual(anonymous(trip, options.erasures), { ...trip }),
  );
  if ((await change(trips, options)) === trips.length) return;
  throw new SinkError('UNAVAILABLE', 'trips of an erased rider are being changed', { retryable: true });
}

/** The documents that match a query, at most `size`. */
async function search(
  query: object,
  { client, patterns, signal }: EraseOptions,
  size = PAGE_DOCUMENTS,
): Promise<readonly Hit[]> {
  const path = `/${[...new Set(patterns)].join(',')}`;
  const missing = 'ignore_unavailable=true&allow_no_indices=true';
  await client.request({ method: 'POST', path: `${path}/_refresh?${missing}`, signal });
  const body = JSON.stringify({ query, size, seq_no_primary_term: true });
  const response = await client.request({ method: 'POST', path: `${path}/_search?${missing}`, body, signal });
  if (searchResponse.Check(response)) return response.hits.hits;
  throw new SinkError('UNAVAILABLE', 'the response to a search has another format', { retryable: true });
}

/** Deletes documents, and makes trips anonymous. Returns how many of them were changed: the others have changed meanwhile. */
async function change(hits: readonly Hit[], { client, erasures, signal }: EraseOptions): Promise<number> {
  if (hits.length === 0) return 0;
  const lines = hits.map(({ _source: event, ...hit }) => {
    const { _index, _id, _seq_no: if_seq_no, _primary_term: if_primary_term } = hit;
    const place = { _index, _id, if_seq_no, if_primary_term };
    return isTrip(event)
      ? `${JSON.stringify({ index: place })}\n${JSON.stringify(anonymous(event, erasures))}\n`
      : `${JSON.stringify({ delete: place })}\n`;
  });
  const response = await client.request({
    method: 'POST',
    path: '/_bulk?filter_path=items.*.status',
    body: lines.join(''),
    signal,
  });
  if (!bulkResponse.Check(response) || response.items.length !== hits.length) {
    throw new SinkError('UNAVAILABLE', 'the response does not match the bulk request', { retryable: true });
  }
  const statuses = response.items.flatMap((item) => Object.values(item).map(({ status }) => status));
  const failed = statuses.find(
    (status) => (status < 200 || status >= 300) && status !== NOT_FOUND && status !== CONFLICT,
  );
  if (failed !== undefined) {
    throw new SinkError('UNAVAILABLE', `a document of an erased id was not changed: status ${failed}`, {
      retryable: true,
    });
  }
  return statuses.filter((status) => status !== CONFLICT).length;
}

function anonymous(trip: Hit['_source'], erasures: Erasures): Record<string, unknown> {
  return anonymousTrip(trip, (kind, id) => erasures.has(kind, id));
}
