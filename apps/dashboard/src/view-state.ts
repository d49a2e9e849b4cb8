import type { Camera, PageName, TableOrder } from './address/address.js';
import { Store } from './store.js';

/** What the user chose to see, apart from the vehicles. */
export class ViewState {
  readonly page = new Store<PageName>('map');
  /** What the map shows; `null` until it was moved. */
  readonly camera = new Store<Camera | null>(null);
  readonly search = new Store('');
  readonly tableOrder = new Store<TableOrder>({ column: 'device', direction: 'ascending' });
  /** Filter of the dead letters, and the one that is open. */
  readonly reason = new Store('');
  readonly includesRedriven = new Store(false);
  readonly letter = new Store('');
}
