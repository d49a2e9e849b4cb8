import type { Figures, VehicleRow } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { Fleet } from '../city-state/fleet.js';
import { layOutMarks, placeMarks } from './mark-columns.js';

const rows: VehicleRow[] = [
  ['trip', 1, 2, 90, 5, 'on_trip', 'live', 0, 25],
  ['gone', 1, 2, 90, 5, 'elsewhere', 'live', 0],
  ['stop', 1, 2, 90, 0, 'stopped', 'live', 0],
  ['old', 1, 2, null, 0, 'available', 'stale', 0],
  ['new', 1, 2, 10, 0, null, 'live', 0, 60],
];
const atlas = { canvas: {} as HTMLCanvasElement, iconOf: () => new Float32Array(7) };

function layOut(
  options: {
    hidden?: 'stopped';
    battery?: number;
    contact?: 'quiet';
    selected?: string;
    colorOf?: () => number;
  } = {},
) {
  const fleet = new Fleet();
  const frame = {
    asOf: 0,
    tickMs: 1000,
    providers: { 0: 'p' },
    vehicles: rows,
    gone: [],
    requests: [],
    requestsGone: [],
    figures: {} as Figures,
  };
  fleet.apply(frame, { now: 0, whole: true, glides: true });
  const hidden = new Set(options.hidden === undefined ? [] : [options.hidden]);
  const selected = options.selected === undefined ? null : { deviceId: options.selected, providerId: 'p' };
  const columns = layOutMarks(fleet, {
    filter: { hidden, battery: options.battery ?? null, contact: options.contact ?? 'any' },
    selected,
    atlas,
    colorOf: options.colorOf ?? null,
  });
  placeMarks(fleet, columns, 0);
  return columns;
}

const idsOf = ({ vehicles }: ReturnType<typeof layOut>) => vehicles.map(({ deviceId }) => deviceId);

describe('layOutMarks', () => {
  it('orders marks by state, and leaves out vehicles that are elsewhere', () => {
    expect(idsOf(layOut())).toEqual(['new', 'stop', 'old', 'trip']);
  });

  it('leaves out the states that are hidden', () => {
    expect(idsOf(layOut({ hidden: 'stopped' }))).toEqual(['new', 'old', 'trip']);
  });

  it('leaves out other battery levels and contacts', () => {
    expect(idsOf(layOut({ battery: 30 }))).toEqual(['trip']);
    expect(idsOf(layOut({ contact: 'quiet' }))).toEqual(['old']);
  });

  it('fades stale vehicles, and all but the selected one', () => {
    const alphas = (columns: ReturnType<typeof layOut>) => [3, 7, 11, 15].map((at) => columns.colors[at]);
    expect(alphas(layOut())).toEqual([255, 255, 90, 255]);
    const [unknown, stopped, stale, trip] = alphas(layOut({ selected: 'trip' }));
    expect(trip).toBe(255);
    expect([unknown! < 128, stopped! < 128, stale! < 90]).toEqual([true, true, true]);
  });

  it('has the kinds of the colours: states, or providers', () => {
    expect([...layOut().kinds]).toEqual([1, 3, 4, 6]);
    expect([...layOut({ colorOf: () => 2 }).kinds]).toEqual([2, 2, 2, 2]);
  });

  it('rotates only arrows, and only by a known heading', () => {
    expect([...layOut().angles]).toEqual([0, 0, 0, -90]);
  });
});
