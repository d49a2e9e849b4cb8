import type { CellRow, Frame } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { CountedCells } from './counted-cells.js';
import { statesOnMap } from './drawn-state.js';

const frame = (cells?: readonly CellRow[]) => ({ ...(cells && { cells }) }) as unknown as Frame;
const drawn = (cells: CountedCells) => cells.drawn(new Set()).map(({ count }) => count);

describe('CountedCells', () => {
  it('keeps cells until a frame changes or empties them, or a snapshot replaces all', () => {
    const cells = new CountedCells();
    cells.apply(
      frame([
        [43.7, 7.4, { available: 3, on_trip: 2 }],
        [43.8, 7.4, { unknown: 1 }],
      ]),
      { whole: true },
    );
    expect([drawn(cells), cells.isCounted]).toEqual([[5, 1], true]);
    cells.apply(
      frame([
        [43.7, 7.4, { available: 4 }],
        [43.8, 7.4, {}],
      ]),
      { whole: false },
    );
    expect(drawn(cells)).toEqual([4]);
    cells.apply(frame([]), { whole: false });
    expect([drawn(cells), cells.isCounted]).toEqual([[4], true]);
    cells.apply(frame(), { whole: true });
    expect([drawn(cells), cells.isCounted]).toEqual([[], false]);
  });

  it('counts only states that are drawn and not hidden', () => {
    const cells = new CountedCells();
    cells.apply(frame([[0, 0, { available: 3, on_trip: 2, elsewhere: 7, unknown: 1 }]]), { whole: true });
    const [cell] = cells.drawn(new Set(['on_trip']));
    expect(cell).toMatchObject({ x: 0.5, y: 0.5, count: 4 });
    expect(cell?.countByKind[statesOnMap.indexOf('available')]).toBe(3);
    expect(cell?.countByKind[statesOnMap.indexOf('on_trip')]).toBe(0);
    expect(cells.drawn(new Set(statesOnMap))).toEqual([]);
  });
});
