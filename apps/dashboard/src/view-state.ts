import type { Camera, PageName, StageFilter, TableOrder } from './address/address.js';
import type { HeatChoice, HeatMinutes, ListChoice, StillState } from './address/choices.js';
import { Store } from './store.js';

/** What the user chose to see, apart from the vehicles. */
export class ViewState {
  readonly page = new Store<PageName>('map');
  /** Whether the page is made for a frame of another page: the map alone. It does not change while the page is open. */
  readonly isEmbedded = new Store(false);
  /** What the map shows; `null` until it was moved. */
  readonly camera = new Store<Camera | null>(null);
  readonly search = new Store('');
  readonly tableOrder = new Store<TableOrder>({ column: 'device', direction: 'ascending' });
  /** Filters of the trips, and which part of the list is shown, from 0. */
  readonly tripText = new Store('');
  readonly stage = new Store<StageFilter | ''>('');
  readonly from = new Store<number | null>(null);
  readonly to = new Store<number | null>(null);
  readonly tripsPage = new Store(0);
  /** The day of the vehicle page; `null` is the last 24 hours. */
  readonly day = new Store<string | null>(null);
  /** Where the page of a trip or vehicle was opened from. */
  origin: PageName = 'map';
  /** Filter of the dead letters, and the one that is open. */
  readonly reason = new Store('');
  readonly includesRedriven = new Store(false);
  readonly letter = new Store('');
  /** Whether the map moves with the selected vehicle. */
  readonly follow = new Store(false);
  readonly heat = new Store<HeatChoice>('none');
  readonly heatMinutes = new Store<HeatMinutes>(15);
  readonly kpis = new Store<'closed' | 'hour' | 'day'>('closed');
  readonly list = new Store<ListChoice>('none');
  /** In km/h. */
  readonly speedLimit = new Store(60);
  readonly speedWindow = new Store<'now' | 'hour'>('now');
  readonly stillMinutes = new Store(10);
  readonly stillState = new Store<StillState>('all');
  /** The provider whose feed is open. */
  readonly feed = new Store<string | null>(null);
  /** The period of the report; `null` is the present day. */
  readonly report = new Store<string | null>(null);
}
