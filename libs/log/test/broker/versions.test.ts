import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HANDLERS } from '../../src/broker/handlers/index.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient, request } from './raw-client.js';
import { sampleRequests } from './samples.js';

const API_VERSIONS = 18;
const PRODUCE = 0;
const METADATA = 3;
/** Small enough for every test run; raise this number for a longer one. */
const MUTATIONS = 600;
const MUTATIONS_AT_ONCE = 20;
const MOST_BYTES = 300 << 20;

const SERVED = [...HANDLERS.values()].flatMap(({ apiKey, name, minVersion, maxVersion }) =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => ({ apiKey, name, version: minVersion + i })),
);

describe('every API', () => {
  it('responds to a valid request in every supported version', async () => {
    await using broker = await startTestBroker();
    using client = await RawClient.connect(broker.port);
    const samples = sampleRequests();
    await client.call(METADATA, 6, samples['Metadata'] as object);
    for (const { apiKey, name, version } of SERVED) {
      // A separate group for each, so that no request waits for another.
      const sample = { ...samples[name], ...(name === 'JoinGroup' ? { groupId: `joined-${version}` } : {}) };
      const answer = await client.call(apiKey, version, sample);
      expect(answer, `${name} ${version}`).toBeTypeOf('object');
    }
  });

  it('survives corrupted requests and keeps serving other clients', async () => {
    await using broker = await startTestBroker();
    const samples = sampleRequests();
    const before = process.memoryUsage().arrayBuffers;
    const mutation = fc.record({
      served: fc.constantFrom(...SERVED),
      edits: fc.array(
        fc.record({
          at: fc.nat(400),
          kind: fc.constantFrom('flip', 'set', 'insert', 'delete', 'largest', 'cut'),
          byte: fc.integer({ min: 0, max: 255 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    });
    for (const batch of chunks(fc.sample(mutation, MUTATIONS), MUTATIONS_AT_ONCE)) {
      const clients = await Promise.all(batch.map(() => RawClient.connect(broker.port)));
      batch.forEach(({ served: { apiKey, name, version }, edits }, i) => {
        const valid = request(apiKey, version, 1, samples[name] as object);
        clients[i]?.write(framed(edits.reduce(edited, valid.subarray(4))));
      });
      using other = await RawClient.connect(broker.port);
      await other.call(API_VERSIONS, 3, samples['ApiVersions'] as object);
      for (const client of clients) client[Symbol.dispose]();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_BYTES);
    await broker.restart();
    using client = await RawClient.connect(broker.port);
    await client.call(PRODUCE, 9, samples['Produce'] as object);
  });
});

interface Edit {
  readonly at: number;
  readonly kind: string;
  readonly byte: number;
}

function edited(bytes: Buffer, { at, kind, byte }: Edit): Buffer {
  const position = at % bytes.length;
  const copy = Buffer.from(bytes);
  const [before, after] = [bytes.subarray(0, position), bytes.subarray(position)];
  switch (kind) {
    case 'flip':
      copy[position] = (copy[position] as number) ^ (1 << (byte % 8));
      return copy;
    case 'set':
      copy[position] = byte;
      return copy;
    case 'insert':
      return Buffer.concat([before, Buffer.from([byte]), after]);
    case 'delete':
      return bytes.length > 20 ? Buffer.concat([before, after.subarray(1)]) : bytes;
    case 'cut':
      return bytes.subarray(0, Math.max(position, 1));
    default:
      copy.fill(0xff, position, Math.min(position + 4, copy.length));
      return copy;
  }
}

function framed(payload: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
