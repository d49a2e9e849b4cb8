import type { Figures, Frame, VehicleDetail } from '@hailstream/events/live';
import { Store } from '../store.js';
import { CountedCells } from './counted-cells.js';
import { FiguresHistory } from './figures-history.js';
import { Fleet } from './fleet.js';
import { WaitingRiders } from './waiting-riders.js';

/** The newest frame, and when it was received by the browser's clocks. */
export interface Tick {
  readonly figures: Figures;
  /** The service's clock when the frame was made, or the moment of the past that it shows, in milliseconds. */
  readonly asOf: number;
  /** Milliseconds until the next frame. */
  readonly tickMs: number;
  readonly receivedAt: number;
  /** The same by the time of day: the monotonic clock may stop while the computer sleeps. */
  readonly receivedOn: number;
  readonly eventsPerSecond: readonly (number | null)[];
}

/** The vehicles and figures that frames describe: those of the present, or of a moment of the past. */
export class CityContents {
  /** Empty while the vehicles are counted. */
  readonly fleet = new Fleet();
  readonly counted = new CountedCells();
  readonly waiting = new WaitingRiders();
  readonly tick = new Store<Tick | null>(null);
  /** The selected vehicle; `null` until it is received. */
  readonly detail = new Store<VehicleDetail | null>(null);
  /** Whether the service knows nothing of the selected vehicle at this moment. */
  readonly lacksSelected = new Store(false);
  private history: FiguresHistory;

  constructor(history = new FiguresHistory()) {
    this.history = history;
  }

  /** Applies a frame, or a snapshot if it is `whole`. Without `glides`, vehicles move at once. */
  receive(frame: Frame, { whole, glides }: { whole: boolean; glides: boolean }): void {
    const now = performance.now();
    this.fleet.apply(frame, { now, whole, glides });
    this.counted.apply(frame, { whole });
    this.waiting.apply(frame, { whole });
    this.history.add(frame.asOf, frame.figures.eventsPerSecond);
    this.tick.set({
      figures: frame.figures,
      asOf: frame.asOf,
      tickMs: frame.tickMs,
      receivedAt: now,
      receivedOn: Date.now(),
      eventsPerSecond: this.history.values(),
    });
  }

  /** The figures that follow are of other vehicles. */
  forgetFigures(): void {
    this.history = new FiguresHistory();
  }
}
