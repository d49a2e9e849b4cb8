import type { AlertsMessage, Viewport } from '@hailstream/events/live';
import type { ZoneList } from '@hailstream/events/zones';
import { Store } from '../store.js';

/** What the panel of alerts shows. */
export const alertsPages = ['closed', 'current', 'cleared', 'zones'] as const;
export type AlertsPage = (typeof alertsPages)[number];

/** Longitude and latitude. */
export type Corner = readonly [lng: number, lat: number];

/** Alerts and zones of the page. */
export class AlertsState {
  /** How many alerts there are; `null` until it is received. */
  readonly counts = new Store<AlertsMessage | null>(null);
  readonly page = new Store<AlertsPage>('closed');
  /** The zones as last received; `null` before. */
  readonly zones = new Store<ZoneList | null>(null);
  readonly zonesOnMap = new Store<'shown' | 'hidden'>('shown');
  /** The corners of the zone that is being drawn; `null` if none is. */
  readonly draft = new Store<readonly Corner[] | null>(null);
  /** The area that the map is to show. */
  readonly toFit = new Store<Viewport | null>(null);

  /** Another number after each change of zones by this page. */
  readonly zoneChanges = new Store(0);

  toggle(): void {
    this.page.set(this.page.get() === 'closed' ? 'current' : 'closed');
  }

  toggleZones(): void {
    this.zonesOnMap.set(this.zonesOnMap.get() === 'shown' ? 'hidden' : 'shown');
  }

  reloadZones(): void {
    this.zoneChanges.set(this.zoneChanges.get() + 1);
  }

  /** Adds a corner to the zone that is being drawn. Returns whether one is. */
  addCorner(corner: Corner): boolean {
    const corners = this.draft.get();
    if (corners === null) return false;
    this.draft.set([...corners, corner]);
    return true;
  }
}
