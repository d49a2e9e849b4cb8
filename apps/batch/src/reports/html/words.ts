import type { Report, ReportFigureId, ReportOutcome, ReportState } from '@hailstream/events/reports';

/** Name and definition of a figure. */
interface Described {
  readonly name: string;
  readonly definition: string;
}

export const figureWords: Readonly<Record<ReportFigureId, Described>> = {
  requests: { name: 'Requests', definition: 'Rides that were requested in the period.' },
  trips: {
    name: 'Trips begun',
    definition: 'Rides with a pick-up in the period, whenever they were requested. Includes street hails.',
  },
  completed: { name: 'Completed', definition: 'Of the requested rides, those that ended with a drop-off.' },
  completionShare: {
    name: 'Completion',
    definition: 'Completed rides as a share of completed and cancelled rides.',
  },
  cancelled: {
    name: 'Cancelled',
    definition: 'Of the requested rides, those cancelled by the rider, the driver or the provider.',
  },
  cancellationShare: {
    name: 'Cancellation',
    definition: 'Cancelled rides as a share of completed and cancelled rides.',
  },
  medianWait: {
    name: 'Median wait',
    definition: 'Half of the riders who were picked up waited less: from the first request to the pick-up.',
  },
  p90Wait: { name: '90 % waited less than', definition: '90th percentile of the same waits.' },
  medianRide: {
    name: 'Median ride',
    definition: 'Half of the rides were shorter: from pick-up to drop-off.',
  },
  workingVehicles: {
    name: 'Working vehicles',
    definition:
      'Mean number of vehicles that were available, reserved, on a trip or stopped, over the hours with data.',
  },
  utilisationShare: {
    name: 'Utilisation',
    definition: 'Share of the working time that vehicles had a rider: on a trip or stopped during one.',
  },
  earningsPerVehicleHour: {
    name: 'Earnings per hour',
    definition: 'Cost of the reported trips per hour in which a vehicle worked.',
  },
};

export const outcomeNames: Readonly<Record<ReportOutcome['outcome'], string>> = {
  completed: 'Completed',
  cancelledByRider: 'Cancelled by the rider',
  cancelledByDriver: 'Cancelled by the driver',
  cancelledByProvider: 'Cancelled by the provider',
  onTrip: 'Still on the trip',
  open: 'No pick-up and no cancellation',
};

export const stateNames: Readonly<Record<ReportState['state'], string>> = {
  available: 'Available',
  reserved: 'On the way to a rider',
  on_trip: 'On a trip',
  stopped: 'Stopped during a trip',
  off: 'Not working',
};

/** Verdicts of `analysis.trip_comparison`. */
export const verdictNames: ReadonlyMap<string, string> = new Map([
  ['matches', 'Matches the events'],
  ['missing', 'In the events, not reported'],
  ['extra', 'Reported, but cancelled or without events'],
  ['differs', 'Reported with another time, distance, vehicle or fare'],
]);

/** Formats of times in the time zone of the report. */
export class ReportTimes {
  private readonly timeZone: string;

  constructor({ period }: Pick<Report, 'period'>) {
    this.timeZone = period.timeZone;
  }

  hour(iso: string): string {
    return this.format(iso, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  }

  day(iso: string): string {
    return this.format(iso, { weekday: 'short', day: 'numeric', month: 'short' });
  }

  dayOfMonth(iso: string): string {
    return this.format(iso, { day: 'numeric' });
  }

  moment(iso: string): string {
    return this.format(iso, { dateStyle: 'medium', timeStyle: 'short' });
  }

  date(iso: string): string {
    return this.format(iso, { dateStyle: 'full' });
  }

  private format(iso: string, options: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: this.timeZone }).format(new Date(iso));
  }
}
