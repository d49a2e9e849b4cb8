import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { CompressionTypes, plainClient, type Message } from '../../../load/plain-client.js';
import type { AttackGroup, Attempt } from '../target/attempt.js';
import { send } from '../target/http.js';
import { NEIGHBOUR, point, type Target } from '../target/target.js';

const TOPIC = 'ride.telemetry';
const PARTITION = 0;
const SHOWN_WITHIN_MS = 60_000;

type Values = () => readonly Omit<Message, 'partition'>[];

/** A record in the log that no service has written: those after it are read. Adds the id of one to `idsAfter`. */
const poison = (
  idsAfter: string[],
  { name, records: makeRecords, compression = CompressionTypes.None }: Poison,
): Attempt => ({
  name,
  async run(target) {
    const producer = plainClient(target.brokerAddress).producer();
    await producer.connect();
    const append = (records: ReturnType<Values>, codec = CompressionTypes.None) =>
      producer.send({
        topic: TOPIC,
        compression: codec,
        messages: records.map((record) => ({ ...record, partition: PARTITION })),
      });
    const after = point(NEIGHBOUR);
    try {
      await append(makeRecords(), compression);
    } catch {
      // The broker may refuse the batch.
    }
    try {
      await append([{ key: after.device_id, value: JSON.stringify(after) }]);
    } finally {
      await producer.disconnect();
    }
    idsAfter.push(after.telemetry_id);
    return shown(target, after.device_id);
  },
});

/** The records after the hostile ones are loaded. */
const load = (ids: readonly string[]): Attempt => ({
  name: 'all of them in a load',
  async run(target) {
    await target.load();
    const { rowCount } = await target.pool.query('SELECT FROM ride.telemetry WHERE telemetry_id = ANY($1)', [
      ids,
    ]);
    return rowCount === ids.length ? undefined : `${rowCount} of the ${ids.length} records after them`;
  },
});

async function shown(target: Target, deviceId: string): Promise<string | undefined> {
  const token = await target.token({ scopes: ['read'], providerId: NEIGHBOUR });
  const giveUpAt = performance.now() + SHOWN_WITHIN_MS;
  while (performance.now() < giveUpAt) {
    const { status } = await send(`${target.realtime.url}/vehicles/${deviceId}`, { token });
    if (status === 200) return undefined;
    await pause(50);
  }
  return `the record after it was not shown within ${SHOWN_WITHIN_MS / 1_000} s`;
}

const one =
  (value: Message['value'], key: Message['key'] = randomUUID()): Values =>
  () => [{ key, value }];
const many =
  (count: number, value: string | Buffer): Values =>
  () =>
    Array.from({ length: count }, () => ({ key: 'a', value }));

interface Poison {
  readonly name: string;
  readonly records: Values;
  readonly compression?: CompressionTypes;
}

const { GZIP } = CompressionTypes;
const headers = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`h${index}`, 'x'.repeat(100)]));

const poisons: readonly Poison[] = [
  { name: 'a value that is not JSON', records: one('hostile') },
  { name: 'no value', records: one(null) },
  { name: 'an empty value and key', records: one('', '') },
  { name: 'arrays nested 400,000 deep', records: one('['.repeat(400_000)) },
  { name: 'invalid UTF-8', records: one(Buffer.from([0xff, 0xfe, 0xc0, 0x80])) },
  { name: 'an event of another topic', records: one('{"trip_id":1}') },
  {
    name: 'wrong types',
    records: one(JSON.stringify(point(NEIGHBOUR, { location: 'here', timestamp: 'now' }))),
  },
  { name: 'not a number', records: one('{"timestamp":1e999,"location":{"lat":-1e999}}') },
  {
    name: 'a value of 800 KB',
    records: one(JSON.stringify(point(NEIGHBOUR, { trip_ids: Array(20_000).fill(randomUUID()) }))),
  },
  { name: '500 headers', records: () => [{ key: 'a', value: '{}', headers }] },
  {
    name: '60 MB of zeros in a compressed batch',
    records: many(60, Buffer.alloc(1_000_000)),
    compression: GZIP,
  },
];
const manyPoisons: Poison = {
  name: '100,000 records that are not JSON',
  records: many(100_000, 'x'),
  compression: GZIP,
};

/** Records that are not events. */
export const recordsGroup: AttackGroup = {
  name: 'records',
  attempts: (isFull) => {
    const idsAfter: string[] = [];
    return [
      ...poisons.map((each) => poison(idsAfter, each)),
      ...(isFull ? [poison(idsAfter, manyPoisons)] : []),
      load(idsAfter),
    ];
  },
};
