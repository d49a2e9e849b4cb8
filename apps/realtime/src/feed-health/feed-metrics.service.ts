import { Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import type { FeedHealth } from '@hailstream/events/feeds';
import { FeedsService } from '../feeds/feeds.service.js';

/** Maximum number of providers in metrics: those with the most events in the last minute. */
const MAX_PROVIDERS = 50;

/** Metrics of the feeds, as of the scrape. */
@Injectable()
export class FeedMetrics {
  constructor(registry: Registry, feeds: FeedsService) {
    const busiest = (): readonly FeedHealth[] =>
      feeds
        .list(null)
        .feeds.toSorted((one, other) => other.windows[0]!.events - one.windows[0]!.events)
        .slice(0, MAX_PROVIDERS);
    gauge(registry, {
      name: 'realtime_feed_events_per_second',
      help: 'Events of a provider in the last minute, for the 50 providers with the most',
      labels: ['provider', 'topic'],
      values: () =>
        busiest().flatMap(({ provider_id: provider, windows }) =>
          Object.entries(windows[0]!.eventsPerSecond).map(
            ([topic, value]) => [{ provider, topic }, value] as const,
          ),
        ),
    });
    gauge(registry, {
      name: 'realtime_feed_lateness_seconds',
      help: 'Time from the event to its receipt in the last minute, by provider and quantile',
      labels: ['provider', 'quantile'],
      values: () =>
        busiest().flatMap(({ provider_id: provider, windows }) => {
          const { p50, p99 } = windows[0]!.lateness;
          if (p50 === null || p99 === null) return [];
          return [
            [{ provider, quantile: '0.5' }, p50 / 1_000],
            [{ provider, quantile: '0.99' }, p99 / 1_000],
          ] as const;
        }),
    });
    gauge(registry, {
      name: 'realtime_feed_rejected_ratio',
      help: 'Share of the items of a provider that ingest rejected in the last 15 minutes',
      labels: ['provider'],
      values: () =>
        busiest().flatMap(({ provider_id: provider, windows }) => {
          const { rejectedShare } = windows[1]!;
          return rejectedShare === null ? [] : [[{ provider }, rejectedShare] as const];
        }),
    });
    gauge(registry, {
      name: 'realtime_feed_findings',
      help: 'What is wrong with the feed of a provider: 1 for each finding, by severity',
      labels: ['provider', 'finding', 'severity'],
      values: () =>
        busiest().flatMap(({ provider_id: provider, findings }) =>
          findings.map(({ finding, severity }) => [{ provider, finding, severity }, 1] as const),
        ),
    });
  }
}

function gauge<Label extends string>(
  registry: Registry,
  of: {
    readonly name: string;
    readonly help: string;
    readonly labels: readonly Label[];
    readonly values: () => readonly (readonly [Readonly<Record<Label, string>>, number])[];
  },
): void {
  new Gauge({
    name: of.name,
    help: of.help,
    labelNames: [...of.labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of of.values()) this.set(labels, value);
    },
  });
}
