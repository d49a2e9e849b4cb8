import { Writable } from 'node:stream';
import { createLogger } from '@hailstream/service/logging';
import { describe, expect, it } from 'vitest';
import { NestLogger } from './nest-logger.js';

function recorder(level: string): { logger: NestLogger; lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const logger = new NestLogger(createLogger({ name: 'test', level }, destination));
  return { logger, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe(NestLogger, () => {
  it('writes JSON with level, time and component', () => {
    const { logger, lines } = recorder('info');
    logger.log('started', 'NestApplication');
    expect(lines()).toMatchObject([
      {
        level: 'info',
        name: 'test',
        component: 'NestApplication',
        msg: 'started',
        time: expect.stringMatching(/Z$/),
      },
    ]);
  });

  it('keeps the stack of an error', () => {
    const { logger, lines } = recorder('info');
    logger.error(new Error('broken'), 'IngestService');
    logger.error('broken', 'Error: broken\n    at send', 'IngestService');
    expect(lines()).toMatchObject([
      { level: 'error', component: 'IngestService', err: { message: 'broken', stack: expect.any(String) } },
      { level: 'error', component: 'IngestService', msg: 'broken', details: ['Error: broken\n    at send'] },
    ]);
  });

  it('logs routes only at level debug', () => {
    const quiet = recorder('info');
    quiet.logger.log('Mapped {/telemetry, POST} route', 'RouterExplorer');
    expect(quiet.lines()).toEqual([]);
    const verbose = recorder('debug');
    verbose.logger.log('Mapped {/telemetry, POST} route', 'RouterExplorer');
    expect(verbose.lines()).toHaveLength(1);
  });
});
