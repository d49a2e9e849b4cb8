import { describe, expect, it } from 'vitest';
import { BROKER_SETTINGS } from '../../src/broker/config/settings/broker-settings.js';
import { WITHOUT_EFFECT, UNSUPPORTED } from '../../src/broker/config/settings/foreign-settings.js';
import type { SettingDefinition } from '../../src/broker/config/settings/settings.js';
import {
  TOPIC_SETTINGS,
  type TopicSettingDefinition,
} from '../../src/broker/config/settings/topic-settings.js';
import { BrokerMetrics } from '../../src/broker/monitoring/broker-metrics.js';
import { HANDLERS } from '../../src/broker/handlers/index.js';

/** Pages that are generated from the code. `vitest run libs/log/test/broker/pages.test.ts -u` writes them. */
const page = (name: string) => new URL(`../../${name}`, import.meta.url).pathname;

/** A table in the format of Prettier. */
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
  it('has every supported API with its versions', async () => {
    const rows = [...HANDLERS.values()]
      .sort((a, b) => a.apiKey - b.apiKey)
      .map(({ apiKey, name, minVersion, maxVersion, flexibleFrom }) => [
        String(apiKey),
        name,
        `${minVersion}–${maxVersion}`,
        flexibleFrom <= maxVersion ? `${flexibleFrom}` : 'none',
      ]);
    const text = `# Supported APIs of the embedded broker

The APIs of [Kafka's protocol](https://kafka.apache.org/protocol#protocol_api_keys) that \`ApiVersions\` returns. Unsupported APIs, and
differences from Kafka, are in [UNSUPPORTED.md](UNSUPPORTED.md).

${table(['key', 'API', 'versions', 'flexible from'], rows)}
`;
    await expect(text).toMatchFileSnapshot(page('SUPPORTED.md'));
  });
});

/** A metric of prom-client. */
interface Registered {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

describe('METRICS.md', () => {
  it('has every metric of the broker', async () => {
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

With \`--metrics-port PORT\` (the setting \`metrics.port\`) the broker serves these metrics and those of the process on 127.0.0.1 at
\`/metrics\`, in the format of Prometheus. On the same port, \`/health/live\` returns 200 while the process responds, and \`/health/ready\` returns
503 with the reason while the log is being loaded or writes to the disk fail. Requests whose \`Host\` is not a loopback address or
\`localhost\` are refused.

${table(['metric', 'type', 'labels', 'description'], rows)}
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
  it('has every supported setting, and why others are not supported', async () => {
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
    const foreign = (groups: typeof UNSUPPORTED) =>
      groups.map(({ names, because }) => [names.map(code).join(' '), because]);
    const text = `# Settings of the embedded broker

Settings have Kafka's names. They are set with \`--set NAME=VALUE\`, or with \`--config FILE\` in the format of Kafka's \`server.properties\`. The
broker does not start with an unknown setting, and suggests the most similar one.

## Broker settings

Alterable settings can be changed at run time (\`AlterConfigs\`, \`kafka-configs.sh\`), for this broker by its id or as a default for all brokers.
Changes take effect immediately and are persistent.

${table(['setting', 'type', 'default', 'values', 'alterable', 'description'], broker)}

## Topic settings

The default of a topic setting is the broker setting.

${table(['setting', 'default', 'values', 'without effect because'], topic)}

## Kafka settings without effect

${table(['setting', 'reason'], foreign(WITHOUT_EFFECT))}

## Unsupported Kafka settings

The broker does not start with one of these.

${table(['setting', 'reason'], foreign(UNSUPPORTED))}
`;
    await expect(text).toMatchFileSnapshot(page('SETTINGS.md'));
  });
});
