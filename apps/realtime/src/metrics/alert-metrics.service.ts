import type { AlertCounts, AlertRecord } from '@hailstream/events';
import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const EVALUATION_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

interface AlertFacts {
  readonly counts: AlertCounts;
  readonly isLeader: boolean;
  readonly waiting: number;
}

/** Metrics of alerts. */
@Injectable()
export class AlertMetrics {
  private readonly published: Counter<'change' | 'severity'>;
  private readonly evaluations: Histogram;
  private source: () => AlertFacts = () => ({
    counts: { open: { info: 0, warning: 0, critical: 0 }, acknowledged: 0 },
    isLeader: false,
    waiting: 0,
  });

  constructor(registry: Registry) {
    const registers = [registry];
    const facts = () => this.source();
    this.published = new Counter({
      name: 'realtime_alerts_published_total',
      help: 'Alert records that this process has written, by change and severity',
      labelNames: ['change', 'severity'],
      registers,
    });
    this.evaluations = new Histogram({
      name: 'realtime_alerts_evaluation_seconds',
      help: 'Duration of an evaluation of all rules',
      buckets: EVALUATION_BUCKETS_SECONDS,
      registers,
    });
    new Gauge({
      name: 'realtime_alerts_open',
      help: 'Alerts that are neither acknowledged nor cleared, by severity',
      labelNames: ['severity'],
      registers,
      collect() {
        for (const [severity, count] of Object.entries(facts().counts.open)) this.set({ severity }, count);
      },
    });
    new Gauge({
      name: 'realtime_alerts_acknowledged',
      help: 'Alerts that are acknowledged and not cleared',
      registers,
      collect() {
        this.set(facts().counts.acknowledged);
      },
    });
    new Gauge({
      name: 'realtime_alerts_waiting',
      help: 'Alert records that the log has not stored yet; they are retried',
      registers,
      collect() {
        this.set(facts().waiting);
      },
    });
    new Gauge({
      name: 'realtime_alerts_leader',
      help: '1 if this process evaluates the rules, 0 if another one does or none is configured',
      registers,
      collect() {
        this.set(Number(facts().isLeader));
      },
    });
  }

  /** Sets where the gauges are read from. */
  setSource(source: () => AlertFacts): void {
    this.source = source;
  }

  countPublished(records: readonly AlertRecord[]): void {
    for (const { change, severity } of records) this.published.inc({ change, severity });
  }

  observeEvaluation(ms: number): void {
    this.evaluations.observe(ms / 1_000);
  }
}
