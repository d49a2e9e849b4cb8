import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventRegistry } from '@hailstream/events';
import { createAdmin, type LogConnection } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { startPostgres } from '@hailstream/tools/postgres';
import { describe, expect, it } from 'vitest';
import { telemetryInPostgres } from './_stores.js';
import { Command, eventually, System, temporaryHome } from './_system.js';

const certificates = fileURLToPath(new URL('../libs/log/test/fixtures/tls', import.meta.url));
const logger = createLogger({ name: 'system-test', level: 'silent' });

/** Arguments of a broker that requires TLS, a client certificate and a password. */
async function demands(folder: string): Promise<string[]> {
  const users = join(folder, 'users');
  await writeFile(users, 'fleet:of taxis\n');
  const settings = {
    'listener.security.protocol': 'SASL_SSL',
    'sasl.users.file': users,
    'ssl.certificate.location': join(certificates, 'broker.crt'),
    'ssl.key.location': join(certificates, 'broker.key'),
    'ssl.client.auth': 'required',
    'ssl.ca.location': join(certificates, 'ca.crt'),
  };
  const sets = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  return ['--data-dir', join(folder, 'broker'), ...sets];
}

/** The connection that services derive from the same variables. */
async function connectionFrom(env: Readonly<Record<string, string>>): Promise<LogConnection> {
  const pem = (name: string): Promise<string> => readFile(env[name] ?? '', 'utf8');
  return {
    brokers: [env['KAFKA_BROKERS'] ?? ''],
    clientId: 'system-test',
    topicPrefix: env['LOG_TOPIC_PREFIX'] ?? '',
    ssl: {
      ca: await pem('KAFKA_SSL_CA'),
      cert: await pem('KAFKA_SSL_CERT'),
      key: await pem('KAFKA_SSL_KEY'),
    },
    sasl: {
      mechanism: 'scram-sha-512',
      username: env['KAFKA_SASL_USERNAME'] ?? '',
      password: env['KAFKA_SASL_PASSWORD'] ?? '',
    },
  };
}

describe('an external log and database', () => {
  it('are used instead of the embedded ones, with TLS and a password', async () => {
    await using home = await temporaryHome();
    await using other = await temporaryHome();
    await using postgres = await startPostgres({ dataDir: join(other.folder, 'postgres'), port: 0 });
    const broker = new Command(['broker', '--port', '0', ...(await demands(other.folder))]);
    try {
      const address = await eventually(
        'it listens',
        () => /listening on (127\.0\.0\.1:\d+)/.exec(broker.stdout)?.[1],
      );
      const env = {
        KAFKA_BROKERS: address,
        KAFKA_SSL_CA: join(certificates, 'ca.crt'),
        KAFKA_SSL_CERT: join(certificates, 'client.crt'),
        KAFKA_SSL_KEY: join(certificates, 'client.key'),
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        KAFKA_SASL_USERNAME: 'fleet',
        KAFKA_SASL_PASSWORD: 'of taxis',
        LOG_TOPICS: 'check',
        LOG_TOPIC_PREFIX: 'acme.',
        DATABASE_URL: postgres.url,
      };
      await using admin = createAdmin({ connection: await connectionFrom(env), logger });
      await admin.ensureTopics(eventRegistry.topics.map(({ name }) => ({ name, partitions: 3 })));
      await using system = await System.start(home.folder, { args: ['--vehicles', '10'], env });
      const run = await system.run();
      expect(Object.keys(run.processes).sort()).toEqual(['batch', 'driverSim', 'ingest', 'realtime']);
      expect(run).toMatchObject({ kafkaBrokers: address, databaseUrl: postgres.url });
      const token = await system.token('read');
      await eventually('events flow', async () => {
        const { count } = await system.ask<{ count: number }>('/vehicles', token);
        return count > 0;
      });
      expect(await system.command(['batch', 'run'])).toMatchObject({ code: 0 });
      expect((await telemetryInPostgres(system)).rows).toBeGreaterThan(0);
      expect(await system.stop()).toMatchObject({ code: 0 });
    } finally {
      broker.child.kill('SIGTERM');
      await broker.result;
    }
  });
});
