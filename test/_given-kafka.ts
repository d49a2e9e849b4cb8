import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startKafka, type RunningKafka } from '@hailstream/tools/kafka';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';

/** An external log of the tested systems. */
export interface GivenKafka {
  /** In the format of `KAFKA_BROKERS`. */
  readonly brokers: string;
  /** `POST /pause`, `/resume`, `/kill`: injects a fault. `null` if the cluster was not started by this test. */
  readonly faultsUrl: string | null;
}

declare module 'vitest' {
  export interface ProvidedContext {
    givenKafka: GivenKafka;
  }
}

let kafka: RunningKafka | undefined;
let faults: Server | undefined;

/** One Apache Kafka for the run: that of `KAFKA_BROKERS`, otherwise a new one with `TEST_KAFKA_NODES` (1 or 3) brokers. */
export async function setup(project: TestProject): Promise<void> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers) {
    project.provide('givenKafka', { brokers, faultsUrl: null });
    return;
  }
  const nodes = process.env['TEST_KAFKA_NODES'] || '1';
  if (nodes !== '1' && nodes !== '3') throw new Error(`TEST_KAFKA_NODES: expected 1 or 3, got "${nodes}"`);
  kafka = await startKafka({ brokers: nodes === '1' ? 1 : 3 });
  project.provide('givenKafka', {
    brokers: kafka.addresses.join(','),
    faultsUrl: await serveFaults(kafka),
  });
}

export async function teardown(): Promise<void> {
  faults?.close();
  await kafka?.[Symbol.asyncDispose]();
}

/** Tests run in separate processes and reach the brokers of this process over HTTP. */
async function serveFaults(cluster: RunningKafka): Promise<string> {
  const everyBroker = (act: (broker: number) => void): void => cluster.addresses.forEach((_, i) => act(i));
  const actions: Readonly<Record<string, () => Promise<void> | void>> = {
    '/pause': () => everyBroker((broker) => cluster.pause(broker)),
    '/resume': () => everyBroker((broker) => cluster.resume(broker)),
    '/kill': async () => {
      await cluster.kill(0);
      await cluster.restart(0);
    },
  };
  faults = createServer((request, response) => {
    void (async () => {
      try {
        await actions[request.url ?? '']?.();
        response.writeHead(204).end();
      } catch (error) {
        response.writeHead(500).end(String(error));
      }
    })();
  });
  await new Promise<void>((done) => faults?.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(faults.address() as AddressInfo).port}`;
}
