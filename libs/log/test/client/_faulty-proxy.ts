import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { PRODUCE, type ProduceResponse } from '../../src/protocol/produce.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';

/** What happens to a Produce request. */
export type ProduceFault =
  /** The broker receives half of the request, then the connection closes. */
  | { readonly kind: 'cut-request' }
  /** The broker handles the request, and the client receives half of the response, then the connection closes. */
  | { readonly kind: 'cut-response' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The broker handles the request, and the client receives another response. */
  | { readonly kind: 'change'; readonly change: (response: ProduceResponse) => ProduceResponse };

const LENGTH_BYTES = 4;

/** A TCP proxy between clients and a broker that knows the frames of Kafka's protocol, and fails Produce requests. */
export class FaultyProxy implements AsyncDisposable {
  /** The fault of a Produce request, by the number of those before it. @default none */
  faultOf: (index: number) => ProduceFault | undefined = () => undefined;
  /** Kinds of the faults that happened. */
  readonly happened: ProduceFault['kind'][] = [];
  produceRequests = 0;
  private target = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.forward(client));

  private constructor() {}

  static async start(): Promise<FaultyProxy> {
    const proxy = new FaultyProxy();
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Forwards new connections to a port. */
  to(port: number): void {
    this.target = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(client: Socket): void {
    const broker = connect(this.target, '127.0.0.1');
    const close = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.sockets.add(socket);
      socket.on('error', close);
      socket.on('close', () => {
        this.sockets.delete(socket);
        close();
      });
    }
    /** Faults of responses, by correlation id. */
    const expected = new Map<number, { readonly fault: ProduceFault; readonly version: number }>();
    onFrames(client, (frame) => {
      const [apiKey, version] = [frame.readInt16BE(LENGTH_BYTES), frame.readInt16BE(LENGTH_BYTES + 2)];
      const fault = apiKey === PRODUCE.apiKey ? this.nextFault() : undefined;
      if (fault?.kind === 'cut-request')
        broker.end(frame.subarray(0, frame.length / 2), () => client.destroy());
      else broker.write(frame);
      if (fault !== undefined) expected.set(frame.readInt32BE(LENGTH_BYTES + 4), { fault, version });
    });
    onFrames(broker, (frame) => {
      const found = expected.get(frame.readInt32BE(LENGTH_BYTES));
      if (found === undefined) client.write(frame);
      else if (found.fault.kind === 'cut-response')
        client.end(frame.subarray(0, frame.length / 2), () => broker.destroy());
      else if (found.fault.kind === 'delay') setTimeout(() => client.write(frame), found.fault.ms).unref();
      else if (found.fault.kind === 'change') client.write(changed(frame, found.fault.change, found.version));
    });
  }

  private nextFault(): ProduceFault | undefined {
    const fault = this.faultOf(this.produceRequests);
    this.produceRequests += 1;
    if (fault !== undefined) this.happened.push(fault.kind);
    return fault;
  }
}

/** Calls `handle` with each frame, including its length. */
function onFrames(socket: Socket, handle: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readInt32BE(0)) {
      const end = LENGTH_BYTES + rest.readInt32BE(0);
      handle(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}

/** A Produce response with another body. */
function changed(
  frame: Buffer,
  change: (response: ProduceResponse) => ProduceResponse,
  version: number,
): Buffer {
  const flexible = version >= PRODUCE.flexibleFrom;
  const reader = new Reader(frame.subarray(2 * LENGTH_BYTES), flexible, version);
  reader.skipTaggedFields();
  const writer = new Writer(flexible, version);
  writer.int32(0);
  writer.raw(frame.subarray(LENGTH_BYTES, 2 * LENGTH_BYTES));
  writer.noTaggedFields();
  PRODUCE.response.write(writer, change(PRODUCE.response.read(reader)));
  const bytes = Buffer.concat(writer.finish());
  bytes.writeInt32BE(bytes.length - LENGTH_BYTES, 0);
  return bytes;
}
