import type { ZoneList } from '@hailstream/events/zones';
import { useEffect } from 'react';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';

/** How often zones are requested: while they are listed, and otherwise for changes by others. */
const LISTED_EVERY_MS = 5_000;
const REFRESH_EVERY_MS = 60_000;

/** Keeps the zones up to date. */
export function useZones(): void {
  const { alerts, connection } = useDashboard();
  const isSignedOut = useStore(connection.state).kind === 'signed-out';
  const isListed = useStore(alerts.page) === 'zones';
  const revision = useStore(alerts.zoneChanges);
  const path = isSignedOut ? null : '/zones';
  const { body } = useRequest<ZoneList>(path, isListed ? LISTED_EVERY_MS : REFRESH_EVERY_MS, revision);
  useEffect(() => {
    if (body !== null) alerts.zones.set(body);
  }, [alerts, body]);
}
