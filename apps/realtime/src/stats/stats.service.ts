import assert from 'node:assert';
import type { Figures, ServiceStatus } from '@hailstream/events/live';
import { Injectable } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import type { Totals } from '../fold/figures.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';

/** The answer to `GET /stats`. `byState` counts all devices seen, silent ones included. */
export interface Stats extends Totals, Omit<Figures, 'byState'> {
  /** The tick that the figures, the totals and the lag are of. */
  readonly asOf: number;
  /** Of the whole log, whatever the token may see. */
  readonly lagRecords: number;
  readonly recordsUnreadable: number;
  readonly status: ServiceStatus;
}

/** Answers with what the last tick counted; a read changes nothing. */
@Injectable()
export class StatsService {
  private lagRecords = 0n;

  constructor(
    private readonly city: CityState,
    private readonly metrics: RealtimeMetrics,
    private readonly rebuild: RebuildService,
  ) {}

  /** Called at each tick, after the city was advanced: lag and totals are of the same moment, so 0 means all are counted. */
  noteTick(): void {
    this.lagRecords = this.rebuild.lagRecords;
  }

  /** @throws ProblemError 503 until the city is rebuilt */
  read(filter: ProviderFilter): Stats {
    this.rebuild.requireRebuilt();
    const summary = this.city.summary(filter);
    assert.ok(summary !== null, 'a rebuilt city was advanced');
    const { asOf, figures, totals } = summary;
    return {
      asOf,
      ...figures,
      ...totals,
      lagRecords: Number(this.lagRecords),
      recordsUnreadable: this.metrics.unreadableCount,
      status: this.rebuild.status,
    };
  }
}
