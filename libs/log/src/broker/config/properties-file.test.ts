import { describe, expect, it } from 'vitest';
import { parseProperties, readProperties } from './properties-file.js';

describe(parseProperties, () => {
  it('reads the format of Kafka', () => {
    const text = [
      '# a comment',
      '! another',
      '',
      'num.partitions=3',
      '  log.retention.hours = 24  ',
      'broker.rack: a=b',
      'log.cleanup.policy delete',
      'listeners=SASL_SSL://127.0.0.1:9092,\\',
      '    CONTROLLER://127.0.0.1:9093',
      'sasl.users.file=C:\\\\users',
      'num.partitions=4\r',
      'log.dirs=',
    ].join('\n');
    expect(parseProperties(text, 'f')).toEqual({
      'num.partitions': '4',
      'log.retention.hours': '24',
      'broker.rack': 'a=b',
      'log.cleanup.policy': 'delete',
      listeners: 'SASL_SSL://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
      'sasl.users.file': 'C:\\users',
      'log.dirs': '',
    });
  });

  it('reports an invalid line', () => {
    expect(() => parseProperties('num.partitions=3\n\nlisteners', 'server.properties')).toThrow(
      "server.properties:3 must be name=value, got 'listeners'",
    );
  });
});

describe(readProperties, () => {
  it('reports a file that cannot be read', () => {
    expect(() => readProperties('/no/such/file')).toThrow(/^cannot read \/no\/such\/file: ENOENT/);
  });
});
