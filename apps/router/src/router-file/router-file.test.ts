import { describe, expect, it } from 'vitest';
import { parseRouterFile, readRouterFile, RouterFileError } from './router-file.js';

const parse = (text: string) => parseRouterFile(text, 'router.yaml');

function messageOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof RouterFileError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe(parseRouterFile, () => {
  it('reads jobs and fills in the defaults', () => {
    const [job] = parse(`
jobs:
  - name: lake
    topics: [ride.telemetry, ride.trips]
    filter: vehicle_state = 'on_trip'
    sink: { type: s3, endpoint: http://127.0.0.1:7070, bucket: ride, prefix: lake/, forcePathStyle: true }
`);
    expect(job).toMatchObject({
      name: 'lake',
      topics: ['ride.telemetry', 'ride.trips'],
      sink: { type: 's3', region: 'us-east-1', format: 'ndjson.gz', partitionBy: 'event-time' },
      batching: { records: 100_000, sizeBytes: 33_554_432, intervalSeconds: 600 },
      concurrency: 2,
    });
    expect(job!.matches({ vehicle_state: 'on_trip' })).toBe(true);
    expect(job!.matches({ vehicle_state: 'available' })).toBe(false);
  });

  it('names every place that is wrong', () => {
    const text = `
jobs:
  - { name: A, topics: [], sink: { type: s3 }, interval: 5 }
  - { topics: [t], sink: { type: ftp } }
`;
    expect(messageOf(text)).toEqual([
      'router.yaml: jobs[0].interval: is unknown',
      'router.yaml: jobs[0].name: must match pattern "^[a-z0-9][a-z0-9-]{0,62}$"',
      'router.yaml: jobs[0].topics: must not have fewer than 1 items',
      'router.yaml: jobs[1].name: is required',
      'router.yaml: jobs[1].sink.type: expected one of s3, opensearch, kafka, webhook',
    ]);
  });

  it('checks the settings of the sink, the batches and the filter', () => {
    const text = `
jobs:
  - { name: a, topics: [t], sink: { type: s3, bucket: ride, prefix: lake, region: 5 }, batching: { records: 0 }, filter: 'x ==' }
`;
    expect(messageOf(text)).toEqual([
      'router.yaml: jobs[0].sink.region: must be string',
      'router.yaml: jobs[0].sink.prefix: must match pattern "^$|/$"',
      'router.yaml: jobs[0].batching.records: must be >= 1',
      'router.yaml: jobs[0].filter: expected a value, got "="',
    ]);
  });

  it.each(['{topic}-{yyyy.MM.dd}', 'ride-{yyyy}', 'events'])('reads the index name %s', (index) => {
    const sink = JSON.stringify({ type: 'opensearch', url: 'http://127.0.0.1:9200', index });
    expect(parse(`jobs: [{ name: a, topics: [t], sink: ${sink} }]`)[0]).toMatchObject({ sink: { index } });
  });

  it.each(['{day}', 'Ride', '-ride', 'a b', '{yyyy.dd}', 'a*'])('refuses the index name %s', (index) => {
    const sink = JSON.stringify({ type: 'opensearch', url: 'http://127.0.0.1:9200', index });
    expect(messageOf(`jobs: [{ name: a, topics: [t], sink: ${sink} }]`)).toEqual([
      expect.stringContaining('router.yaml: jobs[0].sink.index: must match pattern'),
    ]);
  });

  it.each([
    [
      'two jobs of one name',
      'jobs: [&a { name: a, topics: [t], sink: { type: s3, bucket: ride } }, *a]',
      'two jobs have the name "a"',
    ],
    ['text that is not YAML', 'jobs: [', 'Flow sequence'],
    ['an empty file', '', 'jobs: is required'],
    ['another document', '5', 'the file: must be object'],
  ])('refuses %s', (_, text, message) => {
    expect(messageOf(text).join('\n')).toContain(message);
  });

  it('names a file that it cannot read', () => {
    expect(() => readRouterFile('/nowhere/router.yaml')).toThrow('/nowhere/router.yaml: ENOENT');
  });
});
