import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Experience } from '../../harness/report.js';
import { NEIGHBOUR, type Target } from './target/target.js';

const script = fileURLToPath(new URL('../../load/neighbour.js', import.meta.url));

/** A provider that is not hostile: sends events and has a page open, in a process of its own. */
export class Neighbour implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async start(target: Target): Promise<Neighbour> {
    const [writeToken, readToken] = await Promise.all([
      target.token({ scopes: ['write'], providerId: NEIGHBOUR }),
      target.token({ scopes: ['read'], providerId: NEIGHBOUR }),
    ]);
    const child = fork(script, [target.ingest.url, target.realtime.url, NEIGHBOUR, writeToken, readToken]);
    return new Neighbour(child);
  }

  /** What it experiences until the work is done. */
  async during(work: () => Promise<unknown>): Promise<Experience> {
    this.child.send('begin');
    await work();
    const answer = once(this.child, 'message');
    this.child.send('end');
    const [experience] = (await answer) as [Experience];
    return experience;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill();
    await exited;
  }
}
