import type { Position, RoadEdge, Route } from '@hailstream/roads';
import { Battery } from './battery.js';
import { Car } from './car.js';
import { Device } from './device.js';
import { tripReport, type Journey, type Ride } from './ride.js';
import { trueRide, type Ending } from './true-ride.js';
import type { RideOutcomes, World } from './world.js';

const MINUTE_MS = 60_000;
const SHIFT_MINUTES = [240, 540] as const;
const BREAK_MINUTES = [8, 15] as const;
const ON_DUTY_AT_START = 0.96;

const BOARDING_MS = [8_000, 35_000] as const;
const ALIGHTING_MS = [6_000, 18_000] as const;
const PAUSE_MS = [15_000, 40_000] as const;
const NO_SHOW_CHANCE = 0.02;
const PAUSE_CHANCE = 0.05;

const CRUISE_METERS = 400;
const CRUISE_TURNING_SPEED = 5;

/** Maximum time of one movement: cars do not jump after the process was suspended. */
const MAX_STEP_MS = 2_000;

type Activity =
  | { readonly kind: 'starting' }
  | { readonly kind: 'off-duty'; readonly untilMs: number }
  | { readonly kind: 'cruising' }
  | { readonly kind: 'to-pickup'; readonly journey: Journey }
  | { readonly kind: 'boarding'; readonly journey: Journey; readonly untilMs: number }
  | { readonly kind: 'riding'; readonly journey: Journey; readonly nextLeg: readonly RoadEdge[] | undefined }
  | {
      readonly kind: 'pausing';
      readonly journey: Journey;
      readonly untilMs: number;
      readonly nextLeg: readonly RoadEdge[];
    }
  | { readonly kind: 'alighting'; readonly journey: Journey; readonly untilMs: number };

/** Simulates a car with its driver and its device, in steps of a second: the driver's shifts and rides. */
export class Vehicle {
  readonly deviceId: string;
  private readonly world: World;
  private readonly outcomes: RideOutcomes;
  private readonly driverId: string;
  private readonly car: Car;
  private readonly battery: Battery;
  private readonly device: Device;
  private activity: Activity = { kind: 'starting' };
  private shiftId = '';
  private shiftEndsMs = 0;
  private lastStepMs: number | undefined;

  constructor(options: {
    deviceId: string;
    driverId: string;
    node: number;
    world: World;
    outcomes: RideOutcomes;
  }) {
    const { deviceId, world } = options;
    this.deviceId = deviceId;
    this.driverId = options.driverId;
    this.world = world;
    this.outcomes = options.outcomes;
    this.car = new Car(world, options.node);
    this.battery = new Battery(deviceId);
    this.device = new Device(deviceId, world, () => ({
      location: this.car.location(),
      journey: this.journey,
      battery: this.battery.percent,
    }));
  }

  /** Whether the car can be assigned to a rider. */
  get isAvailable(): boolean {
    return this.activity.kind === 'cruising' && this.device.hasContact;
  }

  get position(): Position {
    return this.car.position;
  }

  /** Route to a node, and the driver's estimate of its duration. */
  routeTo(node: number): { route: Route; ms: number } {
    return this.car.routeTo(node);
  }

  /** Accepts a ride and drives to the rider. */
  accept(ride: Ride, nowMs: number): void {
    const { route, ms } = this.routeTo(ride.from);
    const journey: Journey = {
      ride,
      journeyId: this.world.ids.next(nowMs),
      dispatchedMs: nowMs,
      pickupEstimatedMs: Math.round(nowMs + ms),
      assignedMs: nowMs,
      deadheadMeters: 0,
      startedMs: 0,
      startLocation: ride.location,
      meters: 0,
      waitingMs: 0,
    };
    this.activity = { kind: 'to-pickup', journey };
    this.car.driveAlong(route.edges, 0);
    this.device.change('reservation_start', 'reserved', nowMs);
    journey.assignedMs = this.device.lastEventMs;
  }

  step(nowMs: number): void {
    this.advance(nowMs);
    this.device.updateContact(nowMs);
    // Without contact the driver cannot receive instructions, so changes of the activity are delayed.
    if (this.device.hasContact) this.act(nowMs);
    const standing = this.activity.kind === 'off-duty' ? 'offDuty' : 'standing';
    this.device.emitTelemetry(this.car.isMoving ? 'moving' : standing, nowMs);
  }

  /** Ends the current activity and goes out of service: the state in which the next run starts. */
  close(nowMs: number): void {
    this.advance(nowMs);
    this.device.regainContact(nowMs);
    const activity = this.activity;
    switch (activity.kind) {
      case 'starting':
      case 'off-duty':
        return;
      case 'cruising':
        break;
      case 'to-pickup':
      case 'boarding':
        this.device.change('provider_cancellation', 'available', nowMs);
        this.ended(activity.journey, { kind: 'cancelled', atMs: this.device.lastEventMs, by: 'provider' });
        break;
      case 'riding':
        this.device.change('trip_stop', 'stopped', nowMs);
        this.endTrip(activity.journey, nowMs);
        break;
      case 'pausing':
      case 'alighting':
        this.endTrip(activity.journey, nowMs);
    }
    this.activity = { kind: 'cruising' };
    this.goOffDuty(nowMs, nowMs);
  }

  private act(nowMs: number): void {
    const activity = this.activity;
    const hasArrived = !this.car.isMoving;
    switch (activity.kind) {
      case 'starting':
        this.start(nowMs);
        return;
      case 'off-duty':
        if (nowMs >= activity.untilMs) this.goOnDuty(nowMs, this.minutes(SHIFT_MINUTES));
        return;
      case 'cruising':
        if (!hasArrived) return;
        if (nowMs >= this.shiftEndsMs) this.goOffDuty(nowMs, nowMs + this.minutes(BREAK_MINUTES));
        else this.cruise();
        return;
      case 'to-pickup':
        if (nowMs >= activity.journey.ride.cancelsMs) this.onRiderCancelled(activity.journey, nowMs);
        else if (hasArrived) this.waitForRider(activity.journey, nowMs);
        return;
      case 'boarding':
        if (nowMs >= activity.untilMs) this.startTrip(activity.journey, nowMs);
        return;
      case 'riding':
        if (hasArrived) this.stopOnTrip(activity, nowMs);
        return;
      case 'pausing':
        if (nowMs < activity.untilMs) return;
        this.activity = { kind: 'riding', journey: activity.journey, nextLeg: undefined };
        this.car.driveAlong(activity.nextLeg, 0);
        this.device.change('trip_resume', 'on_trip', nowMs);
        return;
      case 'alighting':
        if (nowMs < activity.untilMs) return;
        this.endTrip(activity.journey, nowMs);
        this.activity = { kind: 'cruising' };
        this.cruise();
    }
  }

  /**
   * Starts the device. Its last reported state is unknown; losing and regaining contact are valid transitions from any
   * state.
   */
  private start(nowMs: number): void {
    const { random } = this.world;
    this.device.change('comms_lost', 'non_contactable', nowMs);
    this.device.change('comms_restored', 'non_operational', nowMs);
    if (random.chance(ON_DUTY_AT_START)) {
      this.goOnDuty(nowMs, this.minutes(SHIFT_MINUTES) * random.fraction());
    } else {
      const untilMs = nowMs + this.minutes(BREAK_MINUTES) * random.fraction();
      this.activity = { kind: 'off-duty', untilMs };
    }
  }

  private goOnDuty(nowMs: number, shiftMs: number): void {
    this.shiftId = this.world.ids.next(nowMs);
    this.shiftEndsMs = nowMs + shiftMs;
    this.activity = { kind: 'cruising' };
    this.device.change('service_start', 'available', nowMs);
    this.cruise();
  }

  private goOffDuty(nowMs: number, untilMs: number): void {
    this.device.change('service_end', 'non_operational', nowMs);
    this.activity = { kind: 'off-duty', untilMs };
    this.car.park();
  }

  private onRiderCancelled(journey: Journey, nowMs: number): void {
    this.device.change('passenger_cancellation', 'available', nowMs);
    this.outcomes.cancelledByRider(journey.ride, nowMs);
    this.ended(journey, { kind: 'cancelled', atMs: nowMs, by: 'rider' });
    this.activity = { kind: 'cruising' };
    this.cruise();
  }

  private waitForRider(journey: Journey, nowMs: number): void {
    this.activity = {
      kind: 'boarding',
      journey,
      untilMs: nowMs + this.world.random.between(...BOARDING_MS),
    };
    this.device.change('reservation_stop', 'stopped', nowMs);
  }

  private startTrip(journey: Journey, nowMs: number): void {
    const { random } = this.world;
    if (random.chance(NO_SHOW_CHANCE)) {
      this.device.change('driver_cancellation', 'available', nowMs);
      this.ended(journey, { kind: 'cancelled', atMs: this.device.lastEventMs, by: 'driver' });
      this.activity = { kind: 'cruising' };
      this.cruise();
      return;
    }
    const { edges } = this.car.routeTo(journey.ride.to).route;
    const pauseAt = random.chance(PAUSE_CHANCE) ? Math.floor(edges.length * random.between(0.3, 0.7)) : 0;
    const nextLeg = pauseAt > 0 ? edges.slice(pauseAt) : undefined;
    this.activity = { kind: 'riding', journey, nextLeg };
    this.device.change('trip_start', 'on_trip', nowMs);
    journey.startedMs = this.device.lastEventMs;
    journey.startLocation = this.car.location();
    this.car.driveAlong(nextLeg === undefined ? edges : edges.slice(0, pauseAt), 0);
  }

  private stopOnTrip({ journey, nextLeg }: Activity & { kind: 'riding' }, nowMs: number): void {
    const { random } = this.world;
    this.activity =
      nextLeg === undefined
        ? { kind: 'alighting', journey, untilMs: nowMs + random.between(...ALIGHTING_MS) }
        : { kind: 'pausing', journey, nextLeg, untilMs: nowMs + random.between(...PAUSE_MS) };
    this.device.change('trip_stop', 'stopped', nowMs);
  }

  private endTrip(journey: Journey, nowMs: number): void {
    this.device.change('trip_end', 'available', nowMs);
    const { emit, providerId, random } = this.world;
    const end = {
      deviceId: this.deviceId,
      driverId: this.driverId,
      shiftId: this.shiftId,
      providerId,
      endMs: this.device.lastEventMs,
      location: this.car.location(),
    };
    emit('trips', tripReport(journey, end, random));
    this.outcomes.completed(journey, nowMs);
    this.ended(journey, { kind: 'completed', atMs: end.endMs });
  }

  private ended(journey: Journey, ending: Ending): void {
    const { providerId, onRideEnded } = this.world;
    onRideEnded(
      trueRide(journey.ride, { providerId, ending, assigned: { deviceId: this.deviceId, journey } }),
    );
  }

  private get journey(): Journey | undefined {
    return 'journey' in this.activity ? this.activity.journey : undefined;
  }

  private cruise(): void {
    const { demand, random } = this.world;
    const node = demand.placeAtDistance(this.car.nextNode, CRUISE_METERS, random);
    this.car.driveAlong(this.car.routeTo(node).route.edges, CRUISE_TURNING_SPEED);
  }

  /** Moves the car until `nowMs`. */
  private advance(nowMs: number): void {
    const elapsedMs = Math.min(MAX_STEP_MS, nowMs - (this.lastStepMs ?? nowMs));
    this.lastStepMs = nowMs;
    this.move(elapsedMs);
  }

  private move(elapsedMs: number): void {
    const { meters, isWaiting } = this.car.move(elapsedMs);
    const activity = this.activity;
    if (activity.kind === 'off-duty') this.battery.charge(elapsedMs);
    else this.battery.drive(meters);
    if (activity.kind === 'to-pickup') activity.journey.deadheadMeters += meters;
    if (activity.kind !== 'riding' && activity.kind !== 'pausing' && activity.kind !== 'alighting') return;
    activity.journey.meters += meters;
    if (isWaiting) activity.journey.waitingMs += elapsedMs;
  }

  private minutes(range: readonly [number, number]): number {
    return this.world.random.between(...range) * MINUTE_MS;
  }
}
