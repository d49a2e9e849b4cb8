import type { Alert } from '@hailstream/events/alerts';
import type { useDashboard } from '../dashboard.js';
import { boundsOfZone } from '../alert-state/zone-bounds.js';

/** Moves the map to what an alert is about, and selects it. */
export function showSubject(
  { subject, provider_id: providerId, location }: Alert,
  { alerts, city, view }: Pick<ReturnType<typeof useDashboard>, 'alerts' | 'city' | 'view'>,
): void {
  if (view.page.get() !== 'map') view.page.set('map');
  const { kind, device_id: deviceId, zone_id: zoneId } = subject;
  if (kind === 'vehicle' && deviceId !== null) {
    city.select({ deviceId, providerId });
    return;
  }
  if (kind === 'provider') city.provider.set(providerId);
  const zone = alerts.zones.get()?.zones.find(({ id }) => id === zoneId);
  if (zone !== undefined) alerts.toFit.set(boundsOfZone(zone.geometry));
  else if (location !== null) {
    const { lat, lng } = location;
    const half = 0.005;
    alerts.toFit.set({ west: lng - half, south: lat - half, east: lng + half, north: lat + half });
  }
}
