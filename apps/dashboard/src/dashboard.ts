import { createContext, useContext } from 'react';
import type { AddressBar } from './address/address-bar.js';
import type { AlertsState } from './alert-state/alerts-state.js';
import type { CityState } from './city-state/city-state.js';
import type { PageSession } from './connection/page-session.js';
import type { Connection } from './connection/connection.js';
import type { HistoryOffer } from './history/history-offer.js';
import type { HistorySession } from './history/history-session.js';
import type { Settings } from './settings/settings.js';
import type { ThemeSetting } from './theme/theme.js';
import type { ViewState } from './view-state.js';

/** What all components of the page share. */
export interface Dashboard {
  readonly alerts: AlertsState;
  readonly city: CityState;
  readonly connection: Connection;
  readonly view: ViewState;
  readonly history: HistorySession;
  readonly offer: HistoryOffer;
  readonly address: AddressBar;
  readonly theme: ThemeSetting;
  readonly settings: Settings;
  readonly session: PageSession;
}

export const DashboardContext = createContext<Dashboard | null>(null);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (dashboard === null) throw new Error('this component is rendered outside of DashboardContext');
  return dashboard;
}
