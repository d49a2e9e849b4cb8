import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@hailstream/service/testing';
import { bundleBroker, runBroker, type BrokerProcess } from '../broker/broker-process.js';

/** A broker in a separate process with a temporary data directory. */
export class KillableBroker implements AsyncDisposable {
  private constructor(
    private readonly main: string,
    private readonly dataDir: string,
    private running: BrokerProcess,
    readonly address: string,
  ) {}

  static async start(): Promise<KillableBroker> {
    const main = await bundleBroker('clients');
    const dataDir = await mkdtemp(join(tmpdir(), 'hailstream-killable-'));
    const running = await launch(main, dataDir, '0');
    const address = /listening on (\S+),/.exec(running.output())?.[1] ?? '';
    return new KillableBroker(main, dataDir, running, address);
  }

  /** Sends SIGKILL and starts another process with the same data directory and port. */
  async killAndStart(): Promise<void> {
    await end(this.running);
    this.running = await launch(this.main, this.dataDir, this.address.split(':').at(-1) ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.running);
    await rm(this.dataDir, { recursive: true });
  }
}

async function launch(main: string, dataDir: string, port: string): Promise<BrokerProcess> {
  const broker = runBroker(main, ['--port', port, '--data-dir', dataDir]);
  await until(() => broker.output().includes('listening') || broker.child.exitCode !== null);
  if (broker.child.exitCode !== null) throw new Error(broker.output());
  return broker;
}

async function end({ child, exited }: BrokerProcess): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}
