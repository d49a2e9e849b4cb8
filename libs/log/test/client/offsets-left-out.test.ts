import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listOffsets } from '../../src/broker/handlers/02-list-offsets.js';
import { FrameSplitter } from '../../src/broker/network/frames.js';
import { createAdmin, createRangeReader } from '../../src/client/index.js';
import { Writer } from '../../src/protocol/writer.js';
import { answerIn } from '../broker/raw-client.js';
import { append, Bench, logger, record } from './_util.js';

type Answer = Parameters<(typeof listOffsets)['response']['write']>[1];

/** A proxy in front of a broker that leaves partitions out of the ListOffsets responses. */
class OffsetsProxy implements AsyncDisposable {
  readonly leftOut = new Set<number>();
  /** Set before the first connection. */
  brokerPort = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (client) => this.pass(client, connect(this.brokerPort, '127.0.0.1')));
  }

  static async start(): Promise<OffsetsProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OffsetsProxy(server);
  }

  get listener(): string {
    return `PLAINTEXT://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(client: Socket, broker: Socket): void {
    const waiting: { apiKey: number; version: number; correlationId: number }[] = [];
    this.onFrame(client, broker, (frame) => {
      const [apiKey, version] = [frame.readInt16BE(0), frame.readInt16BE(2)];
      waiting.push({ apiKey, version, correlationId: frame.readInt32BE(4) });
      return frame;
    });
    this.onFrame(broker, client, (frame) => {
      const request = waiting.shift()!;
      return request.apiKey === listOffsets.apiKey ? this.leaveOut(frame, request) : frame;
    });
  }

  private onFrame(from: Socket, to: Socket, change: (frame: Buffer) => Buffer): void {
    this.sockets.add(from);
    const frames = new FrameSplitter(
      () => Infinity,
      (frame) => {
        const changed = change(frame);
        const length = Buffer.alloc(4);
        length.writeInt32BE(changed.length);
        to.write(Buffer.concat([length, changed]));
      },
    );
    from.on('data', (chunk: Buffer) => frames.push(chunk));
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }

  private leaveOut(frame: Buffer, request: { apiKey: number; version: number; correlationId: number }) {
    const answer = answerIn<Answer>(frame, request);
    const flexible = request.version >= listOffsets.flexibleFrom;
    const writer = new Writer(flexible, request.version);
    writer.int32(request.correlationId);
    writer.noTaggedFields();
    listOffsets.response.write(writer, {
      ...answer,
      topics: answer.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.filter(({ partitionIndex }) => !this.leftOut.has(partitionIndex)),
      })),
    });
    return Buffer.concat(writer.finish());
  }
}

describe('a partition that the broker leaves out of ListOffsets', () => {
  it('is not read as an empty one', async () => {
    await using proxy = await OffsetsProxy.start();
    await using bench = await Bench.start({ settings: { 'advertised.listeners': proxy.listener } });
    proxy.brokerPort = bench.broker.port;
    const topic = await bench.topic(2);
    await append(bench.producer(), [{ ...record(topic, 'k', 'v'), partition: 1 }]);
    proxy.leftOut.add(1);
    const missing = {
      code: 'UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('no offset returned for partition 1'),
    };
    const { connection } = bench;
    await using reader = createRangeReader({ connection, logger, stallTimeoutMs: 100 });
    for (const from of ['earliest', 0n] as const) {
      const ranges = [{ topic, from, to: 'latest' }] as const;
      await expect(reader.readRange({ ranges })).rejects.toMatchObject(missing);
    }
    await using admin = createAdmin({ connection, logger });
    await expect(admin.offsets(topic)).rejects.toMatchObject(missing);

    proxy.leftOut.clear();
    expect(await bench.read(topic)).toEqual(['k:v']);
    expect((await admin.offsets(topic)).get(1)).toEqual({ earliest: 0n, latest: 1n });
  });
});
