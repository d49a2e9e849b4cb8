import { createContext, useContext } from 'react';
import type { CityState } from './city-state/city-state.js';
import type { Connection } from './connection/connection.js';
import type { ThemeSetting } from './theme/theme.js';

/** What every part of the page may reach. */
export interface Dashboard {
  readonly city: CityState;
  readonly connection: Connection;
  readonly theme: ThemeSetting;
  /** `null` where nobody signed in: a service on loopback asks for no token. */
  readonly signOut: (() => void) | null;
}

export const DashboardContext = createContext<Dashboard | null>(null);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (dashboard === null) throw new Error('this component is rendered outside of DashboardContext');
  return dashboard;
}
