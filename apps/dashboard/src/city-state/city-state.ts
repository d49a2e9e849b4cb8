import type {
  Figures,
  Frame,
  ServiceStatus,
  StatusMessage,
  VehicleDetail,
  VehicleQuery,
  Viewport,
} from '@hailstream/events/live';
import { Store } from '../store.js';
import type { DrawnState } from './drawn-state.js';
import { FiguresHistory } from './figures-history.js';
import { Fleet } from './fleet.js';
import { isSameVehicle } from './vehicle-ref.js';

/** What the newest frame said, and when it came by this browser's own clock. */
export interface Tick {
  readonly figures: Figures;
  /** The service's clock when the frame was made, in milliseconds. */
  readonly asOf: number;
  /** Milliseconds until the next frame. */
  readonly tickMs: number;
  readonly receivedAt: number;
  /** The same by the time of day: the clock above stands still while a computer sleeps. */
  readonly receivedOn: number;
  readonly eventsPerSecond: readonly (number | null)[];
}

/** Whether the map shows anything. */
export type MapState =
  /** It is being made. */
  | 'loading'
  | 'drawn'
  /** The browser took away what it draws with, and may give it back. */
  | 'interrupted'
  /** It can't be drawn: there is a table instead. */
  | 'unavailable';

/** Everything the page shows of the city. React is told once a tick; the map reads the fleet as often as it draws. */
export class CityState {
  readonly fleet = new Fleet();
  readonly tick = new Store<Tick | null>(null);
  /** How the service stands towards the log; `null` until it has said so on this connection. */
  readonly status = new Store<ServiceStatus | null>(null);
  /** Whether the service has lately met records that it could not read. */
  readonly hasUnreadable = new Store(false);
  /** Whether the newest frame came over the connection there is now. */
  readonly isCurrent = new Store(false);
  readonly map = new Store<MapState>('loading');
  /** The vehicle whose card is open. The provider is `null` until the service has told whose it is. */
  readonly selected = new Store<VehicleQuery | null>(null);
  readonly detail = new Store<VehicleDetail | null>(null);
  readonly hidden = new Store<ReadonlySet<DrawnState>>(new Set());
  /** What the map shows: asked of the service. */
  readonly viewport = new Store<Viewport | null>(null);
  private readonly history = new FiguresHistory();
  private readonly stillness = matchMedia('(prefers-reduced-motion: reduce)');

  /** Takes over a frame, or a snapshot, which is `whole`. */
  receive(frame: Frame, whole: boolean): void {
    const now = performance.now();
    this.fleet.apply(frame, { now, whole, glides: !this.stillness.matches });
    this.history.add(frame.asOf, frame.figures.eventsPerSecond);
    this.tick.set({
      figures: frame.figures,
      asOf: frame.asOf,
      tickMs: frame.tickMs,
      receivedAt: now,
      receivedOn: Date.now(),
      eventsPerSecond: this.history.values(),
    });
    this.isCurrent.set(true);
  }

  /** A service that starts over, or another one, knows nothing yet of what is shown. */
  receiveStatus({ status, unreadable }: StatusMessage): void {
    if (status.kind === 'waiting' || status.kind === 'rebuilding') {
      this.isCurrent.set(false);
      this.detail.set(null);
    }
    this.status.set(status);
    this.hasUnreadable.set(unreadable.lastAt !== null);
  }

  /** The connection was lost: what is shown is past until the next one brings something. */
  lose(): void {
    this.isCurrent.set(false);
    this.status.set(null);
  }

  receiveDetail(detail: VehicleDetail): void {
    const selected = this.selected.get();
    const vehicle = { deviceId: detail.device_id, providerId: detail.provider_id };
    if (selected?.deviceId !== vehicle.deviceId) return;
    if (selected.providerId === null) this.selected.set(vehicle);
    else if (!isSameVehicle(selected, vehicle)) return;
    this.detail.set(detail);
  }

  select(vehicle: VehicleQuery | null): void {
    if (isSameVehicle(vehicle, this.selected.get())) return;
    this.detail.set(null);
    this.selected.set(vehicle);
  }

  toggleState(state: DrawnState): void {
    const hidden = new Set(this.hidden.get());
    if (!hidden.delete(state)) hidden.add(state);
    this.hidden.set(hidden);
  }

  showAllStates(): void {
    this.hidden.set(new Set());
  }
}
