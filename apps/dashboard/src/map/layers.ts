import type { Layer } from '@deck.gl/core';
import { IconLayer, PathLayer, ScatterplotLayer, TextLayer } from '@deck.gl/layers';
import type { TrailPoint, VehicleDetail } from '@hailstream/events/live';
import type { Cell } from '../city-state/cells.js';
import { latOfWorldY, lngOfWorldX } from '../city-state/mercator.js';
import { formatShortCount } from '../format.js';
import { statesOnMap } from '../city-state/drawn-state.js';
import type { WaitingRider } from '../city-state/waiting-riders.js';
import { MARK_BOX, marks } from '../marks/marks.js';
import { colorsOfProviders, type MarksAtlas } from '../marks/marks-atlas.js';
import type { Graticule } from './graticule.js';
import type { Theme } from '../theme/theme.js';
import type { MarkColumns } from './mark-columns.js';
import { SharesLayer } from './shares-layer.js';
import { type Rgba, speedColor } from './speed-ramp.js';

/** Width of a cell's ring of states. */
const RING_PIXELS = 3.5;

/** Opacity of the oldest point of a trail, out of 255. */
const OLDEST_TRAIL_ALPHA = 60;

export const colors: Readonly<Record<Theme, { ink: Rgba; land: Rgba; cell: Rgba; cellText: Rgba }>> = {
  light: {
    ink: [20, 25, 31, 255],
    land: [255, 255, 255, 255],
    cell: [255, 255, 255, 242],
    cellText: [20, 25, 31, 255],
  },
  dark: {
    ink: [238, 243, 248, 255],
    land: [14, 19, 24, 255],
    cell: [21, 27, 34, 242],
    cellText: [233, 238, 243, 255],
  },
};

/** One icon per vehicle. deck.gl uploads the columns again because they are in new wrapper objects. */
export function marksLayer(
  columns: MarkColumns,
  look: { atlas: MarksAtlas; zoom: number; opacity: number },
): Layer {
  return new IconLayer({
    id: 'marks',
    data: {
      length: columns.slots.length,
      attributes: {
        instancePositions: { value: columns.positions, size: 2 },
        instanceAngles: { value: columns.angles, size: 1 },
        instanceIconDefs: columns.icons,
        instanceColors: columns.colors,
      },
    },
    iconAtlas: look.atlas.canvas as unknown as string,
    iconMapping: {},
    getSize: MARK_BOX,
    sizeScale: markScale(look.zoom),
    opacity: look.opacity,
    visible: look.opacity > 0,
    alphaCutoff: 0.02,
  });
}

/** Marks are smaller at low zoom, where they are closer together. */
function markScale(zoom: number): number {
  const share = Math.min(1, Math.max(0, (zoom - 12.5) / 4.5));
  return 0.58 + share * 0.46;
}

/** A ring around the selected vehicle or rider. */
export function ringLayer(
  position: readonly [number, number],
  look: { theme: Theme; zoom: number; id?: string },
): Layer {
  return new ScatterplotLayer({
    id: look.id ?? 'selected',
    data: [position],
    getPosition: ([lng, lat]: readonly [number, number]) => [lng, lat],
    radiusUnits: 'pixels',
    getRadius: 19 * markScale(look.zoom) + 2,
    updateTriggers: { getRadius: look.zoom },
    filled: true,
    getFillColor: withAlpha(colors[look.theme].ink, 30),
    stroked: true,
    lineWidthUnits: 'pixels',
    getLineWidth: 2,
    getLineColor: colors[look.theme].ink,
  });
}

/** The selected vehicle's trail of ten minutes, and the destination of its trip. */
export function detailLayers(detail: VehicleDetail, theme: Theme): Layer[] {
  const layers: Layer[] = [trailLayer(detail.trail, theme)];
  const destination = detail.trip?.destination;
  if (destination !== undefined && destination !== null) {
    layers.push(
      new ScatterplotLayer({
        id: 'destination',
        data: [destination],
        getPosition: ({ lng, lat }: { lng: number; lat: number }) => [lng, lat],
        radiusUnits: 'pixels',
        getRadius: 5.5,
        getFillColor: colors[theme].land,
        stroked: true,
        lineWidthUnits: 'pixels',
        getLineWidth: 3,
        getLineColor: colors[theme].ink,
      }),
    );
  }
  return layers;
}

function trailLayer(trail: readonly TrailPoint[], theme: Theme): Layer {
  return speedLayer('trail', trail, theme, (index) => {
    const age = 1 - (index + 1) / trail.length;
    return Math.round(255 - age * (255 - OLDEST_TRAIL_ALPHA));
  });
}

interface SpeedLine {
  readonly path: [number, number][];
  readonly color: Rgba;
}

/** Lines between points in the colours of their speeds. `alphaOf` has the opacity of the line to the point after `index`. */
export function speedLayer(
  id: string,
  points: readonly TrailPoint[],
  theme: Theme,
  alphaOf: (index: number) => number,
): Layer {
  const data = points.slice(1).map(([lat, lng, speed], index): SpeedLine => {
    const [fromLat, fromLng] = points[index]!;
    return {
      path: [
        [fromLng, fromLat],
        [lng, lat],
      ],
      color: speedColor(speed, theme, alphaOf(index)),
    };
  });
  return new PathLayer<SpeedLine>({
    id,
    data,
    getPath: (line) => line.path,
    getColor: (line) => line.color,
    widthUnits: 'pixels',
    getWidth: 4,
    capRounded: true,
    jointRounded: true,
  });
}

/** The number of vehicles in each cell, as discs that grow with it. */
export function cellLayers(
  cells: readonly Cell[],
  look: { theme: Theme; opacity: number; colors: 'state' | 'provider' },
): Layer[] {
  const { cell: fill, cellText } = colors[look.theme];
  const getPosition = ({ x, y }: Cell): [number, number] => [lngOfWorldX(x), latOfWorldY(y)];
  const visible = look.opacity > 0;
  return [
    new SharesLayer<Cell>({
      id: `cells-${look.theme}-${look.colors}`,
      ringColors:
        look.colors === 'provider'
          ? colorsOfProviders
          : statesOnMap.map((state) => marks[state].color[look.theme]),
      data: cells,
      getEnds: ({ count, countByKind }) => addedUp(countByKind).map((end) => end / count),
      visible,
      opacity: look.opacity,
      getPosition,
      radiusUnits: 'pixels',
      getRadius: ({ count }) => cellRadiusPixels(count),
      getFillColor: fill,
      stroked: true,
      lineWidthUnits: 'pixels',
      getLineWidth: RING_PIXELS,
    }),
    new TextLayer<Cell>({
      id: 'cell-counts',
      data: cells,
      visible,
      opacity: look.opacity,
      getPosition,
      getText: ({ count }) => formatShortCount(count),
      getSize: 12.5,
      getColor: cellText,
      fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
      fontWeight: 600,
      characterSet: '0123456789.kKM천만억',
      updateTriggers: { getColor: look.theme },
    }),
  ];
}

/** The running sums of the values, without the total. */
function addedUp(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.slice(0, -1).map((count) => (sum += count));
}

export function cellRadiusPixels(count: number): number {
  return Math.min(27, 10.5 + 2.4 * Math.log2(count));
}

/** One mark per waiting rider. */
export function riderLayer(
  riders: readonly WaitingRider[],
  look: { icon: HTMLCanvasElement; zoom: number; theme: Theme },
): Layer {
  const { width, height } = look.icon;
  return new IconLayer<WaitingRider>({
    id: `riders-${look.theme}`,
    data: riders,
    getPosition: ({ lng, lat }) => [lng, lat],
    getIcon: () => 'rider',
    iconAtlas: look.icon as unknown as string,
    iconMapping: { rider: { x: 0, y: 0, width, height, mask: false } },
    getSize: MARK_BOX,
    sizeScale: markScale(look.zoom),
    alphaCutoff: 0.02,
  });
}

/** Lines of latitude and longitude with their degrees, where the map has no roads. */
export function graticuleLayers({ lines, labels }: Graticule, theme: Theme): Layer[] {
  const { ink } = colors[theme];
  return [
    new PathLayer<Graticule['lines'][number]>({
      id: 'graticule',
      data: lines,
      getPath: (line) => line.map(([lng, lat]): [number, number] => [lng, lat]),
      getColor: withAlpha(ink, 46),
      updateTriggers: { getColor: theme },
      widthUnits: 'pixels',
      getWidth: 1,
    }),
    new TextLayer<Graticule['labels'][number]>({
      id: 'graticule-labels',
      data: labels,
      getPosition: ({ position }) => position as [number, number],
      getText: ({ text }) => text,
      getSize: 11.5,
      getColor: withAlpha(ink, 190),
      updateTriggers: { getColor: theme },
      getPixelOffset: [4, -8],
      getTextAnchor: 'start',
      fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
      characterSet: '0123456789.°NSEW ',
    }),
  ];
}

function withAlpha([red, green, blue]: Rgba, alpha: number): Rgba {
  return [red, green, blue, alpha];
}
