import type { Contact } from '@hailstream/events/live';
import { type DrawnState, statesOnMap } from './drawn-state.js';

/** Vehicles by the time since their last event: `quiet` for a minute or more, `silent` for ten. */
export const contactChoices = ['any', 'live', 'quiet', 'silent'] as const;
export type ContactChoice = (typeof contactChoices)[number];

const contactsOf: Readonly<Record<ContactChoice, readonly Contact[]>> = {
  any: ['live', 'stale', 'silent'],
  live: ['live'],
  quiet: ['stale', 'silent'],
  silent: ['silent'],
};

/** The vehicles that are shown. */
export interface FleetFilter {
  readonly hidden: ReadonlySet<DrawnState>;
  readonly provider: string | null;
  /** Only battery levels below this, in percent. */
  readonly battery: number | null;
  readonly contact: ContactChoice;
}

/** Whether a drawn vehicle is shown; its provider is selected by the service. */
export function isShown(
  filter: Pick<FleetFilter, 'battery' | 'contact'>,
  vehicle: { readonly battery: number | null; readonly contact: Contact },
): boolean {
  if (filter.battery !== null && (vehicle.battery === null || vehicle.battery >= filter.battery))
    return false;
  return contactsOf[filter.contact].includes(vehicle.contact);
}

/** Query parameters that select what is shown: without hidden states, those that have no mark are included. */
export function filterQuery(filter: FleetFilter): URLSearchParams {
  const { hidden, provider, battery, contact } = filter;
  const parameters = new URLSearchParams();
  if (provider !== null) parameters.set('provider_id', provider);
  if (hidden.size > 0) {
    parameters.set('state', statesOnMap.filter((state) => !hidden.has(state)).join(','));
  }
  if (battery !== null) parameters.set('battery_below', String(battery));
  if (contact !== 'any') parameters.set('contact', contactsOf[contact].join(','));
  return parameters;
}

/** Whether no state is shown: a query cannot select none. */
export function hidesAll({ hidden }: Pick<FleetFilter, 'hidden'>): boolean {
  return statesOnMap.every((state) => hidden.has(state));
}
