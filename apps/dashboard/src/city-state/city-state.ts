import type { Figures, Frame, VehicleDetail, Viewport } from '@hailstream/events/live';
import { Store } from '../store.js';
import type { DrawnState } from './drawn-state.js';
import { FiguresHistory } from './figures-history.js';
import { Fleet } from './fleet.js';

/** What the newest frame said, and when it came by this browser's own clock. */
export interface Tick {
  readonly figures: Figures;
  /** The service's clock when the frame was made, in milliseconds. */
  readonly asOf: number;
  readonly receivedAt: number;
  readonly eventsPerSecond: readonly (number | null)[];
}

/** Everything the page shows of the city. React is told once a tick; the map reads the fleet as often as it draws. */
export class CityState {
  readonly fleet = new Fleet();
  readonly tick = new Store<Tick | null>(null);
  readonly selected = new Store<string | null>(null);
  readonly detail = new Store<VehicleDetail | null>(null);
  readonly hidden = new Store<ReadonlySet<DrawnState>>(new Set());
  /** What the map shows: asked of the service. */
  readonly viewport = new Store<Viewport | null>(null);
  readonly #history = new FiguresHistory();
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)');

  /** Takes over a frame, or a snapshot, which is `whole`. */
  receive(frame: Frame, whole: boolean): void {
    const now = performance.now();
    this.fleet.apply(frame, { now, whole, glides: !this.#stillness.matches });
    this.#history.add(frame.asOf, frame.figures.eventsPerSecond);
    this.tick.set({
      figures: frame.figures,
      asOf: frame.asOf,
      receivedAt: now,
      eventsPerSecond: this.#history.values(),
    });
  }

  receiveDetail(detail: VehicleDetail): void {
    if (detail.device_id === this.selected.get()) this.detail.set(detail);
  }

  select(deviceId: string | null): void {
    if (deviceId === this.selected.get()) return;
    this.detail.set(null);
    this.selected.set(deviceId);
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
