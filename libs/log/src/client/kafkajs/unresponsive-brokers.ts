import { sleep } from '@hailstream/service/timers';
import type { LogConnection } from '../shared/connection.js';
import { openBrokerSocket, tlsOptions } from './broker-socket.js';

/** Longest that a broker may take to say which APIs it has: it looks at nothing for that. */
const ANSWER_TIMEOUT_MS = 2_000;
/** How often a silent one is asked again. */
const ASK_AGAIN_MS = 500;

/** ApiVersions version 0: length, key 18, version, correlation id, no client id. Every broker answers, to anybody. */
const QUESTION = Buffer.from('0000000a' + '0012' + '0000' + '00000000' + 'ffff', 'hex');

type Finding = 'answers' | 'silent' | 'gone';

/**
 * Brokers that take connections and answer nothing: paused, or on a machine that hangs. A client that meets one waits
 * for each request until it times out, and may choose the same one next; that a broker is gone, it is told at once. So
 * here is found out who is silent, for all clients of a connection, and clients treat those as gone until they answer.
 */
export class SilentBrokers {
  private static readonly ofConnection = new WeakMap<LogConnection, SilentBrokers>();

  private readonly silent = new Set<string>();
  private readonly asked = new Set<string>();
  private readonly listeners = new Set<(address: string) => void>();

  private constructor(private readonly connection: LogConnection) {}

  /** What all clients of this very object share. */
  static of(connection: LogConnection): SilentBrokers {
    const known = this.ofConnection.get(connection);
    if (known) return known;
    const made = new SilentBrokers(connection);
    this.ofConnection.set(connection, made);
    return made;
  }

  isSilent(address: string): boolean {
    return this.silent.has(address);
  }

  /** Calls back whenever a broker was found silent. Returns what ends that; while nobody listens, nobody is asked. */
  onSilent(listener: (address: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** To be called where a broker owes an answer for long. There may be a good reason: so it is asked for something easy. */
  suspect(address: string): void {
    if (this.asked.has(address)) return;
    this.asked.add(address);
    void this.askUntilItAnswers(address).finally(() => {
      this.silent.delete(address);
      this.asked.delete(address);
    });
  }

  private async askUntilItAnswers(address: string): Promise<void> {
    while (this.listeners.size > 0) {
      if ((await ask(address, this.connection)) !== 'silent') return;
      if (!this.silent.has(address)) {
        this.silent.add(address);
        for (const listener of this.listeners) listener(address);
      }
      await sleep(ASK_AGAIN_MS);
    }
  }
}

/** Asks a broker something on a connection of its own. */
function ask(address: string, connection: LogConnection): Promise<Finding> {
  const portAt = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, portAt), Number(address.slice(portAt + 1))];
  return new Promise((resolve) => {
    const socket = openBrokerSocket({ host, port, tls: tlsOptions(connection) }, () =>
      socket.write(QUESTION),
    );
    socket.unref();
    const timer = setTimeout(() => settle('silent'), ANSWER_TIMEOUT_MS).unref();
    const settle = (finding: Finding): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(finding);
    };
    socket.once('data', () => settle('answers'));
    // Whoever connects is told the same at once.
    socket.once('error', () => settle('gone'));
    socket.once('close', () => settle('gone'));
  });
}
