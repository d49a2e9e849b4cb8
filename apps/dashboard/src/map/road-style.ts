import type { City } from '@hailstream/events/live';
import type { ExpressionSpecification, LineLayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Theme } from '../theme/theme.js';

/** The road layers from minor to main, by OpenStreetMap's `highway` classes. */
const roadClasses = [
  { id: 'minor', highways: null, width: { far: 0.7, near: 9 } },
  {
    id: 'middle',
    highways: ['tertiary', 'tertiary_link', 'secondary', 'secondary_link'],
    width: { far: 1.1, near: 13 },
  },
  {
    id: 'main',
    highways: ['primary', 'primary_link', 'trunk', 'trunk_link', 'motorway', 'motorway_link'],
    width: { far: 1.5, near: 16 },
  },
] as const;
type RoadClass = (typeof roadClasses)[number];

interface Palette {
  readonly land: string;
  readonly casing: string;
  readonly roads: Readonly<Record<RoadClass['id'], string>>;
}

const palettes: Readonly<Record<Theme, Palette>> = {
  light: {
    land: '#e7eaec',
    casing: '#cbd2d7',
    roads: { minor: '#ffffff', middle: '#ffffff', main: '#ffffff' },
  },
  dark: {
    land: '#0e1318',
    casing: '#0a0e12',
    roads: { minor: '#222c36', middle: '#2b3743', main: '#354351' },
  },
};

/** A map style that draws only the city's roads and loads nothing from the network. */
export function roadStyle(city: City, theme: Theme): StyleSpecification {
  const palette = palettes[theme];
  return {
    version: 8,
    sources: {
      roads: { type: 'geojson', data: city.roads as unknown as GeoJSON.FeatureCollection, tolerance: 0.2 },
    },
    layers: [
      { id: 'land', type: 'background', paint: { 'background-color': palette.land } },
      ...roadClasses.map((road) =>
        roadLayer(road, { id: `${road.id}-casing`, color: palette.casing, extra: 1.6 }),
      ),
      ...roadClasses.map((road) => roadLayer(road, { id: road.id, color: palette.roads[road.id], extra: 0 })),
    ],
  };
}

function roadLayer(
  road: RoadClass,
  look: { id: string; color: string; extra: number },
): LineLayerSpecification {
  const { far, near } = road.width;
  return {
    id: `road-${look.id}`,
    type: 'line',
    source: 'roads',
    filter: highwayFilter(road),
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: {
      'line-color': look.color,
      'line-width': [
        'interpolate',
        ['exponential', 1.5],
        ['zoom'],
        11,
        far + look.extra / 2,
        18,
        near + look.extra,
      ],
    },
  };
}

function highwayFilter(road: RoadClass): ExpressionSpecification {
  if (road.highways !== null) return ['in', ['get', 'highway'], ['literal', [...road.highways]]];
  const stronger = roadClasses.flatMap((other) => other.highways ?? []);
  return ['!', ['in', ['get', 'highway'], ['literal', stronger]]];
}
