import { setTimeout as pause } from 'node:timers/promises';
import { cpuSeconds, residentMiB } from '../../../harness/processes.js';
import { refusedWith, type AttackGroup, type Attempt } from '../target/attempt.js';
import { RawConnection } from '../target/http.js';

const BODY_BYTES = 2 * 1_048_576 - 1_024;
/** Bodies that are sent without a token must not be kept. */
const MAX_GROWTH_MIB = 64;
/** Processor time that the rest of a refused request may use; the events of the neighbour are included. */
const MAX_CPU_MS = 50;
const ANSWERED_WITHIN_MS = 20_000;
/** Longer than the time limit of headers, and of a keep-alive connection. */
const CLOSED_WITHIN_MS = 120_000;

/** Chunks of one byte, of six bytes with their sizes. */
const CRUMBS = 500_000;

const POST = 'POST /telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

/** A request that is answered with a client error, or not at all: the connection is closed. */
const refused = (name: string, bytes: string, ...statuses: readonly number[]): Attempt => ({
  name,
  async run({ ingest }) {
    const connection = await RawConnection.open(ingest.url);
    connection.write(bytes);
    const isOver = await connection.until(({ status, closed }) => status !== 0 || closed, ANSWERED_WITHIN_MS);
    connection.destroy();
    if (!isOver) return 'neither answered nor closed';
    return connection.status === 0 ? undefined : refusedWith(connection.status, ...statuses);
  },
});

const requests: readonly Attempt[] = [
  refused(
    'a body in pieces without a token',
    `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\n[{"a"\r\n`,
    401,
    429,
  ),
  refused(
    'a request for permission to send a body',
    `${POST}Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n`,
    401,
    429,
  ),
  refused('a length and chunks', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  refused('two lengths', `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n[]   `),
  refused('a negative length', `${POST}Content-Length: -1\r\n\r\n`),
  refused('headers of 64 KiB', `${POST}X-Long: ${'a'.repeat(65_536)}\r\n\r\n`),
  refused('5,000 headers', `${POST}${'X-Many: 1\r\n'.repeat(5_000)}\r\n`),
  refused('no HTTP', 'hostile\r\n\r\n'),
  refused('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  refused('a path of 60 KB', `GET /${'a'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\n\r\n`),
  refused('an unknown method', 'HOSTILE / HTTP/1.1\r\nHost: x\r\n\r\n'),
  refused(
    'an unknown path with a body',
    'POST /hostile HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n[',
  ),
];

const bodiesWithoutToken = (count: number): Attempt => ({
  name: `${count} bodies of 2 MiB without a token`,
  async run({ ingest }) {
    const before = await residentMiB(ingest.pid);
    const head = `${POST}Content-Length: ${BODY_BYTES + 10}\r\n\r\n`;
    const body = Buffer.alloc(BODY_BYTES, 0x20);
    const connections = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(ingest.url)),
    );
    for (const connection of connections) {
      connection.write(head);
      connection.write(body);
    }
    const answered = await Promise.all(
      connections.map((each) =>
        each.until(({ status, closed }) => status !== 0 || closed, ANSWERED_WITHIN_MS),
      ),
    );
    const growth = (await residentMiB(ingest.pid)) - before;
    for (const connection of connections) connection.destroy();
    const accepted = connections.find(({ status }) => ![0, 401, 429].includes(status));
    if (accepted !== undefined) return refusedWith(accepted.status, 401, 429);
    if (answered.includes(false)) return 'a connection was neither answered nor closed';
    return growth > MAX_GROWTH_MIB ? `${Math.round(growth)} MiB of memory` : undefined;
  },
});

/** Connections that begin a request and never finish it are closed. */
const unfinished = (name: string, count: number, bytes: string): Attempt => ({
  name: `${count} connections: ${name}`,
  async run({ ingest }) {
    const connections = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(ingest.url)),
    );
    for (const connection of connections) connection.write(bytes);
    const closed = await Promise.all(
      connections.map((each) => each.until((it) => it.closed, CLOSED_WITHIN_MS)),
    );
    for (const connection of connections) connection.destroy();
    const open = closed.filter((isClosed) => !isClosed).length;
    return open > 0 ? `${open} are open after ${CLOSED_WITHIN_MS / 1_000} s` : undefined;
  },
});

const pipelined = (count: number): Attempt => ({
  name: `${count} requests without a token on one connection, whose responses are not read`,
  async run({ ingest }) {
    const before = await residentMiB(ingest.pid);
    const connection = await RawConnection.open(ingest.url);
    connection.pause();
    connection.write(`${POST}Content-Length: 2\r\n\r\n[]`.repeat(count));
    await pause(2_000);
    const growth = (await residentMiB(ingest.pid)) - before;
    connection.destroy();
    return growth > MAX_GROWTH_MIB ? `${Math.round(growth)} MiB of memory` : undefined;
  },
});

/** The rest of a refused body in chunks of a byte, as much as the connection accepts. */
const crumbsWithoutToken = (count: number): Attempt => ({
  name: `${count} bodies in chunks of one byte, without a token`,
  async run({ ingest }) {
    const crumbs = Buffer.from('1\r\n \r\n'.repeat(CRUMBS));
    const connections = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(ingest.url)),
    );
    const before = await cpuSeconds(ingest.pid);
    for (const connection of connections) {
      connection.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
      connection.write(crumbs);
    }
    const answered = await Promise.all(
      connections.map((each) => each.until(({ status }) => status !== 0, ANSWERED_WITHIN_MS)),
    );
    for (const connection of connections) connection.end();
    const closed = await Promise.all(
      connections.map((each) => each.until((it) => it.closed, ANSWERED_WITHIN_MS)),
    );
    const cpuMs = (((await cpuSeconds(ingest.pid)) - before) * 1_000) / count;
    for (const connection of connections) connection.destroy();
    if (answered.includes(false)) return 'a response cannot be read';
    if (closed.includes(false)) return 'a connection is not closed';
    // A few connections are too few for the clock of processor time.
    if (count >= 50 && cpuMs > MAX_CPU_MS) return `${Math.round(cpuMs)} ms of processor time per connection`;
    return refusedWith(connections[0]!.status, 401, 429);
  },
});

/** A client without a token. */
export const anonymousGroup: AttackGroup = {
  name: 'anonymous clients',
  attempts: (isFull) => [
    ...requests,
    bodiesWithoutToken(isFull ? 300 : 30),
    pipelined(isFull ? 20_000 : 2_000),
    crumbsWithoutToken(isFull ? 50 : 2),
    ...(isFull
      ? [
          unfinished('headers that do not end', 200, `${POST}X-Slow: `),
          unfinished('nothing', 200, ''),
          unfinished('a part of a body, without a token', 200, `${POST}Content-Length: 1000\r\n\r\n[`),
        ]
      : []),
  ],
};
