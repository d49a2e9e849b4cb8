import type { RiderEventType, VehicleEventType } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { courseOf, OPEN_FOR_MS, stateOf } from './trip-course.js';
import type { TripEvents } from './trip-events.js';

type Step = readonly [at: number, type: VehicleEventType | RiderEventType, device?: string];

/** Events of a trip: those of riders start with `ride_`. */
function eventsOf(steps: readonly Step[]): TripEvents {
  const isOfRider = ([, type]: Step): boolean => type.startsWith('ride_');
  return {
    vehicle: steps
      .filter((step) => !isOfRider(step))
      .map(([at, type, deviceId = 'car'], index) => ({
        id: `v${index}`,
        deviceId,
        types: [type as VehicleEventType],
        fix: { at, lat: 0, lng: 0, speed: null, heading: null, accuracy: null },
      })),
    rider: steps
      .filter(isOfRider)
      .map(([at, type], index) => ({ id: `r${index}`, riderId: 'rider', type: type as RiderEventType, at })),
  };
}

function course(...steps: Step[]) {
  const result = courseOf(eventsOf(steps))!;
  const { requestedAt, assigned, pickedUp, droppedOff, cancelled, stage, deviceId } = result;
  return {
    stage,
    deviceId,
    requestedAt,
    assignedAt: assigned?.fix.at ?? null,
    pickedUpAt: pickedUp?.fix.at ?? null,
    droppedOffAt: droppedOff?.fix.at ?? null,
    cancelled: cancelled === null ? null : [cancelled.at, cancelled.by],
  };
}

describe(courseOf, () => {
  it('has the times of a completed trip', () => {
    expect(
      course(
        [1, 'ride_request'],
        [2, 'reservation_start'],
        [3, 'reservation_stop'],
        [4, 'trip_start'],
        [5, 'trip_stop'],
        [6, 'trip_resume'],
        [7, 'trip_stop'],
        [8, 'trip_end'],
        [9, 'ride_rating'],
      ),
    ).toEqual({
      stage: 'completed',
      deviceId: 'car',
      requestedAt: 1,
      assignedAt: 2,
      pickedUpAt: 4,
      droppedOffAt: 8,
      cancelled: null,
    });
  });

  it.each([
    ['driver_cancellation', 'driver'],
    ['passenger_cancellation', 'rider'],
    ['provider_cancellation', 'provider'],
    ['ride_cancel', 'rider'],
  ] as const)('is cancelled by %s', (type, by) => {
    expect(course([1, 'ride_request'], [2, 'reservation_start'], [3, type])).toMatchObject({
      stage: 'cancelled',
      assignedAt: 2,
      cancelled: [3, by],
    });
  });

  it('is cancelled when the first party has cancelled it', () => {
    expect(
      course([2, 'reservation_start'], [5, 'passenger_cancellation'], [4, 'ride_cancel']).cancelled,
    ).toEqual([4, 'rider']);
    expect(
      course([2, 'reservation_start'], [4, 'driver_cancellation'], [5, 'ride_cancel']).cancelled,
    ).toEqual([4, 'driver']);
  });

  it('continues with another vehicle after a driver has cancelled', () => {
    expect(
      course(
        [1, 'ride_request'],
        [2, 'reservation_start', 'first'],
        [3, 'driver_cancellation', 'first'],
        [4, 'reservation_start', 'second'],
        [5, 'trip_start', 'second'],
        [6, 'trip_end', 'second'],
      ),
    ).toMatchObject({ stage: 'completed', deviceId: 'second', assignedAt: 4, cancelled: null });
  });

  it('is open while no event ends it', () => {
    expect(course([1, 'ride_request'])).toMatchObject({ stage: 'open', deviceId: null });
    expect(course([1, 'ride_cancel'], [2, 'reservation_start'])).toMatchObject({ stage: 'open' });
    expect(course([1, 'trip_start'], [2, 'comms_lost'])).toMatchObject({ stage: 'open', pickedUpAt: 1 });
  });

  it('is incomplete if the start of its end was never sent, or only a rating', () => {
    expect(course([1, 'ride_request'], [3, 'trip_end'])).toMatchObject({
      stage: 'incomplete',
      droppedOffAt: 3,
    });
    expect(course([3, 'trip_end'], [4, 'trip_start'])).toMatchObject({ stage: 'incomplete' });
    expect(course([1, 'ride_rating'])).toMatchObject({ stage: 'incomplete' });
  });

  it('has no result without events', () => {
    expect(courseOf({ vehicle: [], rider: [] })).toBeNull();
  });
});

describe(stateOf, () => {
  const open = courseOf(eventsOf([[1_000, 'trip_start']]))!;

  it('is in progress for 24 hours after the last event, unless the vehicle has done something else', () => {
    expect(stateOf(open, { isSuperseded: false, nowMs: 1_000 + OPEN_FOR_MS })).toBe('in_progress');
    expect(stateOf(open, { isSuperseded: false, nowMs: 1_001 + OPEN_FOR_MS })).toBe('incomplete');
    expect(stateOf(open, { isSuperseded: true, nowMs: 2_000 })).toBe('incomplete');
  });
});
