import { describe, expect, it } from 'vitest';
import { parseEvent } from '../event.js';
import { EventOutput } from '../event-output.js';
import { toBulkOperation, writeOperation } from './document.js';
import { IndexNames } from './index-name.js';

const names = new IndexNames('points-{yyyy.MM.dd}');

/** The two lines that store an event of a topic without a family, received at the given time. */
function linesOf(json: string, timestampMs = Date.UTC(2026, 2, 1)): string[] {
  const value = Buffer.from(json);
  const record = { offset: 7n, key: null, value, headers: {}, timestampMs };
  const output = new EventOutput(1);
  const place = { topic: 'points', partition: 3 };
  writeOperation(output, toBulkOperation({ record, event: parseEvent(value) }, place, names));
  return output.bytes().toString('utf8').split('\n');
}

describe(toBulkOperation, () => {
  it('keeps the text of the event, and adds its time and point', () => {
    const [action = '', document, rest] = linesOf('{"digits": 1.00, "location":{"lat":1.5,"lng":-2}}');
    expect(JSON.parse(action)).toEqual({
      index: {
        _index: 'points-2026.03.01',
        _id: 'points-3-7',
        version: Number.MAX_SAFE_INTEGER - 7,
        version_type: 'external',
      },
    });
    expect(document).toBe(
      '{"digits": 1.00, "location":{"lat":1.5,"lng":-2},"@timestamp":"2026-03-01T00:00:00.000Z","point":{"lat":1.5,"lon":-2}}',
    );
    expect(rest).toBe('');
  });

  it('replaces the fields of the event that have the names of its own', () => {
    const [, document = ''] = linesOf('{"@timestamp":1,"point":2,"location":{"lat":1,"lng":2},"a":"é"}');
    expect(document.match(/@timestamp|point/g)).toHaveLength(2);
    expect(JSON.parse(document)).toMatchObject({ a: 'é', point: { lat: 1, lon: 2 } });
  });

  it('keeps a field named point if the event has no location', () => {
    expect(JSON.parse(linesOf('{"point":2}')[1] ?? '')).toMatchObject({ point: 2 });
  });

  it('names the index of each day', () => {
    const dayMs = 86_400_000;
    const actions = [0, dayMs - 1, dayMs, 0].map((timeMs) => linesOf('{}', timeMs)[0] ?? '');
    expect(actions.map((action) => /points-\d{4}[\d.]+/.exec(action)?.[0])).toEqual([
      'points-1970.01.01',
      'points-1970.01.01',
      'points-1970.01.02',
      'points-1970.01.01',
    ]);
  });
});
