import { createServer, type AddressInfo } from 'node:net';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/client/index.js';
import { UnresponsiveBrokers } from '../../src/client/kafkajs/unresponsive-brokers.js';
import { startTestBroker } from '../../src/testing.js';
import { startSecuredBroker } from '../broker/secured-broker.js';
import { append, Bench, logger, record, silentServer } from './_util.js';

const connectionTo = (...brokers: string[]) => ({ brokers, clientId: 'test' });

/** A port without a listener. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

describe('UnresponsiveBrokers', () => {
  it('detects a broker that accepts connections and does not respond, and notifies all listeners', async () => {
    await using server = await silentServer();
    const connection = connectionTo(server.address);
    const unresponsiveBrokers = UnresponsiveBrokers.of(connection);
    const reported: string[] = [];
    const stops = [1, 2].map(() =>
      unresponsiveBrokers.onUnresponsive((address) => void reported.push(address)),
    );
    unresponsiveBrokers.probe(server.address);
    unresponsiveBrokers.probe(server.address);
    await until(() => reported.length > 0);
    expect(reported).toEqual([server.address, server.address]);
    expect(UnresponsiveBrokers.of(connection).isUnresponsive(server.address)).toBe(true);
    for (const stop of stops) stop();
    await until(() => !unresponsiveBrokers.isUnresponsive(server.address));
  });

  it.each([
    ['answers', async () => startTestBroker()],
    ['responds and requires authentication', async () => startSecuredBroker()],
    ['is down', async () => ({ address: await freeAddress(), [Symbol.asyncDispose]: async () => {} })],
  ])('does not suspect a broker that %s', async (_, make) => {
    await using broker = await make();
    const unresponsiveBrokers = UnresponsiveBrokers.of(connectionTo(broker.address));
    await using server = await silentServer();
    const reported: string[] = [];
    const stop = unresponsiveBrokers.onUnresponsive((address) => void reported.push(address));
    unresponsiveBrokers.probe(broker.address);
    // Probed after the other one, for as long as its detection takes.
    unresponsiveBrokers.probe(server.address);
    await until(() => reported.length > 0);
    expect(reported).toEqual([server.address]);
    expect(unresponsiveBrokers.isUnresponsive(broker.address)).toBe(false);
    stop();
  });
});

describe('a client', () => {
  it('treats an unresponsive broker as down until it responds', async () => {
    await using broker = await startTestBroker();
    const connection = connectionTo(broker.address);
    await using admin = createAdmin({ connection, logger });
    expect(await admin.ping()).toBe(true);
    await broker.kill();
    const silent = await silentServer(broker.port);
    await until(async () => {
      expect(await admin.ping()).toBe(false);
      return UnresponsiveBrokers.of(connection).isUnresponsive(broker.address);
    });
    await expect(admin.offsets('any')).rejects.toThrow(/is unresponsive/);
    await silent[Symbol.asyncDispose]();
    await broker.restart();
    await until(() => admin.ping());
    expect(UnresponsiveBrokers.of(connection).isUnresponsive(broker.address)).toBe(false);
  });

  it('finds the one available broker among unavailable ones', async () => {
    await using bench = await Bench.start();
    const brokers = [await freeAddress(), await freeAddress(), await freeAddress(), bench.broker.address];
    const topic = await bench.topic(1);
    const producer = bench.producer({ connection: connectionTo(...brokers), deliveryTimeoutMs: 30_000 });
    await append(producer, [record(topic, 'k', 'v')]);
    expect(await bench.read(topic)).toEqual(['k:v']);
  });
});
