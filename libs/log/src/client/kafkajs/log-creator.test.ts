import { logLevel } from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { kafkajsLogCreator } from './log-creator.js';

function levelOf(level: logLevel, message: string): string {
  const lines: string[] = [];
  const logger = pino(
    { level: 'debug', formatters: { level: (label) => ({ level: label }) } },
    {
      write: (line: string) => lines.push(line),
    },
  );
  const log = kafkajsLogCreator(logger)(logLevel.DEBUG);
  log({ namespace: 'Consumer', level, label: '', log: { message, timestamp: '', logger: 'kafkajs' } });
  return lines.map((line) => (JSON.parse(line) as { level: string }).level).join();
}

describe('kafkajsLogCreator', () => {
  it.each([
    [logLevel.ERROR, 'Connection error: connect ECONNREFUSED', 'debug'],
    [logLevel.ERROR, 'Request ApiVersions(key: 18, version: 2) timed out', 'debug'],
    [logLevel.ERROR, 'Failed to connect: 10.0.0.1:9092 does not answer', 'debug'],
    [logLevel.ERROR, 'Offset out of range, resetting to default offset', 'warn'],
    [logLevel.ERROR, 'an unknown message', 'warn'],
    [logLevel.INFO, 'Consumer has joined the group', 'debug'],
  ])('logs at level %i: %s', (level, message, expected) => {
    expect(levelOf(level, message)).toBe(expected);
  });
});
