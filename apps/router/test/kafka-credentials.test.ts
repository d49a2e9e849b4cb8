import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { createAdmin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRouterFile } from '../src/router-file/router-file.js';
import { appendPoints, connectionTo, run, silent, TELEMETRY } from './_util.js';

describe('a target that requires SASL', () => {
  const sasl = { mechanism: 'scram-sha-512', username: 'mirror', password: 'a password' } as const;
  let folder: string;
  let source: TestBroker;
  let target: TestBroker;

  beforeAll(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-users-'));
    const users = path.join(folder, 'users');
    await fs.writeFile(users, `${sasl.username}:${sasl.password}\n`);
    source = await startTestBroker();
    target = await startTestBroker({
      settings: {
        'listener.security.protocol': 'SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'sasl.users.file': users,
      },
    });
    await appendPoints(source, [{}, {}, {}]);
  });

  afterAll(async () => {
    await source?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
    await fs.rm(folder, { recursive: true });
  });

  function mirrorJob(name: string) {
    const sink = { type: 'kafka', brokers: [target.address] };
    return parseRouterFile(JSON.stringify({ jobs: [{ name, topics: [TELEMETRY], sink }] }), 'router.yaml');
  }

  it('receives the records with the credentials of the environment', async () => {
    const { jobs } = await run(source, mirrorJob('known'), { credentials: { targetKafka: { sasl } } });
    expect(jobs['known']).toMatchObject({ delivered: 3 });
    await using admin = createAdmin({
      connection: { ...connectionTo(target), sasl },
      logger: silent,
    });
    expect((await admin.offsets(TELEMETRY)).size).toBe(12);
  });

  it('is a failure of the job if the password is wrong', async () => {
    const wrong = { ...sasl, password: 'another password' };
    await expect(
      run(source, mirrorJob('refused'), {
        credentials: { targetKafka: { sasl: wrong } },
        stallTimeoutMs: 2_000,
      }),
    ).rejects.toThrow(/SASL.*authentication failed/);
  });
});
