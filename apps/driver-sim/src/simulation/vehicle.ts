import type { Location, Telemetry, VehicleEventType, VehicleState } from '@hailstream/events';
import type { Position } from '../geo/geo.js';
import type { RoadEdge } from '../roads/road-graph.js';
import type { Route } from '../roads/router.js';
import { Drive, toTheRight } from './drive.js';
import { tripReport, WAITING_SPEED, type Journey, type Ride } from './ride.js';
import type { RideOutcomes, World } from './world.js';

const MINUTE_MS = 60_000;
const SHIFT_MINUTES = [240, 540] as const;
const BREAK_MINUTES = [8, 15] as const;
const ON_DUTY_AT_START = 0.96;

/** Parked cars report less often. */
const TELEMETRY_EVERY_MS = { moving: 0, standing: 5_000, offDuty: 20_000 };

/** Probability per second that a car on duty loses contact. About one in a hundred has no contact at a time. */
const CONTACT_LOSS_CHANCE = 0.000_2;
const NO_CONTACT_MS = [20_000, 90_000] as const;

const BOARDING_MS = [8_000, 35_000] as const;
const ALIGHTING_MS = [6_000, 18_000] as const;
const PAUSE_MS = [15_000, 40_000] as const;
const NO_SHOW_CHANCE = 0.02;
const PAUSE_CHANCE = 0.05;

/** Ratio of the driver's estimate to the time at the speed limits. */
const ESTIMATE_FACTOR = 1.35;
const CRUISE_METERS = 400;
const CRUISE_TURNING_SPEED = 5;

/** Maximum time of one movement: cars do not jump after the process was suspended. */
const MAX_STEP_MS = 2_000;

/** Noise of the GPS receiver: a random walk with decay, per second. */
const NOISE_STEP_METERS = 0.35;
const NOISE_MEMORY = 0.9;
const LANE_OFFSET_METERS = 1.6;
const ACCURACY_METERS = 4;

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

/** Simulates a car with its driver and its device, in steps of a second, and emits the events of the device. */
export class Vehicle {
  readonly deviceId: string;
  private readonly world: World;
  private readonly outcomes: RideOutcomes;
  private readonly driverId: string;
  private readonly speedFactor: number;
  private readonly noise = { north: 0, east: 0 };
  private activity: Activity = { kind: 'starting' };
  private state: VehicleState = 'non_operational';
  private drive: Drive | undefined;
  private place: Position & { node: number; cameFrom: number | undefined; heading: number };
  private shiftId = '';
  private shiftEndsMs = 0;
  private contactBackMs: number | undefined;
  /** Telemetry that the device buffers while it has no contact; bounded by {@link NO_CONTACT_MS}. */
  private buffered: Telemetry[] = [];
  private lastStepMs: number | undefined;
  private lastEventMs = 0;
  private lastTelemetryMs = -Infinity;

  constructor(options: {
    deviceId: string;
    driverId: string;
    node: number;
    world: World;
    outcomes: RideOutcomes;
  }) {
    const { world, node } = options;
    this.deviceId = options.deviceId;
    this.driverId = options.driverId;
    this.world = world;
    this.outcomes = options.outcomes;
    this.speedFactor = world.random.between(0.85, 1.1);
    const { lat, lng, edges } = world.graph.nodes[node]!;
    this.place = { lat, lng, node, cameFrom: undefined, heading: edges[0]?.heading ?? 0 };
  }

  /** Whether the car can be assigned to a rider. */
  get isAvailable(): boolean {
    return this.activity.kind === 'cruising' && this.contactBackMs === undefined;
  }

  get position(): Position {
    return this.place;
  }

  /** Route to a node, and the driver's estimate of its duration. */
  routeTo(node: number): { route: Route; ms: number } {
    const on = this.drive?.onEdge;
    const route =
      on === undefined
        ? this.world.router.route(this.place.node, node, this.place.cameFrom)
        : this.world.router.route(on.edge.to, node, on.edge.from);
    return { route, ms: route.seconds * ESTIMATE_FACTOR * 1_000 };
  }

  /** Accepts a ride and drives to the rider. */
  accept(ride: Ride, nowMs: number): void {
    const { route, ms } = this.routeTo(ride.from);
    const journey: Journey = {
      ride,
      journeyId: this.world.ids.next(nowMs),
      dispatchedMs: nowMs,
      pickupEstimatedMs: Math.round(nowMs + ms),
      startedMs: 0,
      startLocation: ride.location,
      meters: 0,
      waitingMs: 0,
    };
    this.activity = { kind: 'to-pickup', journey };
    this.driveAlong(route.edges, 0);
    this.change('reservation_start', 'reserved', nowMs);
  }

  step(nowMs: number): void {
    const elapsedMs = Math.min(MAX_STEP_MS, nowMs - (this.lastStepMs ?? nowMs));
    this.lastStepMs = nowMs;
    this.move(elapsedMs);
    this.updateContact(nowMs);
    // Without contact the driver cannot receive instructions, so changes of the activity are delayed.
    if (this.contactBackMs === undefined) this.act(nowMs);
    this.emitTelemetry(nowMs);
  }

  /** Ends the current activity and goes out of service: the state in which the next run starts. */
  close(nowMs: number): void {
    if (this.contactBackMs !== undefined) this.regainContact(nowMs);
    const activity = this.activity;
    switch (activity.kind) {
      case 'starting':
      case 'off-duty':
        return;
      case 'cruising':
        break;
      case 'to-pickup':
      case 'boarding':
        this.change('provider_cancellation', 'available', nowMs);
        break;
      case 'riding':
        this.change('trip_stop', 'stopped', nowMs);
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
    const hasArrived = this.drive?.isDone ?? true;
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
        this.driveAlong(activity.nextLeg, 0);
        this.change('trip_resume', 'on_trip', nowMs);
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
    this.change('comms_lost', 'non_contactable', nowMs);
    this.change('comms_restored', 'non_operational', nowMs);
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
    this.change('service_start', 'available', nowMs);
    this.cruise();
  }

  private goOffDuty(nowMs: number, untilMs: number): void {
    this.change('service_end', 'non_operational', nowMs);
    this.activity = { kind: 'off-duty', untilMs };
    this.drive = undefined;
  }

  private onRiderCancelled(journey: Journey, nowMs: number): void {
    this.change('passenger_cancellation', 'available', nowMs);
    this.outcomes.cancelledByRider(journey.ride, nowMs);
    this.activity = { kind: 'cruising' };
    this.cruise();
  }

  private waitForRider(journey: Journey, nowMs: number): void {
    this.activity = {
      kind: 'boarding',
      journey,
      untilMs: nowMs + this.world.random.between(...BOARDING_MS),
    };
    this.change('reservation_stop', 'stopped', nowMs);
  }

  private startTrip(journey: Journey, nowMs: number): void {
    const { random, router } = this.world;
    if (random.chance(NO_SHOW_CHANCE)) {
      this.change('driver_cancellation', 'available', nowMs);
      this.activity = { kind: 'cruising' };
      this.cruise();
      return;
    }
    const { edges } = router.route(this.place.node, journey.ride.to, this.place.cameFrom);
    const pauseAt = random.chance(PAUSE_CHANCE) ? Math.floor(edges.length * random.between(0.3, 0.7)) : 0;
    const nextLeg = pauseAt > 0 ? edges.slice(pauseAt) : undefined;
    this.activity = { kind: 'riding', journey, nextLeg };
    this.change('trip_start', 'on_trip', nowMs);
    journey.startedMs = this.lastEventMs;
    journey.startLocation = this.location();
    this.driveAlong(nextLeg === undefined ? edges : edges.slice(0, pauseAt), 0);
  }

  private stopOnTrip({ journey, nextLeg }: Activity & { kind: 'riding' }, nowMs: number): void {
    const { random } = this.world;
    this.activity =
      nextLeg === undefined
        ? { kind: 'alighting', journey, untilMs: nowMs + random.between(...ALIGHTING_MS) }
        : { kind: 'pausing', journey, nextLeg, untilMs: nowMs + random.between(...PAUSE_MS) };
    this.change('trip_stop', 'stopped', nowMs);
  }

  private endTrip(journey: Journey, nowMs: number): void {
    this.change('trip_end', 'available', nowMs);
    const { emit, providerId, random } = this.world;
    const end = {
      deviceId: this.deviceId,
      driverId: this.driverId,
      shiftId: this.shiftId,
      providerId,
      endMs: this.lastEventMs,
      location: this.location(),
    };
    emit('trips', tripReport(journey, end, random));
    this.outcomes.completed(journey, nowMs);
  }

  private updateContact(nowMs: number): void {
    if (this.contactBackMs !== undefined) {
      if (nowMs >= this.contactBackMs) this.regainContact(nowMs);
      return;
    }
    if (this.state === 'non_operational' || !this.world.random.chance(CONTACT_LOSS_CHANCE)) return;
    this.contactBackMs = nowMs + this.world.random.between(...NO_CONTACT_MS);
    // Reported by the operator, because the device has no contact.
    this.emitEvent('comms_lost', 'non_contactable', nowMs);
  }

  private regainContact(nowMs: number): void {
    this.contactBackMs = undefined;
    for (const point of this.buffered) this.world.emit('telemetry', point);
    this.buffered = [];
    this.emitEvent('comms_restored', this.state, nowMs);
  }

  private change(eventType: VehicleEventType, state: VehicleState, nowMs: number): void {
    this.state = state;
    this.emitEvent(eventType, state, nowMs);
  }

  private emitEvent(eventType: VehicleEventType, state: VehicleState, nowMs: number): void {
    const { emit, ids, providerId } = this.world;
    // Timestamps are unique, so that they determine the order of the events.
    const timestamp = Math.max(nowMs, this.lastEventMs + 1);
    this.lastEventMs = timestamp;
    const tripId = this.journey?.ride.tripId;
    emit('vehicle-events', {
      device_id: this.deviceId,
      provider_id: providerId,
      event_id: ids.next(timestamp),
      vehicle_state: state,
      event_types: [eventType],
      timestamp,
      location: this.location(),
      ...(tripId !== undefined && { trip_ids: [tripId] }),
    });
  }

  private emitTelemetry(nowMs: number): void {
    const isMoving = this.drive?.isDone === false;
    const isOffDuty = this.activity.kind === 'off-duty';
    const every = isMoving ? 'moving' : isOffDuty ? 'offDuty' : 'standing';
    if (nowMs - this.lastTelemetryMs < TELEMETRY_EVERY_MS[every]) return;
    this.lastTelemetryMs = nowMs;
    const { emit, ids, providerId } = this.world;
    const journey = this.journey;
    const point: Telemetry = {
      device_id: this.deviceId,
      provider_id: providerId,
      telemetry_id: ids.next(nowMs),
      timestamp: nowMs,
      trip_ids: journey === undefined ? null : [journey.ride.tripId],
      journey_id: journey?.journeyId ?? null,
      location: this.location(),
      location_type: 'street',
    };
    if (this.contactBackMs === undefined) emit('telemetry', point);
    else this.buffered.push(point);
  }

  private get journey(): Journey | undefined {
    return 'journey' in this.activity ? this.activity.journey : undefined;
  }

  private location(): Location {
    const { lat, lng, heading } = this.place;
    const inLane = toTheRight({ lat, lng }, heading, LANE_OFFSET_METERS, this.noise);
    return {
      lat: Number(inLane.lat.toFixed(6)),
      lng: Number(inLane.lng.toFixed(6)),
      heading: Math.round(heading) % 360,
      speed: this.drive?.isDone === false ? Math.round(this.drive.speed * 10) / 10 : 0,
      horizontal_accuracy: ACCURACY_METERS,
    };
  }

  private cruise(): void {
    const { demand, random } = this.world;
    const from = this.drive?.onEdge?.edge.to ?? this.place.node;
    this.driveAlong(
      this.routeTo(demand.placeAtDistance(from, CRUISE_METERS, random)).route.edges,
      CRUISE_TURNING_SPEED,
    );
  }

  /** Drives along edges that start at the end of the current edge, or at the current node if the car is parked. */
  private driveAlong(edges: readonly RoadEdge[], endSpeed: number): void {
    const on = this.drive?.isDone === false ? this.drive.onEdge : undefined;
    this.drive = new Drive({
      graph: this.world.graph,
      edges: on === undefined ? edges : [on.edge, ...edges],
      startMeters: on?.meters ?? 0,
      startSpeed: this.drive?.speed ?? 0,
      endSpeed,
      speedFactor: this.speedFactor,
    });
  }

  private move(elapsedMs: number): void {
    const drive = this.drive;
    if (drive === undefined || drive.isDone) {
      this.countWaiting(elapsedMs);
      return;
    }
    const before = drive.metersDriven;
    drive.advance(elapsedMs / 1_000);
    const { edge } = drive.onEdge!;
    const noise = this.noise;
    for (const axis of ['north', 'east'] as const) {
      noise[axis] = noise[axis] * NOISE_MEMORY + this.world.random.normal(NOISE_STEP_METERS);
    }
    this.place = { ...drive.position!, node: edge.to, cameFrom: edge.from, heading: edge.heading };
    if (this.activity.kind === 'riding') this.activity.journey.meters += drive.metersDriven - before;
    if (drive.speed < WAITING_SPEED) this.countWaiting(elapsedMs);
  }

  private countWaiting(elapsedMs: number): void {
    const { kind } = this.activity;
    if (kind === 'riding' || kind === 'pausing' || kind === 'alighting')
      this.activity.journey.waitingMs += elapsedMs;
  }

  private minutes(range: readonly [number, number]): number {
    return this.world.random.between(...range) * MINUTE_MS;
  }
}
