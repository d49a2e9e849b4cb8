import type { Layer } from '@deck.gl/core';
import { PathLayer, PolygonLayer, ScatterplotLayer, TextLayer } from '@deck.gl/layers';
import type { ZoneSummary } from '@hailstream/events/zones';
import type { Corner } from './alerts-state.js';
import type { Theme } from '../theme/theme.js';
import { boundsOfZone, polygonsOf } from './zone-bounds.js';

const looks = {
  light: {
    line: [107, 53, 184, 230],
    fill: [107, 53, 184, 26],
    text: [74, 30, 140, 255],
    halo: [255, 255, 255, 230],
  },
  dark: {
    line: [198, 168, 255, 220],
    fill: [198, 168, 255, 26],
    text: [221, 203, 255, 255],
    halo: [14, 19, 24, 230],
  },
} as const satisfies Record<Theme, Record<string, readonly [number, number, number, number]>>;

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

type Point = [number, number];

const toRing = (ring: readonly (readonly number[])[]): Point[] =>
  ring.map(([lng = 0, lat = 0]) => [lng, lat]);

/** The outlines of zones and their names, and the zone that is being drawn. */
export function zoneLayers(
  zones: readonly ZoneSummary[],
  { theme, draft }: { theme: Theme; draft: readonly Corner[] | null },
): Layer[] {
  return [...drawnLayers(zones, theme), ...(draft === null ? [] : draftLayers(draft, theme))];
}

function drawnLayers(zones: readonly ZoneSummary[], theme: Theme): Layer[] {
  const look = looks[theme];
  const polygons = zones.flatMap(({ geometry }) => polygonsOf(geometry).map((rings) => rings.map(toRing)));
  return [
    new PolygonLayer<Point[][]>({
      id: `zones-${theme}`,
      data: polygons,
      getPolygon: (rings) => rings,
      stroked: true,
      filled: true,
      getFillColor: [...look.fill],
      getLineColor: [...look.line],
      lineWidthUnits: 'pixels',
      getLineWidth: 1.6,
    }),
    new TextLayer<ZoneSummary>({
      id: `zone-names-${theme}`,
      data: zones,
      getPosition: ({ geometry }) => {
        const { west, east, north } = boundsOfZone(geometry);
        return [(west + east) / 2, north];
      },
      getText: ({ name }) => name,
      getSize: 12.5,
      getColor: [...look.text],
      getPixelOffset: [0, -9],
      fontFamily: FONT,
      fontWeight: 600,
      fontSettings: { sdf: true },
      outlineWidth: 3,
      outlineColor: [...look.halo],
      characterSet: 'auto',
    }),
  ];
}

function draftLayers(corners: readonly Corner[], theme: Theme): Layer[] {
  const { line, halo } = looks[theme];
  const [first] = corners;
  return [
    new PathLayer<readonly Corner[]>({
      id: 'zone-draft',
      data: first === undefined ? [] : [[...corners, first]],
      getPath: (path) => path.map(([lng, lat]): Point => [lng, lat]),
      getColor: [...line],
      widthUnits: 'pixels',
      getWidth: 2.5,
    }),
    new ScatterplotLayer<Corner>({
      id: 'zone-draft-corners',
      data: corners,
      getPosition: ([lng, lat]) => [lng, lat],
      radiusUnits: 'pixels',
      getRadius: 4.5,
      getFillColor: [...halo],
      stroked: true,
      getLineColor: [...line],
      lineWidthUnits: 'pixels',
      getLineWidth: 2,
    }),
  ];
}
