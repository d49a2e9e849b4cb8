import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Experience } from '../../../harness/report.js';
import type { NeighbourLoad, SentEvents } from '../../../load/neighbour.js';
import { NEIGHBOUR, type Target } from './target.js';

const script = fileURLToPath(new URL('../../../load/neighbour.js', import.meta.url));

/** What the neighbour does; by default it sends 20 events a second, each in a request, and has a page open. */
type Activity = Pick<
  NeighbourLoad,
  'requestsPerSecond' | 'eventsPerRequest' | 'vehicles' | 'pages' | 'readsPerSecond'
>;
const DEFAULT_ACTIVITY: Activity = {
  requestsPerSecond: 20,
  eventsPerRequest: 1,
  vehicles: 20,
  pages: 1,
  readsPerSecond: 0,
};

/** A provider that is not hostile: sends events and has a page open, in a process of its own. */
export class Neighbour implements AsyncDisposable {
  private readonly exited: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
  }

  static async start(target: Target, activity = DEFAULT_ACTIVITY): Promise<Neighbour> {
    const [writeToken, readToken] = await Promise.all([
      target.token({ scopes: ['write'], providerId: NEIGHBOUR }),
      target.token({ scopes: ['read'], providerId: NEIGHBOUR }),
    ]);
    const load: NeighbourLoad = {
      ingestUrl: target.ingest.url,
      realtimeUrl: target.realtime.url,
      providerId: NEIGHBOUR,
      writeToken,
      readToken,
      ...activity,
    };
    return new Neighbour(fork(script, [JSON.stringify(load)]));
  }

  /** What it experiences until the work is done. */
  async during(work: () => Promise<unknown>): Promise<Experience> {
    this.child.send('begin');
    await work();
    return this.ask<Experience>('end');
  }

  /** It sends nothing more. Resolves once all of its requests are acknowledged. */
  stop(): Promise<SentEvents> {
    return this.ask<SentEvents>('stop');
  }

  private async ask<T>(message: string): Promise<T> {
    const exited = this.exited.then(() => {
      throw new Error('the provider next to the attacks has ended');
    });
    const answer = once(this.child, 'message').then(([value]) => value as T);
    this.child.send(message);
    return Promise.race([answer, exited]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill();
    await this.exited;
  }
}
