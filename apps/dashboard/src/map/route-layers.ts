import type { Layer } from '@deck.gl/core';
import { ScatterplotLayer, TextLayer } from '@deck.gl/layers';
import type { ShownRoute } from '../city-state/city-state.js';
import { t } from '../locale/text.js';
import type { Theme } from '../theme/theme.js';
import { colors, speedLayer } from './layers.js';

/** Opacity of a line across a gap in contact, and of the way to the pick-up, out of 255. */
const GAP_ALPHA = 70;
const APPROACH_ALPHA = 120;

interface Stop {
  readonly label: string;
  readonly lat: number;
  readonly lng: number;
  /** Filled, as an end; others are rings. */
  readonly isEnd: boolean;
}

/** Layers of a trip: the route, coloured by speed, and markers of the request, the pick-up and the end. */
export function routeLayers({ trip, route }: ShownRoute, theme: Theme): Layer[] {
  const { ink, land } = colors[theme];
  const stops = stopsOf(trip);
  const pickupAt = trip.pickup?.at ?? Number.NEGATIVE_INFINITY;
  const alphaOf = (index: number): number => {
    const [from, to] = [route.points[index]![3], route.points[index + 1]![3]];
    if (route.gaps.some((gap) => from >= gap.from && to <= gap.to)) return GAP_ALPHA;
    return to <= pickupAt ? APPROACH_ALPHA : 255;
  };
  return [
    speedLayer(`route-${theme}`, route.points, theme, alphaOf),
    new ScatterplotLayer<Stop>({
      id: `route-stops-${theme}`,
      data: stops,
      getPosition: ({ lng, lat }) => [lng, lat],
      radiusUnits: 'pixels',
      getRadius: 6,
      getFillColor: ({ isEnd }) => (isEnd ? ink : land),
      stroked: true,
      lineWidthUnits: 'pixels',
      getLineWidth: 3,
      getLineColor: ({ isEnd }) => (isEnd ? land : ink),
    }),
    new TextLayer<Stop>({
      id: `route-labels-${theme}`,
      data: stops,
      getPosition: ({ lng, lat }) => [lng, lat],
      getText: ({ label }) => label,
      characterSet: 'auto',
      getSize: 12.5,
      getColor: ink,
      getPixelOffset: [12, 0],
      getTextAnchor: 'start',
      background: true,
      getBackgroundColor: land,
      backgroundPadding: [5, 2],
      fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
      fontWeight: 600,
    }),
  ];
}

/** Stops at the same place share a mark. */
function stopsOf(trip: ShownRoute['trip']): Stop[] {
  const given = [
    { label: t('trip.request'), place: trip.request?.location, isEnd: false },
    { label: t('trip.pickup'), place: trip.pickup?.location, isEnd: false },
    { label: t('trip.dropoff'), place: trip.dropoff?.location, isEnd: true },
    { label: t('trip.destination'), place: trip.dropoff === null ? trip.destination : null, isEnd: true },
  ];
  const stops: Stop[] = [];
  for (const { label, place, isEnd } of given) {
    if (place === null || place === undefined) continue;
    const { lat, lng } = place;
    const same = stops.findIndex((stop) => Math.hypot(stop.lat - lat, stop.lng - lng) < SAME_PLACE_DEGREES);
    if (same === -1) stops.push({ label, lat, lng, isEnd });
    else stops[same] = { ...stops[same]!, label: `${stops[same]!.label}, ${label.toLowerCase()}` };
  }
  return stops;
}

/** About 20 m. */
const SAME_PLACE_DEGREES = 0.0002;
