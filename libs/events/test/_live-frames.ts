import fc from 'fast-check';
import { vehicleStates } from '../src/families/vehicle-states.js';
import type { CellRow, LiveFrame, VehicleRow } from '../src/live/index.js';
import type { FrameNumbers } from '../src/live-binary/live-frame-codec.js';

const PROVIDERS = ['0195a0c4-7a10-7000-8000-0000000000aa', '0195a0c4-7a10-7000-8000-0000000000ab'];

/** A frame with the numbers of its vehicles. */
interface NumberedFrame {
  readonly whole: boolean;
  readonly frame: LiveFrame;
  readonly numbers: FrameNumbers;
}

type FrameParts = Pick<LiveFrame, 'vehicles' | 'gone'> & { readonly cells?: readonly CellRow[] };

export function frameWith(parts: FrameParts): LiveFrame {
  return {
    epoch: 81_985_529_216_486,
    sequence: 7,
    view: 'all:13:1-4:2+5',
    asOf: 1_760_000_000_000,
    tickMs: 500,
    providers: { 0: PROVIDERS[0]!, 1: PROVIDERS[1]! },
    requests: [[deviceIdOf(9), 43.7, 7.4, 1_759_999_990_000, 1]],
    requestsGone: [[deviceIdOf(10), 0]],
    figures: {
      byState: {
        available: 4,
        reserved: 0,
        on_trip: 2,
        stopped: 0,
        non_operational: 0,
        non_contactable: 0,
        elsewhere: 0,
        removed: 0,
        unknown: 1,
      },
      silent: 3,
      eventsPerSecond: 17,
      newestEventAt: null,
      newestReceivedAt: 1_760_000_000_001,
      tripsNow: 2,
      requestsWaiting: 1,
      longestWaitMs: 10_000,
      cancellations: 0,
    },
    ...parts,
  };
}

export function deviceIdOf(n: number): string {
  return `0195a0c4-7a10-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

const millionths = (limit: number): fc.Arbitrary<number> =>
  fc.integer({ min: -limit * 1e6, max: limit * 1e6 }).map((parts) => parts / 1e6);
const tenths = (max: number): fc.Arbitrary<number | null> =>
  fc.option(fc.integer({ min: 0, max: max * 10 }).map((parts) => parts / 10));

/** A vehicle's row without its id and provider, with the highest heading and speed that ingest accepts. */
const look = fc.tuple(
  millionths(90),
  millionths(180),
  tenths(360),
  tenths(1_000),
  fc.constantFrom(null, ...vehicleStates),
  fc.constantFrom('live' as const, 'stale' as const, 'silent' as const),
);

const cell: fc.Arbitrary<CellRow> = fc.tuple(
  millionths(90),
  millionths(180),
  fc.dictionary(fc.constantFrom('unknown', ...vehicleStates), fc.integer({ min: 1, max: 100_000 })),
);

const step = fc.record({
  whole: fc.boolean(),
  present: fc.array(fc.tuple(fc.nat(12), fc.tuple(look, fc.option(fc.nat(100)))), { maxLength: 8 }),
  gone: fc.array(fc.nat(12), { maxLength: 4 }),
  cells: fc.option(fc.array(cell, { maxLength: 5 }), { nil: undefined }),
});

/** Frames as one room is sent them: the first one is a snapshot, and vehicles are introduced and gone in turn. */
export const frameSequences: fc.Arbitrary<NumberedFrame[]> = fc
  .tuple(
    fc.array(step, { minLength: 1, maxLength: 8 }),
    fc.array(fc.nat(2 ** 32 - 1), { minLength: 13, maxLength: 13 }),
  )
  .map(([steps, offsets]) => {
    const numbers = offsets.map((offset, vehicle) => offset * 16 + vehicle);
    let known = new Set<number>();
    return steps.map(({ whole: isWhole, present, gone, cells }, index) => {
      const whole = isWhole || index === 0;
      if (whole) known = new Set();
      const rows = new Map(present);
      const before = new Set(known);
      const left = [...new Set(gone)].filter((vehicle) => before.has(vehicle) && !rows.has(vehicle));
      for (const vehicle of left) known.delete(vehicle);
      for (const vehicle of rows.keys()) known.add(vehicle);
      const order = [...rows.keys()];
      const vehicles = [...rows].map(([vehicle, [values, battery]]): VehicleRow => {
        const row = [deviceIdOf(vehicle), ...values, vehicle % 2] as const;
        return battery === null ? row : [...row, battery];
      });
      return {
        whole,
        frame: frameWith({
          vehicles,
          gone: left.map((vehicle) => [deviceIdOf(vehicle), vehicle % 2]),
          ...(cells !== undefined && { cells }),
        }),
        numbers: {
          vehicles: order.map((vehicle) => numbers[vehicle]!),
          gone: left.map((vehicle) => numbers[vehicle]!),
          isIntroduced: (at: number) => !before.has(order[at]!),
        },
      };
    });
  });
