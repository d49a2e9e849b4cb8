import { performance } from 'node:perf_hooks';
import type { StatusMessage, VehicleQuery, ViewportRequest } from '@hailstream/events/live';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import type { LiveLimits } from '../limits/live-limits.js';
import { FoldService } from '../log/fold.service.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { LiveMetrics } from '../metrics/live-metrics.service.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import { StatsService } from '../stats/stats.service.js';
import { Broadcaster } from './broadcaster.js';
import type { Client, SendToRoom } from './client.js';
import { HANDSHAKES, LIVE_LIMITS, TICK_MS } from './live.tokens.js';
import type { Turnstile } from './turnstile.js';

/** Time between the parts that are sent to clients between ticks. */
const PARTS_INTERVAL_MS = 50;

/** How often data that is too old is dropped. */
const FORGET_EVERY_MS = 60_000;

/** Trips, and pasts of vehicles, per provider and tick that are decoded after a restart, which takes some milliseconds. */
const DECODED_PER_TICK = 1_000;

/** How often the number of unreadable records is sent to pages, if it changed. */
const UNREADABLE_INTERVAL_MS = 5_000;

/** How long after the last unreadable record pages mention it. */
const UNREADABLE_SHOWN_MS = 600_000;

/**
 * The tick: advances the city, then sends pages what changed. Until the city is rebuilt, pages are sent only the status,
 * because the city is incomplete.
 */
@Injectable()
export class LiveService implements OnModuleDestroy {
  private broadcaster: Broadcaster | null = null;
  private readonly roomSenders: SendToRoom[] = [];
  private timer: NodeJS.Timeout | null = null;
  private readonly logger: Logger;
  private partsTimer: NodeJS.Timeout | null = null;
  private forgotAt = 0;
  private sockets = 0;
  private announced = '';
  private unreadable: StatusMessage['unreadable'] = { count: 0, lastAt: null };
  private unreadableUpdatedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly city: CityState,
    private readonly foldService: FoldService,
    private readonly metrics: RealtimeMetrics,
    private readonly rebuild: RebuildService,
    private readonly stats: StatsService,
    private readonly liveMetrics: LiveMetrics,
    @Inject(TICK_MS) private readonly tickMs: number,
    @Inject(LIVE_LIMITS) private readonly limits: LiveLimits,
    @Inject(HANDSHAKES) private readonly handshakes: Turnstile,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'live' });
  }

  /** Starts the ticks. */
  start(sendToRoom: SendToRoom): void {
    this.addRooms(sendToRoom);
    const sendToRooms: SendToRoom = (...message) => {
      for (const send of this.roomSenders) send(...message);
    };
    const { limits } = this;
    this.broadcaster = new Broadcaster(this.city, sendToRooms, this.tickMs, { limits });
    this.rebuild.onComplete = () => this.tickNow();
    this.schedule(performance.now() + this.tickMs);
  }

  /** The first tick of a complete city, for which pages and the readiness check wait. The next ones follow from there. */
  private tickNow(): void {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.tick();
    this.schedule(performance.now() + this.tickMs);
  }

  /** Messages to rooms are also passed to this function, which has clients of its kind. */
  addRooms(sendToRoom: SendToRoom): void {
    this.roomSenders.push(sendToRoom);
  }

  get socketCount(): number {
    return this.sockets;
  }

  connect(client: Client, filter: ProviderFilter, options: { binary: boolean }): void {
    this.broadcaster?.connect(client, filter, options);
    this.metrics.setSockets((this.sockets += 1));
  }

  disconnect(client: Client): void {
    this.broadcaster?.disconnect(client);
    this.metrics.setSockets((this.sockets -= 1));
  }

  viewport(client: Client, viewport: ViewportRequest): void {
    this.broadcaster?.viewport(client, viewport, Date.now());
  }

  watch(client: Client, vehicle: VehicleQuery | null): void {
    this.broadcaster?.watch(client, vehicle, Date.now());
  }

  onModuleDestroy(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.partsTimer !== null) clearTimeout(this.partsTimer);
    this.broadcaster = null;
  }

  /** Ticks stay on a fixed schedule: a late tick does not delay the next ones, and missed ticks are skipped. */
  private schedule(at: number): void {
    this.timer = setTimeout(
      () => {
        this.tick();
        if (this.broadcaster === null) return;
        const missed = Math.floor((performance.now() - at) / this.tickMs);
        this.schedule(at + (missed + 1) * this.tickMs);
      },
      Math.max(0, at - performance.now()),
    );
  }

  /** Until the next tick, which does it again if there are more. */
  private sendPartsLater(): void {
    if (this.partsTimer !== null) clearTimeout(this.partsTimer);
    this.partsTimer = setTimeout(() => {
      this.partsTimer = null;
      if (this.broadcaster?.sendParts() === true) this.sendPartsLater();
    }, PARTS_INTERVAL_MS);
  }

  /** Sends pages the state of the service, if it changed. */
  private announce(broadcaster: Broadcaster): void {
    const { status } = this.rebuild;
    const now = performance.now();
    if (now - this.unreadableUpdatedAt >= UNREADABLE_INTERVAL_MS) {
      this.unreadableUpdatedAt = now;
      const lastAt = this.metrics.lastUnreadableAt;
      const isRecent = lastAt !== null && Date.now() - lastAt < UNREADABLE_SHOWN_MS;
      this.unreadable = { count: this.metrics.unreadableCount, lastAt: isRecent ? lastAt : null };
    }
    const { unreadable } = this;
    const text = JSON.stringify({ status, unreadable });
    if (text === this.announced) return;
    this.announced = text;
    this.metrics.setFollowing(status.kind === 'following');
    broadcaster.announce({ asOf: Date.now(), status, unreadable });
  }

  private tick(): void {
    const broadcaster = this.broadcaster;
    if (broadcaster === null) return;
    const startedAt = performance.now();
    const now = Date.now();
    try {
      this.handshakes.advance();
      if (!this.rebuild.isComplete) {
        this.announce(broadcaster);
        return;
      }
      this.city.advance(now);
      this.stats.noteTick();
      this.announce(broadcaster);
      const report = broadcaster.tick(now);
      if (report.inParts > 0) this.sendPartsLater();
      for (const receivedAt of this.foldService.takeReceipts()) {
        this.metrics.observeLatency(Math.max(0, Date.now() - receivedAt));
      }
      this.city.unpackTrips(DECODED_PER_TICK);
      this.city.decodeVehicles(DECODED_PER_TICK);
      if (now - this.forgotAt >= FORGET_EVERY_MS) {
        this.forgotAt = now;
        this.city.forget();
      }
      const ms = performance.now() - startedAt;
      this.liveMetrics.observeTick(report);
      this.metrics.observeTick(report, { ms, rooms: broadcaster.roomCount });
    } catch (error) {
      // A bug in one tick must not stop the ticks that follow.
      this.logger.error({ err: error }, 'tick failed');
    }
  }
}
