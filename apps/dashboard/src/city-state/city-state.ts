import type {
  DemandMap,
  FleetCount,
  Frame,
  ProviderList,
  SearchResult,
  ServiceStatus,
  StatusMessage,
  TripPage,
  TripRoute,
  VehicleDetail,
  VehicleQuery,
  Viewport,
} from '@hailstream/events/live';
import type { ContactChoice } from './fleet-filter.js';
import type { LabelChoice } from './label-choice.js';
import { Store } from '../store.js';
import { CityContents } from './city-contents.js';
import type { DrawnState } from './drawn-state.js';
import { isSameVehicle } from './fleet.js';
import type { StyleFailure } from '../map-style/map-style.js';
import type { Place } from './mercator.js';
import type { TripRef } from './waiting-riders.js';

/** A trip with the route of its vehicle. */
export interface ShownRoute {
  readonly trip: TripPage;
  readonly route: TripRoute;
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
  /** The present. It is kept up to date while a moment of the past is shown, so that it can be shown again at once. */
  readonly live = new CityContents();
  /** What the page shows: the present, or a moment of the past. Contents are replaced as a whole and never mixed. */
  readonly shown = new Store(this.live);
  /** The state of the service; `null` until it is received on the current connection. */
  readonly status = new Store<ServiceStatus | null>(null);
  /** Whether the service recently found records that it could not read. */
  readonly hasUnreadable = new Store(false);
  /** Whether the newest live frame was received over the current connection. */
  readonly isCurrent = new Store(false);
  readonly map = new Store<MapState>('loading');
  /** Why the map has the built-in style instead of the configured one; `null` if it does not, or once it was dismissed. */
  readonly styleFailure = new Store<StyleFailure | null>(null);
  /** The vehicle whose card is open. The provider is `null` until the service has sent it. */
  readonly selected = new Store<VehicleQuery | null>(null);
  readonly hidden = new Store<ReadonlySet<DrawnState>>(new Set());
  /** The area that the map shows, requested from the service. */
  readonly viewport = new Store<Viewport | null>(null);
  /** The trip whose card is open. */
  readonly trip = new Store<TripRef | null>(null);
  readonly tripDetail = new Store<(SearchResult & { kind: 'trip' }) | null>(null);
  /** The selected vehicle or trip if the map is to move there, should it be outside of what it shows. */
  readonly toReveal = new Store<VehicleQuery | TripRef | null>(null);
  /** The trip whose route the map shows instead of the vehicles. */
  readonly route = new Store<ShownRoute | null>(null);
  /** A place that the map is to show, wherever it is. */
  readonly placeToReveal = new Store<Place | null>(null);
  /** Only vehicles with a battery level below this, in percent. */
  readonly battery = new Store<number | null>(null);
  /** Only vehicles by the time since their last event. */
  readonly contact = new Store<ContactChoice>('any');
  /** How many vehicles match the filters; `null` while that is not known, or without filters. */
  readonly count = new Store<FleetCount | null>(null);
  readonly labels = new Store<LabelChoice>('id');
  /** Requests and free vehicles per cell, if they are shown, and why they could not be loaded. */
  readonly demand = new Store<DemandMap | null>(null);
  readonly demandFailure = new Store<string | null>(null);
  /** The provider whose vehicles, riders and figures are shown; `null` shows all. */
  readonly provider = new Store<string | null>(null);
  /** All that the user may see. */
  readonly providers = new Store<ProviderList['providers']>([]);
  /** What the colours of the marks mean. */
  readonly colors = new Store<'state' | 'provider'>('state');
  readonly riders = new Store<'shown' | 'hidden'>('shown');
  /** The number of drawn vehicles within the visible part of the map, and the tick that it is of. */
  readonly inView = new Store<{ readonly count: number; readonly asOf: number } | null>(null);
  private readonly reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

  constructor() {
    this.selected.subscribe(() => {
      const deviceId = this.selected.get()?.deviceId;
      for (const { detail } of this.contents()) {
        if (detail.get()?.device_id !== deviceId) detail.set(null);
      }
    });
    // The figures that follow are of other vehicles.
    this.provider.subscribe(() => this.live.forgetFigures());
  }

  /** Whether vehicles glide to their new places. */
  get glides(): boolean {
    return !this.reducedMotion.matches;
  }

  /** Applies a live frame, or a snapshot if it is `whole`. */
  receive(frame: Frame, whole: boolean): void {
    this.live.receive(frame, { whole, glides: this.glides });
    this.isCurrent.set(true);
  }

  /** A service that is rebuilding does not know the vehicles that are shown. */
  receiveStatus({ status, unreadable }: StatusMessage): void {
    if (status.kind === 'waiting' || status.kind === 'rebuilding') {
      this.isCurrent.set(false);
      this.live.detail.set(null);
    }
    this.status.set(status);
    this.hasUnreadable.set(unreadable.lastAt !== null);
  }

  /** The connection was lost: the data is of the past until a frame arrives over the next one. */
  lose(): void {
    this.isCurrent.set(false);
    this.status.set(null);
  }

  /** Applies the details of the selected vehicle, of the present or of the given contents. */
  receiveDetail(detail: VehicleDetail, contents = this.live): void {
    const selected = this.selected.get();
    const vehicle = { deviceId: detail.device_id, providerId: detail.provider_id };
    if (selected?.deviceId !== vehicle.deviceId) return;
    if (selected.providerId === null) this.selected.set(vehicle);
    else if (!isSameVehicle(selected, vehicle)) return;
    contents.detail.set(detail);
  }

  select(vehicle: VehicleQuery | null): void {
    this.trip.set(null);
    this.toReveal.set(vehicle);
    if (isSameVehicle(vehicle, this.selected.get())) return;
    for (const { detail, lacksSelected } of this.contents()) {
      detail.set(null);
      lacksSelected.set(false);
    }
    this.selected.set(vehicle);
  }

  selectTrip(trip: TripRef): void {
    this.select(null);
    this.toReveal.set(trip);
    this.trip.set(trip);
  }

  toggleState(state: DrawnState): void {
    const hidden = new Set(this.hidden.get());
    if (!hidden.delete(state)) hidden.add(state);
    this.hidden.set(hidden);
  }

  showAllStates(): void {
    this.hidden.set(new Set());
  }

  /** Without filters by state, battery and contact. */
  showEverything(): void {
    this.showAllStates();
    this.battery.set(null);
    this.contact.set('any');
  }

  private contents(): ReadonlySet<CityContents> {
    return new Set([this.live, this.shown.get()]);
  }
}
