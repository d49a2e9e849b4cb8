import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Faults {
  /** Of this many requests, one is lost, one is delayed, one is answered without the answer arriving, and one arrives twice. */
  readonly every: number;
  /** How long a delayed request is kept. Shorter than the timeout of the sender. */
  readonly delayMs: number;
  /** How long after the answer a request arrives again. */
  readonly repeatAfterMs: number;
  /** How often all connections are closed, and how long new ones are refused then. */
  readonly cutEveryMs: number;
  readonly cutMs: number;
}

const FAULTS: Faults = { every: 100, delayMs: 10_000, repeatAfterMs: 20_000, cutEveryMs: 5_000, cutMs: 250 };

type Fate = 'delivered' | 'lost' | 'delayed' | 'unanswered' | 'repeated';

/** What has happened so far. */
export interface FaultCounts {
  requests: number;
  lost: number;
  delayed: number;
  unanswered: number;
  repeated: number;
  cuts: number;
}

/**
 * A network with faults between clients and a service, for HTTP/1.1 without pipelining: data of the client after data of the
 * service is a new request. Faults follow from the number of the request, so that runs have as many of each.
 */
export class FaultyNetwork implements AsyncDisposable {
  readonly counts: FaultCounts = { requests: 0, lost: 0, delayed: 0, unanswered: 0, repeated: 0, cuts: 0 };
  private readonly links = new Set<Link>();
  private readonly repeats = new Set<Promise<void>>();
  private readonly cutTimer: NodeJS.Timeout;
  private restoreTimer: NodeJS.Timeout | undefined;
  private isCut = false;

  private constructor(
    private readonly server: Server,
    private readonly service: { readonly host: string; readonly port: number },
    private readonly faults: Faults,
  ) {
    server.on('connection', (client) => this.accept(client));
    this.cutTimer = setInterval(() => this.cut(), faults.cutEveryMs);
  }

  /** Starts a network to the service at `url`, on a free port of this machine. */
  static async start(url: string, faults: Faults = FAULTS): Promise<FaultyNetwork> {
    const { hostname: host, port } = new URL(url);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyNetwork(server, { host, port: Number(port) }, faults);
  }

  /** The address of the service through this network. */
  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends the faults, and waits until the requests that arrive again have arrived. */
  async settle(): Promise<void> {
    clearInterval(this.cutTimer);
    await Promise.all(this.repeats);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.cutTimer);
    clearTimeout(this.restoreTimer);
    for (const link of this.links) link.close();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    if (this.isCut) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect(this.service), {
      delayMs: this.faults.delayMs,
      nextFate: () => this.nextFate(),
      onRepeated: (request) => this.repeat(request),
      onClosed: () => this.links.delete(link),
    });
    this.links.add(link);
  }

  private cut(): void {
    this.counts.cuts += 1;
    this.isCut = true;
    for (const link of this.links) link.close();
    this.restoreTimer = setTimeout(() => (this.isCut = false), this.faults.cutMs);
  }

  private nextFate(): Fate {
    const { counts, faults } = this;
    counts.requests += 1;
    const turn = Math.floor(((counts.requests % faults.every) * 4) / faults.every);
    const isTurn = counts.requests % Math.ceil(faults.every / 4) === 0;
    const fate = isTurn ? (['lost', 'delayed', 'unanswered', 'repeated'] as const)[turn]! : 'delivered';
    if (fate !== 'delivered') counts[fate] += 1;
    return fate;
  }

  private repeat(request: readonly Buffer[]): void {
    const repeated = new Promise<void>((resolve) => {
      setTimeout(() => {
        const socket = connect(this.service);
        socket.on('error', () => undefined);
        socket.once('close', () => resolve());
        // The answer is of no interest, but a service that has answered has processed the request.
        socket.once('data', () => socket.destroy());
        for (const chunk of request) socket.write(chunk);
      }, this.faults.repeatAfterMs);
    });
    this.repeats.add(repeated);
    void repeated.then(() => this.repeats.delete(repeated));
  }
}

/** A connection of a client to the service. */
class Link {
  private fate: Fate | undefined;
  /** The data of a request that is delayed or that will arrive again. */
  private request: Buffer[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: Socket,
    private readonly service: Socket,
    private readonly network: {
      readonly delayMs: number;
      readonly nextFate: () => Fate;
      readonly onRepeated: (request: readonly Buffer[]) => void;
      readonly onClosed: () => void;
    },
  ) {
    client.on('data', (chunk) => this.onRequestData(chunk));
    service.on('data', (chunk) => this.onAnswerData(chunk));
    for (const socket of [client, service]) {
      // The close event follows.
      socket.on('error', () => undefined);
      socket.on('close', () => this.close());
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.client.destroy();
    this.service.destroy();
    this.network.onClosed();
  }

  private onRequestData(chunk: Buffer): void {
    this.fate ??= this.startRequest();
    switch (this.fate) {
      case 'lost':
        this.close();
        return;
      case 'delayed':
        this.request.push(chunk);
        return;
      case 'repeated':
        this.request.push(chunk);
        this.service.write(chunk);
        return;
      case 'delivered':
      case 'unanswered':
        this.service.write(chunk);
    }
  }

  private startRequest(): Fate {
    const fate = this.network.nextFate();
    this.request = [];
    if (fate === 'delayed') this.timer = setTimeout(() => this.sendDelayed(), this.network.delayMs);
    return fate;
  }

  private sendDelayed(): void {
    for (const chunk of this.request) this.service.write(chunk);
    this.fate = 'delivered';
  }

  private onAnswerData(chunk: Buffer): void {
    if (this.fate === 'unanswered') {
      this.close();
      return;
    }
    if (this.fate === 'repeated') this.network.onRepeated(this.request);
    this.fate = undefined;
    this.client.write(chunk);
  }
}
