import { randomBytes } from 'node:crypto';
import { residentMiB } from '../../../harness/processes.js';
import { plainClient } from '../../../load/plain-client.js';
import type { AttackGroup, Attempt } from '../target/attempt.js';
import { RawConnection } from '../target/http.js';
import type { Target } from '../target/target.js';

const CLOSED_WITHIN_MS = 20_000;
const MAX_GROWTH_MIB = 64;

/** A frame of the Kafka protocol: size, API key, version, correlation id, a client id, the rest. */
function frame(apiKey: number, version: number, rest: Buffer): Buffer {
  const header = Buffer.alloc(15);
  header.writeInt32BE(11 + rest.length, 0);
  header.writeInt16BE(apiKey, 4);
  header.writeInt16BE(version, 6);
  header.writeInt32BE(1, 8);
  header.writeInt16BE(1, 12);
  header.write('h', 14);
  return Buffer.concat([header, rest]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Bytes that no client sends: the connection is closed, memory does not grow, and others are served. */
const bytes = (name: string, makeBytes: () => Buffer, { isClosed = true } = {}): Attempt => ({
  name,
  async run(target) {
    const before = await residentMiB(target.brokerPid);
    const connection = await RawConnection.open(`http://${target.brokerAddress}`);
    connection.write(makeBytes());
    const closed = isClosed ? await connection.until((it) => it.closed, CLOSED_WITHIN_MS) : true;
    const growth = (await residentMiB(target.brokerPid)) - before;
    const problem = await served(target);
    connection.destroy();
    if (!closed) return 'the connection was not closed';
    return problem ?? (growth > MAX_GROWTH_MIB ? `${Math.round(growth)} MiB of memory` : undefined);
  },
});

const connections = (count: number): Attempt => ({
  name: `${count} connections that send nothing`,
  async run(target) {
    const open = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(`http://${target.brokerAddress}`)),
    );
    const problem = await served(target);
    for (const connection of open) connection.destroy();
    return problem;
  },
});

/** Whether another client is served. */
async function served({ brokerAddress }: Target): Promise<string | undefined> {
  const admin = plainClient(brokerAddress).admin();
  try {
    await admin.connect();
    await admin.fetchTopicMetadata({ topics: ['ride.telemetry'] });
    return undefined;
  } catch (error) {
    return `another client is not served: ${String(error)}`;
  } finally {
    await admin.disconnect();
  }
}

const internalTopic: Attempt = {
  name: 'a record in __consumer_offsets',
  async run(target) {
    const producer = plainClient(target.brokerAddress).producer({ retry: { retries: 0 } });
    await producer.connect();
    try {
      await producer.send({ topic: '__consumer_offsets', messages: [{ key: 'hostile', value: 'hostile' }] });
      return 'it was accepted';
    } catch {
      // A broker that serves nobody would refuse it, too.
      return await served(target);
    } finally {
      await producer.disconnect();
    }
  },
};

/** Bytes on the port of the embedded broker. */
export const protocolGroup: AttackGroup = {
  name: 'protocol of the broker',
  attempts: (isFull) => [
    bytes('a frame of 2 GB', () => int32(0x7fff_ffff)),
    bytes('a frame of negative size', () => int32(-1)),
    bytes('HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')),
    bytes('a handshake of TLS', () => Buffer.from('1603010200010001fc0303', 'hex')),
    // With a size, because a random one may be valid: the broker waits for the rest then.
    bytes('random bytes', () => Buffer.concat([int32(100_000), randomBytes(100_000)])),
    bytes('an unknown API', () => frame(999, 0, Buffer.alloc(0))),
    bytes('an unknown version', () => frame(3, 999, Buffer.alloc(0))),
    bytes('two billion topics', () => frame(3, 1, int32(0x7fff_ffff))),
    bytes('a list of a negative number', () => frame(3, 1, int32(-2))),
    bytes('two billion partitions to produce to', () =>
      frame(0, 3, Buffer.concat([Buffer.from('ffffffff', 'hex'), int32(0x7fff_ffff), int32(0x7fff_ffff)])),
    ),
    bytes('half a request', () => Buffer.concat([int32(1_000_000), Buffer.alloc(500_000)]), {
      isClosed: false,
    }),
    internalTopic,
    connections(isFull ? 2_000 : 100),
  ],
};
