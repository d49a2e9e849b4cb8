import type { City } from '@hailstream/events/live';
import type {
  ExpressionSpecification,
  FillLayerSpecification,
  LineLayerSpecification,
  StyleSpecification,
  SymbolLayerSpecification,
} from 'maplibre-gl';
import type { Theme } from '../theme/theme.js';
import { fadeRings } from './fade-rings.js';

/** The road layers from minor to main, by OpenStreetMap's `highway` classes. */
const roadClasses = [
  { id: 'minor', highways: null, width: { far: 0.7, near: 9 } },
  {
    id: 'middle',
    // A road of unknown class is drawn so that it can be seen in a file without classes.
    highways: ['road', 'tertiary', 'tertiary_link', 'secondary', 'secondary_link'],
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
  readonly water: string;
  readonly park: string;
  readonly building: string;
  readonly label: string;
  /** Around labels. */
  readonly halo: string;
  readonly casing: string;
  readonly roads: Readonly<Record<RoadClass['id'], string>>;
}

const palettes: Readonly<Record<Theme, Palette>> = {
  light: {
    land: '#e7eaec',
    water: '#c3d6e2',
    park: '#d5e2d3',
    building: '#d9dde0',
    label: '#4a5560',
    halo: '#f3f5f6',
    casing: '#cbd2d7',
    roads: { minor: '#ffffff', middle: '#ffffff', main: '#ffffff' },
  },
  dark: {
    land: '#0e1318',
    water: '#0b2231',
    park: '#12231d',
    building: '#1a2128',
    label: '#8b99a6',
    halo: '#0a0e12',
    casing: '#0a0e12',
    roads: { minor: '#222c36', middle: '#2b3743', main: '#354351' },
  },
};

/** Buildings are drawn from this zoom. */
const BUILDING_ZOOM = 14;

/** A map style that draws what is in the city files, and loads nothing from the network: labels use fonts of the browser. */
export function roadStyle(city: City, theme: Theme): StyleSpecification {
  const palette = palettes[theme];
  return {
    version: 8,
    sources: {
      roads: { type: 'geojson', data: city.roads as unknown as GeoJSON.FeatureCollection, tolerance: 0.2 },
      areas: { type: 'geojson', data: city.areas as unknown as GeoJSON.FeatureCollection, tolerance: 0.2 },
      fade: { type: 'geojson', data: fadeRings(city.waterExtents), tolerance: 0.2 },
      places: { type: 'geojson', data: city.places as unknown as GeoJSON.FeatureCollection },
    },
    layers: [
      { id: 'land', type: 'background', paint: { 'background-color': palette.land } },
      areaLayer('park', palette.park),
      areaLayer('water', palette.water),
      fadeLayer(palette.land),
      { ...areaLayer('building', palette.building), minzoom: BUILDING_ZOOM },
      ...roadClasses.map((road) =>
        roadLayer(road, { id: `${road.id}-casing`, color: palette.casing, extra: 1.6 }),
      ),
      ...roadClasses.map((road) => roadLayer(road, { id: road.id, color: palette.roads[road.id], extra: 0 })),
      placeLayer(palette),
    ],
  };
}

function areaLayer(kind: 'water' | 'park' | 'building', color: string): FillLayerSpecification {
  return {
    id: kind,
    type: 'fill',
    source: 'areas',
    filter: ['==', ['get', 'kind'], kind],
    paint: { 'fill-color': color },
  };
}

function fadeLayer(color: string): FillLayerSpecification {
  return {
    id: 'fade',
    type: 'fill',
    source: 'fade',
    // The edges of rings would show through each other.
    paint: { 'fill-antialias': false, 'fill-color': color, 'fill-opacity': ['get', 'opacity'] },
  };
}

function placeLayer({ label, halo }: Palette): SymbolLayerSpecification {
  return {
    id: 'places',
    type: 'symbol',
    source: 'places',
    layout: {
      'text-field': ['get', 'name'],
      'text-font': ['sans-serif'],
      'text-size': ['match', ['get', 'place'], ['city', 'town'], 15, 12],
      'text-max-width': 8,
    },
    paint: { 'text-color': label, 'text-halo-color': halo, 'text-halo-width': 1.5 },
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
