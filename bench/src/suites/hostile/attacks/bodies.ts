import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { cpuSeconds } from '../../../harness/processes.js';
import { refusedWith, type AttackGroup, type Attempt } from '../target/attempt.js';
import { post, RawConnection } from '../target/http.js';
import { HOSTILE, NEIGHBOUR, point } from '../target/target.js';

/** Just below the default limit of a body. */
const BODY_BYTES = 2 * 1_048_576 - 1_024;
const REPEATS = 5;
/** Processor time that one request may use; the events of the neighbour are included. */
const MAX_CPU_MS = 50;
/** A response names the first faults of each item, and no more. */
const MAX_RESPONSE_BYTES = 2 * 1_048_576;
const BOMB_BYTES = 200 << 20;
const ANSWERED_WITHIN_MS = 20_000;

interface Body {
  readonly name: string;
  readonly path?: string;
  readonly bytes: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default any 4xx */
  readonly expected?: readonly number[];
}

const fill = (start: string, unit: string, end: string): string =>
  start + unit.repeat(Math.floor((BODY_BYTES - start.length - end.length) / unit.length)) + end;
const items = (count: number, item: unknown): string =>
  JSON.stringify(Array.from({ length: count }, () => item));
const unknownFields = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));

/** Made when the attack begins, because some of them are large. */
const bodies = (): Body[] => [
  {
    name: 'a million numbers in event_geographies',
    path: '/events',
    bytes: fill('[{"event_geographies":[', '1,', '1]}]'),
  },
  { name: 'a million numbers in trip_ids', bytes: fill('[{"trip_ids":[', '1,', '1]}]') },
  { name: 'a million nulls as items', bytes: fill('[', 'null,', 'null]') },
  { name: '150,000 unknown fields', bytes: JSON.stringify([unknownFields(150_000)]) },
  { name: '1,000 items of 150 unknown fields', bytes: items(1_000, unknownFields(150)) },
  { name: '1,000 empty trips', path: '/trips', bytes: items(1_000, {}) },
  { name: '1,000 trips with every field of a wrong type', path: '/trips', bytes: items(1_000, wrongTrip()) },
  { name: 'an id of 2 MB', bytes: fill('[{"device_id":"', 'a', '"}]') },
  { name: 'a name of a field of 2 MB', bytes: fill('[{"', 'a', '":1}]') },
  { name: 'escapes in a string', bytes: fill('[{"device_id":"', String.raw`\u0041`, '"}]') },
  { name: 'arrays nested a million deep', bytes: '['.repeat(BODY_BYTES / 2) + ']'.repeat(BODY_BYTES / 2) },
  { name: 'objects nested 300,000 deep', bytes: `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}` },
  { name: 'a number with two million digits', bytes: fill('[{"timestamp":', '9', '}]') },
  { name: 'a million decimals', bytes: fill('[{"location":{"lat":0.', '1', '}}]') },
  { name: 'the same field 200,000 times', bytes: fill('[{', '"lat":1,', '"lat":1}]') },
  {
    name: '__proto__ and constructor',
    bytes: '[{"__proto__":{"provider_id":1},"constructor":{"prototype":{}}}]',
    expected: [400],
  },
  { name: '40,000 valid items', bytes: fill('[', '{"a":1},', '{}]') },
  { name: 'spaces', bytes: fill('', ' ', '') },
  { name: 'an unfinished string', bytes: fill('[{"device_id":"', 'a', '') },
  { name: 'commas', bytes: fill('[', ',', ']') },
  {
    name: 'invalid UTF-8',
    bytes: Buffer.from([...Buffer.from('[{"device_id":"'), 0xff, 0xc0, ...Buffer.from('"}]')]),
  },
  { name: 'a lone surrogate', bytes: JSON.stringify([point(HOSTILE, { device_id: '\ud800' })]) },
  { name: 'nothing', bytes: '' },
  { name: 'a scalar', bytes: '1' },
  { name: 'more than the limit', bytes: `[${' '.repeat(3 * 1_048_576)}]`, expected: [413, 0] },
  {
    name: 'gzip of 200 MB',
    bytes: gzipSync(Buffer.alloc(BOMB_BYTES, 0x20)),
    headers: { 'content-encoding': 'gzip' },
  },
  { name: 'brotli of 200 MB', bytes: brotliBomb(), headers: { 'content-encoding': 'br' } },
  { name: 'gzip that is not', bytes: 'not gzip', headers: { 'content-encoding': 'gzip' } },
  { name: 'an unknown encoding', bytes: '[]', headers: { 'content-encoding': 'x-hostile' } },
  {
    name: 'ten encodings',
    bytes: gzipSync('[]'),
    headers: { 'content-encoding': Array(10).fill('gzip').join(', ') },
  },
  { name: 'an unknown media type', bytes: '[]', headers: { 'content-type': 'text/plain' } },
];

function wrongTrip(): Record<string, unknown> {
  return {
    provider_id: 1,
    device_id: [],
    trip_id: {},
    start_time: 'now',
    end_time: null,
    start_location: 1,
    end_location: [],
    duration: -1,
    distance: 'far',
    actual_cost: {},
    standard_cost: [],
    currency: 1,
  };
}

function brotliBomb(): Buffer {
  return brotliCompressSync(Buffer.alloc(BOMB_BYTES, 0x20), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 3 },
  });
}

/** Bodies that are as expensive to read as their sender can make them. */
export const bodiesGroup: AttackGroup = {
  name: 'bodies',
  attempts: (isFull) => [
    ...bodies().flatMap((body) => [attempt(body, '', isFull), attempt(body, '/validate', isFull)]),
    crumbs(isFull ? 500_000 : 20_000),
    slow(isFull ? 256 : 32),
  ],
};

/** Each chunk is an object in memory until the body is complete. */
const crumbs = (count: number): Attempt => ({
  name: `${count} chunks of one byte`,
  async run(target) {
    const token = await target.token({ scopes: ['write'], providerId: HOSTILE });
    const connection = await RawConnection.open(target.ingest.url);
    connection.write(
      'POST /telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n' +
        `Authorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(count)}`,
    );
    const isOver = await connection.until(({ status, closed }) => status !== 0 || closed, ANSWERED_WITHIN_MS);
    connection.destroy();
    if (!isOver) return 'neither answered nor closed';
    return connection.status === 0 ? undefined : refusedWith(connection.status, 400, 429);
  },
});

/** Bodies of the maximum size of which nothing arrives but the first byte reserve memory that others need. */
const slow = (count: number): Attempt => ({
  name: `${count} bodies that do not arrive`,
  async run(target) {
    const token = await target.token({ scopes: ['write'], providerId: HOSTILE });
    const other = await target.token({ scopes: ['write'], providerId: NEIGHBOUR });
    const connections = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(target.ingest.url)),
    );
    for (const connection of connections) {
      connection.write(
        'POST /telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n' +
          `Authorization: Bearer ${token}\r\nContent-Length: ${BODY_BYTES}\r\n\r\n[`,
      );
    }
    const refused = await Promise.any(
      connections.map(async (each) => {
        if (!(await each.until(({ status }) => status !== 0, ANSWERED_WITHIN_MS))) throw new Error();
      }),
    ).then(
      () => true,
      () => false,
    );
    const { status } = await post(`${target.ingest.url}/telemetry`, [point(NEIGHBOUR)], other);
    for (const connection of connections) connection.destroy();
    if (!refused) return 'all of them reserve memory';
    return status === 201 ? undefined : `status ${status} for another provider`;
  },
});

function attempt(body: Body, prefix: string, isFull: boolean): Attempt {
  const { name, path = '/telemetry', bytes, headers, expected = [] } = body;
  const where = prefix + path;
  const repeats = isFull ? REPEATS : 1;
  return {
    name: `${name}, ${where}`,
    async run(target) {
      const token = await target.token({ scopes: ['write'], providerId: HOSTILE });
      const cpuBefore = await cpuSeconds(target.ingest.pid);
      let problem: string | undefined;
      for (let repeat = 0; repeat < repeats; repeat += 1) {
        const { status, text } = await post(target.ingest.url + where, bytes, token, headers);
        problem ??= isDryRun(where) && status === 200 ? undefined : refusedWith(status, ...expected);
        if (text.length > MAX_RESPONSE_BYTES) problem ??= `a response of ${text.length} bytes`;
      }
      const cpuMs = (((await cpuSeconds(target.ingest.pid)) - cpuBefore) * 1_000) / repeats;
      // One request is too short for the clock of processor time.
      if (isFull && cpuMs > MAX_CPU_MS) problem ??= `${Math.round(cpuMs)} ms of processor time per request`;
      return problem;
    },
  };
}

/** A dry run reports the faults of the items with status 200. */
function isDryRun(path: string): boolean {
  return path.startsWith('/validate');
}
