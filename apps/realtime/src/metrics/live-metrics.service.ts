import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import type { TickReport } from './realtime-metrics.service.js';

/** Metrics of the clients: of what they are sent, of those that wait, and of their bounds. */
@Injectable()
export class LiveMetrics {
  private readonly refusals: Counter<'code'>;
  private readonly answers: Counter<'kind'>;
  private readonly waiting: Gauge;
  private readonly behind: Gauge;
  private readonly backlog: Gauge;
  private readonly inParts: Gauge;
  private readonly sentBytes: Counter;
  private readonly rooms: Gauge<'level'>;
  private readonly clients: Gauge<'level'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.refusals = new Counter({
      name: 'realtime_refusals_total',
      help: 'Connections and messages of clients that were refused, by code',
      labelNames: ['code'],
      registers,
    });
    this.answers = new Counter({
      name: 'realtime_answers_total',
      help: 'Snapshots sent to clients, and frames sent instead because they continue the state of the client (resumed), by kind',
      labelNames: ['kind'],
      registers,
    });
    this.waiting = new Gauge({
      name: 'realtime_clients_waiting',
      help: 'Clients that wait for a snapshot or for what changed since their state, as of the last tick',
      registers,
    });
    this.behind = new Gauge({
      name: 'realtime_clients_behind',
      help: 'Clients that are sent no frames because they have not read earlier ones, as of the last tick',
      registers,
    });
    this.backlog = new Gauge({
      name: 'realtime_backlog_bytes',
      help: 'Unwritten bytes of all clients, as of the last tick; see REALTIME_BACKLOG_BYTES',
      registers,
    });
    this.inParts = new Gauge({
      name: 'realtime_clients_in_parts',
      help: 'Clients that are sent the content of their view in parts because it is large, as of the last tick',
      registers,
    });
    this.sentBytes = new Counter({
      name: 'realtime_sent_bytes_total',
      help: 'Size of the messages sent to clients, counted per client',
      registers,
    });
    this.rooms = new Gauge({
      name: 'realtime_rooms_by_level',
      help: 'Distinct views of clients, by level of the grid: cells of a level are 360 / 2^level degrees wide',
      labelNames: ['level'],
      registers,
    });
    this.clients = new Gauge({
      name: 'realtime_clients_by_level',
      help: 'Clients with a view, by level of the grid',
      labelNames: ['level'],
      registers,
    });
  }

  countRefusal(code: string): void {
    this.refusals.inc({ code });
  }

  countSentBytes(sizeBytes: number): void {
    this.sentBytes.inc(sizeBytes);
  }

  observeTick({ answers, waitingCount, framesSkipped, backlogBytes, inParts, levels }: TickReport): void {
    this.backlog.set(backlogBytes);
    this.inParts.set(inParts);
    this.answers.inc({ kind: 'snapshot' }, answers.snapshot);
    this.answers.inc({ kind: 'resumed' }, answers.resumed);
    this.waiting.set(waitingCount);
    this.behind.set(framesSkipped);
    this.rooms.reset();
    this.clients.reset();
    for (const [level, use] of levels) {
      this.rooms.set({ level }, use.rooms);
      this.clients.set({ level }, use.clients);
    }
  }
}
