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
import { Fleet, isSameVehicle } from './fleet.js';

/** The newest frame, and when it was received by the browser's clocks. */
export interface Tick {
  readonly figures: Figures;
  /** The service's clock when the frame was made, in milliseconds. */
  readonly asOf: number;
  /** Milliseconds until the next frame. */
  readonly tickMs: number;
  readonly receivedAt: number;
  /** The same by the time of day: the monotonic clock may stop while the computer sleeps. */
  readonly receivedOn: number;
  readonly eventsPerSecond: readonly (number | null)[];
}

/** The state of the map. */
export type MapState =
  /** It is being created. */
  | 'loading'
  | 'drawn'
  /** The browser discarded a WebGL context of the map and may restore it. */
  | 'interrupted'
  /** It cannot be drawn; the table is shown. */
  | 'unavailable';

/** The state of the city as shown on the page. React components update once a tick; the map reads the fleet with every drawn frame. */
export class CityState {
  readonly fleet = new Fleet();
  readonly tick = new Store<Tick | null>(null);
  /** The state of the service; `null` until it is received on the current connection. */
  readonly status = new Store<ServiceStatus | null>(null);
  /** Whether the service recently found records that it could not read. */
  readonly hasUnreadable = new Store(false);
  /** Whether the newest frame was received over the current connection. */
  readonly isCurrent = new Store(false);
  readonly map = new Store<MapState>('loading');
  /** The vehicle whose card is open. The provider is `null` until the service has sent it. */
  readonly selected = new Store<VehicleQuery | null>(null);
  readonly detail = new Store<VehicleDetail | null>(null);
  readonly hidden = new Store<ReadonlySet<DrawnState>>(new Set());
  /** The area that the map shows, requested from the service. */
  readonly viewport = new Store<Viewport | null>(null);
  private readonly history = new FiguresHistory();
  /** The selected vehicle if the map is to move there, should it be outside of what it shows. */
  readonly toReveal = new Store<VehicleQuery | null>(null);
  private readonly reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

  constructor() {
    this.selected.subscribe(() => {
      const detail = this.detail.get();
      if (detail?.device_id !== this.selected.get()?.deviceId) this.detail.set(null);
    });
  }

  /** Applies a frame, or a snapshot if it is `whole`. */
  receive(frame: Frame, whole: boolean): void {
    const now = performance.now();
    this.fleet.apply(frame, { now, whole, glides: !this.reducedMotion.matches });
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

  /** A service that is rebuilding does not know the vehicles that are shown. */
  receiveStatus({ status, unreadable }: StatusMessage): void {
    if (status.kind === 'waiting' || status.kind === 'rebuilding') {
      this.isCurrent.set(false);
      this.detail.set(null);
    }
    this.status.set(status);
    this.hasUnreadable.set(unreadable.lastAt !== null);
  }

  /** The connection was lost: the data is of the past until a frame arrives over the next one. */
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
    this.toReveal.set(vehicle);
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
