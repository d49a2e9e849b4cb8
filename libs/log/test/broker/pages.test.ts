import { describe, expect, it } from 'vitest';
import { BROKER_SETTINGS } from '../../src/broker/config/broker-settings.js';
import { PASSED_OVER, REFUSED } from '../../src/broker/config/foreign-settings.js';
import type { SettingDefinition } from '../../src/broker/config/settings.js';
import { TOPIC_SETTINGS, type TopicSettingDefinition } from '../../src/broker/config/topic-settings.js';
import { BrokerMetrics } from '../../src/broker/monitoring/broker-metrics.js';
import { HANDLERS } from '../../src/broker/handlers/index.js';

/** Generated pages. `vitest run libs/log/test/broker/pages.test.ts -u` regenerates them. */
const page = (name: string) => new URL(`../../${name}`, import.meta.url).pathname;

/** A table in Prettier's format. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, i) => Math.max(...escaped.map((row) => (row[i] as string).length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] as number)).join(' | ')} |`;
  const [first, ...others] = escaped as [string[], ...string[][]];
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
}

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

describe('SUPPORTED.md', () => {
  it('lists every supported API with its versions', async () => {
    const rows = [...HANDLERS.values()]
      .sort((a, b) => a.apiKey - b.apiKey)
      .map(({ apiKey, name, minVersion, maxVersion, flexibleFrom }) => [
        String(apiKey),
        name,
        `${minVersion}–${maxVersion}`,
        flexibleFrom <= maxVersion ? `${flexibleFrom}` : 'none',
      ]);
    const text = `# What the embedded broker serves

By API key of [Kafka's protocol](https://kafka.apache.org/protocol#protocol_api_keys), as \`ApiVersions\` tells it to clients. What is not
served, or with less than Kafka's, is in [UNSUPPORTED.md](UNSUPPORTED.md).

${table(['key', 'API', 'versions', 'flexible from'], rows)}
`;
    await expect(text).toMatchFileSnapshot(page('SUPPORTED.md'));
  });
});

/** A metric in prom-client's format. */
interface Registered {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

describe('METRICS.md', () => {
  it('lists every metric of the broker', async () => {
    const metrics = new BrokerMetrics();
    metrics.meter();
    const registered = metrics.registry.getMetricsAsArray() as unknown as Registered[];
    const rows = registered
      .filter(({ name }) => name.startsWith('broker_'))
      .map(({ name, help, labelNames, constructor }) => [
        code(name),
        constructor.name.toLowerCase(),
        labelNames.map(code).join(', '),
        help,
      ])
      .sort(([a = ''], [b = '']) => a.localeCompare(b));
    const text = `# Metrics of the embedded broker

\`--metrics-port PORT\` (the setting \`metrics.port\`) serves them on 127.0.0.1 at \`/metrics\`, for Prometheus, together with those of the process.
Beside them are \`/health/live\` (200 while the process answers) and \`/health/ready\` (503 with the reason while the log is being read, or the
disk does not take what is written).

${table(['metric', 'type', 'labels', 'what it says'], rows)}
`;
    await expect(text).toMatchFileSnapshot(page('METRICS.md'));
  });
});

function rangeOf({ oneOf, min, max }: Pick<SettingDefinition, 'oneOf' | 'min' | 'max'>): string {
  if (oneOf !== undefined) return oneOf.map(code).join(', ');
  if (min === undefined) return '';
  return max === undefined ? `≥ ${min}` : `${min}–${max}`;
}

describe('SETTINGS.md', () => {
  it('lists every supported setting, and why others are not supported', async () => {
    const broker = Object.entries<SettingDefinition>(BROKER_SETTINGS).map(([name, definition]) => [
      code(name),
      definition.type,
      code(definition.default),
      rangeOf(definition),
      definition.readOnly ? '' : 'yes',
      definition.about,
    ]);
    const topic = Object.entries<TopicSettingDefinition>(TOPIC_SETTINGS).map(([name, definition]) => [
      code(name),
      'broker' in definition ? code(definition.broker) : code(definition.default),
      rangeOf(definition),
      'broker' in definition ? '' : definition.about,
    ]);
    const foreign = (groups: typeof REFUSED) =>
      groups.map(({ names, because }) => [names.map(code).join(' '), because]);
    const text = `# Settings of the embedded broker

By Kafka's own names: \`--set NAME=VALUE\`, or \`--config FILE\` in the form of Kafka's \`server.properties\`. A name that neither this broker nor
Kafka has ends the start with the one that may be meant.

## Of the broker

What can be altered while it runs (\`AlterConfigs\`, \`kafka-configs.sh\`) holds at once and after restarts; for this broker by its id, or for all
brokers beneath that.

${table(['setting', 'type', 'default', 'values', 'alterable', 'what it does'], broker)}

## Of topics

Where a topic does not say, the broker's setting holds.

${table(['setting', 'default', 'values', 'without effect here'], topic)}

## Kafka's that are taken and need no heed

${table(['setting', 'why'], foreign(PASSED_OVER))}

## Kafka's that are refused

${table(['setting', 'why'], foreign(REFUSED))}
`;
    await expect(text).toMatchFileSnapshot(page('SETTINGS.md'));
  });
});
