import type { Telemetry } from '@hailstream/events';
import type { ProblemCode } from '@hailstream/events/plausibility';
import type { Random } from '@hailstream/service/testing';
import type { CityEvent } from '../../../src/fold/city-state.js';
import type { Item } from './corpus.js';

/** What a fault does to the items of one vehicle; nothing if the vehicle is not affected. */
type ApplyFault = (item: Item, isPoint: boolean) => Item[];

interface FaultyVehicle {
  readonly random: Random;
  readonly ids: () => string;
  readonly deviceId: string;
  readonly faultAt: number;
  readonly intervalMs: number;
}

export interface Fault {
  /** Fewer vehicles would not show it within a minute. */
  readonly leastVehicles?: number;
  /** Whether the fault is possible in a city. */
  readonly suits?: (center: { readonly lat: number; readonly lng: number }) => boolean;
  readonly vehicle: (vehicle: FaultyVehicle) => ApplyFault | undefined;
}

const HALF_HOUR_MS = 1_800_000;

/** A share of the fleet has the fault, from a minimum to all. */
function partly(random: Random, least: number, apply: (vehicle: FaultyVehicle) => ApplyFault): Fault {
  const share = least + random.fraction() * (1 - least);
  return { vehicle: (vehicle) => (random.chance(share) ? apply(vehicle) : undefined) };
}

/** The same item with another event. */
function changed(item: Item, change: (event: CityEvent['event']) => object): Item {
  return {
    ...item,
    input: {
      kind: item.input.kind,
      event: { ...item.input.event, ...change(item.input.event) },
    } as CityEvent,
  };
}

function movedBy(ms: number): ApplyFault {
  return (item) => [
    changed(item, (event) =>
      'timestamp' in event
        ? { timestamp: event.timestamp + ms }
        : { start_time: event.start_time + ms, end_time: event.end_time + ms },
    ),
  ];
}

function relocated(change: (place: { lat: number; lng: number }) => object): ApplyFault {
  return (item) => [
    changed(item, (event) =>
      'location' in event
        ? { location: { ...event.location, ...change(event.location) } }
        : { start_location: { ...event.start_location, ...change(event.start_location) } },
    ),
  ];
}

function faster(factor: number): ApplyFault {
  return (item, isPoint) => {
    if (!isPoint) return [item];
    return [
      changed(item, (event) => {
        const { location } = event as Telemetry;
        return { location: { ...location, speed: (location.speed ?? 0) * factor } };
      }),
    ];
  };
}

function priced(factor: number): ApplyFault {
  return (item) => {
    if (item.input.kind !== 'trips') return [item];
    return [
      changed(item, () => ({
        actual_cost: Math.round(((item.input.event as { actual_cost?: number }).actual_cost ?? 0) * factor),
      })),
    ];
  };
}

function rejectedWith(reason: (random: Random) => string): (vehicle: FaultyVehicle) => ApplyFault {
  return ({ random }) =>
    (item) => [{ ...item, rejected: reason(random) }];
}

/** The faults, each with its own severity. Numbers are those of feeds, not those of the diagnosis. */
export const faults: Readonly<Partial<Record<ProblemCode, (random: Random) => Fault>>> = {
  'swapped-coordinates': (random) => ({
    ...partly(random, 0.25, () => relocated(({ lat, lng }) => ({ lat: lng, lng: lat }))),
    suits: ({ lng }) => Math.abs(lng) <= 90,
  }),
  'wrong-sign': (random) => partly(random, 0.25, () => relocated(({ lng }) => ({ lng: -lng }))),
  'zero-position': (random) =>
    partly(random, 0.25, (vehicle) => {
      const share = 0.5 + 0.5 * vehicle.random.fraction();
      const zero = relocated(() => ({ lat: 0, lng: 0 }));
      return (item, isPoint) => (vehicle.random.chance(share) ? zero(item, isPoint) : [item]);
    }),
  'speed-in-kmh': (random) => partly(random, 0.6, () => faster(3.6)),
  'speed-in-mph': (random) => partly(random, 0.9, () => faster(2.237)),
  'stuck-positions': (random) =>
    partly(random, 0.5, () => {
      let frozen: object | undefined;
      return (item, isPoint) => {
        if (!isPoint) return [item];
        const { lat, lng } = (item.input.event as Telemetry).location;
        frozen ??= { lat, lng };
        const stuck = frozen;
        return relocated(() => stuck)(item, isPoint);
      };
    }),
  'id-reuse': (random) =>
    partly(random, 0.3, ({ deviceId }) => (item, isPoint) => {
      if (!isPoint) return [item];
      return [changed(item, () => ({ telemetry_id: deviceId }))];
    }),
  'fare-in-units': () => ({ leastVehicles: 70, vehicle: () => priced(0.01) }),
  'fare-too-high': () => ({ leastVehicles: 70, vehicle: () => priced(100) }),
  'local-time': (random) => {
    const offset = (1 + random.below(18)) * HALF_HOUR_MS;
    // Ingest does not accept events that are more than five minutes ahead.
    if (random.chance(0.5)) return { vehicle: () => movedBy(-offset) };
    return { vehicle: rejectedWith(() => 'local-time') };
  },
  'clock-ahead': (random) => {
    if (random.chance(0.7)) {
      const ms = 8_000 + random.below(250_000);
      return { vehicle: () => movedBy(ms) };
    }
    return { vehicle: rejectedWith(() => 'clock-ahead') };
  },
  'clock-behind': (random) => {
    const ms = 15_000 + random.below(1_500_000);
    return { vehicle: () => movedBy(-ms) };
  },
  late: (random) => {
    // Each device collects its events and uploads them at intervals, through a queue that takes some time.
    const queueMs = 12_000 + random.below(12_000);
    const everyMs = 15_000 + random.below(20_000);
    return {
      vehicle: (vehicle) => {
        const phase = vehicle.random.below(everyMs);
        let sent = 0;
        return (item) => {
          const upload = Math.ceil((item.receivedAt - phase) / everyMs) * everyMs + phase;
          return [{ ...item, receivedAt: upload + queueMs + ((sent += 1) % 50) }];
        };
      },
    };
  },
  'past-events': (random) => {
    const ms = (2 + random.below(700)) * 86_400_000 + random.below(86_400_000);
    return { vehicle: () => movedBy(-ms) };
  },
  'out-of-order': (random) =>
    partly(random, 0.4, (vehicle) => (item) => [
      { ...item, receivedAt: item.receivedAt + vehicle.random.below(4 * vehicle.intervalMs) },
    ]),
  'repeated-points': (random) =>
    partly(random, 0.5, ({ ids }) => {
      let last: CityEvent | undefined;
      return (item, isPoint) => {
        if (!isPoint) return [item];
        last ??= item.input;
        const again = last;
        return [
          {
            ...item,
            input: { kind: 'telemetry', event: { ...(again.event as Telemetry), telemetry_id: ids() } },
          },
        ];
      };
    }),
  duplicates: (random) => {
    const share = 0.15 + 0.6 * random.fraction();
    return {
      vehicle: (vehicle) => (item) =>
        vehicle.random.chance(share)
          ? [item, { ...item, receivedAt: item.receivedAt + 300 + vehicle.random.below(12_000) }]
          : [item],
    };
  },
  'silent-vehicles': (random) => {
    const share = 0.35 + 0.5 * random.fraction();
    return { vehicle: (vehicle) => (vehicle.random.chance(share) ? () => [] : undefined) };
  },
  stopped: () => ({ vehicle: () => () => [] }),
  'timestamp-in-seconds': (random) =>
    partly(
      random,
      0.3,
      rejectedWith(() => 'timestamp-in-seconds'),
    ),
  'timestamp-as-text': (random) =>
    partly(
      random,
      0.3,
      rejectedWith(() => 'timestamp-as-text'),
    ),
  'other-provider': () => ({ vehicle: rejectedWith(() => 'other-provider') }),
  'invalid-items': (random) => {
    const share = 0.15 + 0.6 * random.fraction();
    const reasons = ['missing device_id', 'invalid trip_ids', 'invalid location.speed', 'unknown-field'];
    return {
      vehicle: (vehicle) => (item) =>
        vehicle.random.chance(share) ? [{ ...item, rejected: vehicle.random.pick(reasons) }] : [item],
    };
  },
};
