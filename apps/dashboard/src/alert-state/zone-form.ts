import { t } from '../locale/text.js';
import type { Corner } from './alerts-state.js';

/** The id of a zone from its name; empty if the name has no letter or digit of a-z and 0-9. */
export function zoneIdOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
}

/** The corners of a text with a latitude and a longitude per line, or the first line that has none. */
export function parseCorners(
  text: string,
): { readonly corners: readonly Corner[] } | { readonly problem: string } {
  const corners: Corner[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [lat = Number.NaN, lng = Number.NaN, ...more] = line
      .trim()
      .split(/[\s,;]+/)
      .map(Number);
    if (more.length > 0 || !(Math.abs(lat) <= 90) || !(Math.abs(lng) <= 180)) {
      return { problem: t('zones.notACorner', { line: line.trim() }) };
    }
    corners.push([lng, lat]);
  }
  return { corners };
}

export function formatCorners(corners: readonly Corner[]): string {
  return corners.map(([lng, lat]) => `${lat.toFixed(5)}, ${lng.toFixed(5)}`).join('\n');
}

/** The feature of a zone. The ring is closed here. */
export function featureOf(name: string, corners: readonly Corner[]): object {
  const ring = [...corners, corners[0]!].map(([lng, lat]) => [lng, lat]);
  return {
    type: 'Feature',
    id: zoneIdOf(name) || `zone-${Date.now().toString(36)}`,
    properties: { name },
    geometry: { type: 'Polygon', coordinates: [ring] },
  };
}
