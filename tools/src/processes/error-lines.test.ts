import { describe, expect, it } from 'vitest';
import { errorMessage } from './error-lines.js';

describe('errorMessage', () => {
  it.each([
    [
      '{"level":"error","msg":"the load failed","err":{"message":"connection refused"}}',
      'the load failed: connection refused',
    ],
    ['{"level":50,"msg":"disk full"}', 'disk full'],
    ['{"level":"fatal","err":{"message":"out of memory"}}', 'out of memory'],
  ])('tells %s', (line, message) => {
    expect(errorMessage(line)).toBe(message);
  });

  it.each([
    '{"level":"info","msg":"loaded"}',
    '{"level":40,"msg":"healed"}',
    '{"level":"info","msg":"the body has \\"level\\":50"}',
    'listening on 127.0.0.1:9092',
    '{"level":"error","msg":"cut',
  ])('ignores %s', (line) => {
    expect(errorMessage(line)).toBeUndefined();
  });
});
