import { basename } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { files, read } from './repository-files.js';

/** Dashboards and alerts use only existing metrics: a renamed metric would be an empty panel without any error. */

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly {
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboards = files
  .filter((file) => file.startsWith('docker/observability/dashboards/'))
  .map((file) => [basename(file), JSON.parse(read(file)) as Dashboard] as const);

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
}
const alerts = (
  parse(read('docker/observability/alerts.yml')) as { groups: { rules: Alert[] }[] }
).groups.flatMap(({ rules }) => rules);

const expressions = [
  ...dashboards.flatMap(([file, { panels }]) =>
    panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: `${file}: ${title}`, expr }))),
  ),
  ...alerts.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
];

/** Metrics of kafka-exporter, from its documentation, and those that Prometheus adds. */
const NOT_OURS: Readonly<Record<string, readonly string[]>> = {
  kafka_brokers: [],
  kafka_topic_partition_current_offset: ['topic', 'partition'],
  kafka_topic_partition_oldest_offset: ['topic', 'partition'],
  kafka_topic_partition_under_replicated_partition: ['topic', 'partition'],
  up: [],
};

/** Every metric of the services with its labels, from the sources and from prom-client's default metrics. */
async function knownMetrics(): Promise<Map<string, ReadonlySet<string>>> {
  const known = new Map<string, ReadonlySet<string>>();
  const add = (name: string, type: string, labels: readonly string[]): void => {
    const all = new Set([...labels, 'job', 'instance']);
    if (type !== 'Histogram') known.set(name, all);
    else for (const part of ['bucket', 'sum', 'count']) known.set(`${name}_${part}`, new Set([...all, 'le']));
  };
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    add(name, String(type) === 'histogram' ? 'Histogram' : 'Gauge', []);
  }
  for (const source of sources()) {
    for (const [, type = '', body = ''] of source.matchAll(/new (Counter|Gauge|Histogram)\(\{(.*?)\}\)/gs)) {
      const name = /name: '(\w+)'/.exec(body)?.[1];
      const labels = [...(/labelNames: \[(.*?)\]/.exec(body)?.[1] ?? '').matchAll(/'(\w+)'/g)];
      if (name !== undefined)
        add(
          name,
          type,
          labels.map(([, label]) => label!),
        );
    }
  }
  for (const [name, labels] of Object.entries(NOT_OURS)) add(name, 'Gauge', labels);
  return known;
}

function sources(): string[] {
  return files
    .filter((file) => /^(?:apps|libs)\/[^/]+\/src\/.*\.ts$/.test(file) && !file.endsWith('.test.ts'))
    .map(read);
}

/** The metrics of an expression, with the labels of their selectors. */
function selectedMetrics(expr: string): { metric: string; labels: string[] }[] {
  const withoutGrouping = expr.replaceAll(/\b(by|without|on)\s*\([^)]*\)/g, '');
  return [...withoutGrouping.matchAll(/\b([a-z][a-z0-9_]*)\b(?!\s*\()(?:\{([^}]*)\})?/g)]
    .filter(([, name = '']) => name.includes('_') || name === 'up')
    .filter(([match]) => !withoutGrouping.includes(`="${match}`))
    .map(([, metric = '', picked = '']) => ({
      metric,
      labels: [...picked.matchAll(/(\w+)=/g)].map(([, label]) => label!),
    }));
}

describe('metrics', async () => {
  const known = await knownMetrics();

  it('are found in the sources', () => {
    expect([...known.keys()]).toEqual(
      expect.arrayContaining([
        'ingest_events_total',
        'batch_lag_records',
        'realtime_visible_latency_seconds_bucket',
        'http_request_duration_seconds_count',
        'process_cpu_seconds_total',
      ]),
    );
  });

  it.each(expressions)('of "$where" exist', ({ expr }) => {
    const selected = selectedMetrics(expr);
    expect(selected.length).toBeGreaterThan(0);
    expect(selected.filter(({ metric }) => !known.has(metric))).toEqual([]);
    for (const { metric, labels } of selected) {
      expect(labels.filter((label) => known.get(metric)?.has(label) !== true)).toEqual([]);
    }
    const grouped = [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = '']) =>
      labels.split(/,\s*/),
    );
    const labelled = new Set(selected.flatMap(({ metric }) => [...(known.get(metric) ?? [])]));
    expect(grouped.filter((label) => !labelled.has(label))).toEqual([]);
  });

  it('are documented in docs/operate.md, and so are the alerts', () => {
    const text = read('docs/operate.md');
    const documented = [...known.keys()]
      .filter((name) => /^(ingest|realtime|batch|router|driver_sim|http_request)_/.test(name))
      .map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(documented.length).toBeGreaterThan(15);
    expect([...new Set(documented)].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    expect(alerts.filter(({ alert }) => !text.includes(`\`${alert}\``)).map(({ alert }) => alert)).toEqual(
      [],
    );
  });
});

describe('dashboards', () => {
  it.each(dashboards)('%s has its name as uid, and panels that do not overlap', (file, { uid, panels }) => {
    expect(uid).toBe(`hailstream-${file.replace('.json', '')}`);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)}/${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('exist for each component', () => {
    expect(dashboards.map(([file]) => file).toSorted()).toEqual([
      'batch.json',
      'ingest.json',
      'lag.json',
      'log.json',
      'realtime.json',
      'router.json',
    ]);
  });
});
