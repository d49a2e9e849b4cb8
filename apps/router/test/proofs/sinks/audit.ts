import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { deadLetterTopic } from '@hailstream/events';
import { createRangeReader, DEAD_LETTER_HEADERS } from '@hailstream/log';
import { consumeCommitted } from '../../_console-consumer.js';
import { readObjects } from '../../_readers.js';
import { connectionTo, silent } from '../../_util.js';
import { Places } from './places.js';
import { eventNumber, FAMILIES, type RecordedLog } from './recorded-log.js';

const CONCURRENT_DOWNLOADS = 8;
const SCROLL_DOCUMENTS = 10_000;

/** SHA-256 of each object by key. @throws Error if a multipart upload is open */
export async function digestsOf(client: S3Client, bucket: string): Promise<ReadonlyMap<string, string>> {
  const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  if (uploads.length > 0) throw new Error(`${uploads.length} multipart uploads are left open`);
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }));
    keys.push(...(page.Contents ?? []).map(({ Key: key = '' }) => key));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  const digests = new Map<string, string>();
  const remaining = keys.values();
  const download = async () => {
    for (const key of remaining) {
      const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = (await body?.transformToByteArray()) ?? new Uint8Array();
      digests.set(key, createHash('sha256').update(bytes).digest('hex'));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_DOWNLOADS }, download));
  return digests;
}

/** @throws Error if the buckets differ in keys or bytes */
export function requireSameDigests(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): void {
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    if (found.get(key) !== expected.get(key))
      throw new Error(`${key}: expected SHA-256 ${expected.get(key)}, found ${found.get(key)}`);
  }
}

/** @throws Error if DuckDB does not read each valid record of the log once from the objects in the folder */
export async function requireCountsOfDuckDb(folder: string, log: RecordedLog): Promise<void> {
  const counts = `select topic, _partition, count(*), count(distinct _offset)
    from read_json('${folder}/**/*.ndjson.gz', union_by_name = true, hive_partitioning = true) group by all`;
  const rows = (await readObjects('query', counts)) as [string, number, number, number][];
  const found = new Map<string, readonly [number, number]>(
    rows.map(([topic, partition, ...count]) => [`${topic}/${partition}`, count] as const),
  );
  for (const [name, records] of log.partitions) {
    const valid = records.filter(({ kind }) => kind !== 'unreadable').length;
    const [count, distinct] = found.get(name) ?? [0, 0];
    if (count !== valid || distinct !== valid)
      throw new Error(
        `${name}: the log has ${valid} valid records, DuckDB reads ${count}, ${distinct} of them distinct`,
      );
  }
  if (found.size !== log.partitions.size)
    throw new Error('DuckDB reads partitions that the log does not have');
}

/** @throws Error if the cluster does not have each event once, in the version of its first record */
export async function requireEventsOnce(url: string, log: RecordedLog): Promise<number> {
  const request = async (path: string, body?: object): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body ?? {}),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const first = new Map<number, number>();
  for (const records of log.partitions.values()) {
    for (const [offset, { event, kind }] of records.entries()) if (kind === 'first') first.set(event, offset);
  }
  await request('/ride.*/_refresh');
  const { count } = (await request('/ride.*/_count')) as { count: number };
  if (count !== log.events)
    throw new Error(`OpenSearch counts ${count} documents, the log has ${log.events} events`);
  interface Page {
    readonly _scroll_id: string;
    readonly hits: { readonly hits: readonly { readonly _id: string; readonly _version: number }[] };
  }
  const options = { size: SCROLL_DOCUMENTS, sort: ['_doc'], _source: false, version: true };
  let page = (await request('/ride.*/_search?scroll=5m', options)) as Page;
  while (page.hits.hits.length > 0) {
    for (const { _id: id, _version: version } of page.hits.hits) {
      const offset = first.get(eventNumber(id));
      if (offset === undefined)
        throw new Error(`OpenSearch has the event ${id} twice, or the log does not have it`);
      if (version !== Number.MAX_SAFE_INTEGER - offset)
        throw new Error(`${id}: version ${version} is not that of the first record, at offset ${offset}`);
      first.delete(eventNumber(id));
    }
    page = (await request('/_search/scroll', { scroll: '5m', scroll_id: page._scroll_id })) as Page;
  }
  if (first.size > 0) throw new Error(`${first.size} events are not in OpenSearch`);
  return count;
}

/** @throws Error if Apache Kafka's consumer does not read each record once, in the order of its partition and key */
export async function requireMirrored(address: string, log: RecordedLog): Promise<number> {
  const places = new Places(log);
  let records = 0;
  for (const { topic } of FAMILIES) {
    const next = new Map<number, number>();
    await consumeCommitted(address, topic.name, ({ partition, headers, value }) => {
      const offset = Number(headers.get('mirror-source-offset'));
      const expected = next.get(partition) ?? 0;
      const place = `${topic.name}/${partition}`;
      if (headers.get('mirror-source-partition') !== String(partition) || offset !== expected)
        throw new Error(`${place}: expected the record of offset ${expected}, found that of ${offset}`);
      const { event } = log.recordAt(topic.name, partition, offset);
      if (!value.includes(`0197a1c6-0000-7000-8000-${event.toString(16).padStart(12, '0')}`))
        throw new Error(`${place}/${offset} has another value than the log`);
      next.set(partition, expected + 1);
      places.add(topic.name, partition, offset);
      records += 1;
    });
  }
  places.require('second Kafka', ['first', 'repeat', 'unreadable']);
  return records;
}

/** @throws Error if the dead letters of a group are not the unreadable records */
export async function requireDeadLetters(
  broker: { readonly address: string },
  groupIds: readonly string[],
  log: RecordedLog,
): Promise<void> {
  const places = new Map(groupIds.map((groupId) => [groupId, new Places(log)]));
  await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
  const ranges = [{ topic: deadLetterTopic.name, from: 'earliest', to: 'latest' }] as const;
  for await (const { records } of await reader.readRange({ ranges })) {
    for (const { headers } of records) {
      const { topic, partition, offset, group } = DEAD_LETTER_HEADERS;
      places
        .get(String(headers[group]))
        ?.add(String(headers[topic]), Number(String(headers[partition])), Number(String(headers[offset])));
    }
  }
  for (const [groupId, found] of places) found.require(`dead letters of ${groupId}`, ['unreadable']);
}
