/** A likely mistake of a feed: what it is called, what usually causes it, and what fixes it. */
interface Problem {
  readonly title: string;
  readonly cause: string;
  readonly fix: string;
}

/** Every problem that is recognized, in an item or in a feed. */
export const problems = {
  'swapped-coordinates': {
    title: 'Latitude and longitude are swapped',
    cause:
      'A position was converted from GeoJSON or WKT, which have longitude first, and the two numbers were kept in that order.',
    fix: 'Send the latitude in `lat` and the longitude in `lng`.',
  },
  'wrong-sign': {
    title: 'A coordinate has the wrong sign',
    cause: 'The hemisphere was lost: west and south are negative.',
    fix: 'Send longitudes west of Greenwich and latitudes south of the equator as negative numbers.',
  },
  'zero-position': {
    title: 'Positions are 0, 0',
    cause: 'The device sends before it has a position, or a missing position is converted to zero.',
    fix: 'Send a point only once the device has a position.',
  },
  'speed-in-kmh': {
    title: 'Speeds are in kilometres per hour',
    cause: 'The speed of the dashboard or of the GPS receiver was sent without conversion.',
    fix: 'Send `speed` in metres per second: divide by 3.6.',
  },
  'speed-in-mph': {
    title: 'Speeds are in miles per hour or knots',
    cause: 'The speed was sent without conversion; NMEA sentences have knots.',
    fix: 'Send `speed` in metres per second: multiply miles per hour by 0.447, knots by 0.514.',
  },
  'implausible-speed': {
    title: 'A speed is too high for a road vehicle',
    cause: 'The unit is not metres per second, or the value is an error of the GPS receiver.',
    fix: 'Send `speed` in metres per second, or -1 if it is not known.',
  },
  'timestamp-in-seconds': {
    title: 'Timestamps are in seconds',
    cause: 'Unix time in seconds was sent; MDS has milliseconds.',
    fix: 'Multiply by 1,000.',
  },
  'timestamp-in-microseconds': {
    title: 'Timestamps are in microseconds or nanoseconds',
    cause: 'The unit of the language or the database was sent; MDS has milliseconds.',
    fix: 'Divide by 1,000, or by 1,000,000, and round to an integer.',
  },
  'timestamp-as-text': {
    title: 'Timestamps are texts',
    cause: 'A date such as "2026-01-31T08:42:00Z", or a number in quotes, was sent.',
    fix: 'Send integer milliseconds since 1970-01-01T00:00:00Z, without quotes.',
  },
  'local-time': {
    title: 'Timestamps are in local time',
    cause: 'Local time was converted as if it were UTC: the difference is a multiple of half an hour.',
    fix: 'Convert with the time zone: milliseconds since 1970-01-01T00:00:00Z are UTC.',
  },
  'clock-ahead': {
    title: 'Clocks are ahead',
    cause:
      "The clock of the device or of the provider's server is ahead: events are received before they happened.",
    fix: 'Synchronize the clocks with NTP or GPS. Events that are more than 5 minutes ahead are rejected.',
  },
  'clock-behind': {
    title: 'Clocks are behind',
    cause:
      "All events are late by the same time: the clock of the devices or of the provider's server is behind, or each event waits that long before it is sent.",
    fix: 'Synchronize the clocks with NTP or GPS. If they are correct, send each event at once.',
  },
  late: {
    title: 'Events are late',
    cause: 'Events are collected before they are sent, or the provider cannot send as fast as they happen.',
    fix: 'Send each event within a few seconds, in requests of up to 1,000 items; several requests at once if one is not enough.',
  },
  'past-events': {
    title: 'Events are from the past',
    cause: 'Recorded events are replayed, or days that were missing are sent again.',
    fix: 'Nothing, if that is intended: analysis uses the time of the event.',
  },
  'timestamp-too-old': {
    title: 'Events are older than accepted',
    cause: 'The events are years old, or the timestamp is not in milliseconds.',
    fix: 'Send milliseconds. For a replay, move the timestamps or raise EVENTS_MAX_AGE_DAYS.',
  },
  'out-of-order': {
    title: 'Events of a vehicle are not in order',
    cause:
      'Requests with events of the same vehicle are sent at once, or a queue without order is in between.',
    fix: 'Send the events of one vehicle one request after the other, oldest first.',
  },
  duplicates: {
    title: 'Events are sent more than once',
    cause: 'Accepted events are sent again: the response is not read, or the request times out too early.',
    fix: 'Send again only what is in `failures`, or everything after a 429, a 503 or no response; wait as long as `Retry-After` says, and at least 10 s for a response.',
  },
  'id-reuse': {
    title: 'Different events have the same id',
    cause:
      'The id is that of the vehicle or trip, or a counter that starts again. Only the first event of an id is kept.',
    fix: 'Create a new UUID for each event, and keep it for retries of that event only.',
  },
  'repeated-points': {
    title: 'The same point is sent under new ids',
    cause: 'The last known point is sent again at each interval, although the device has sent no new one.',
    fix: 'Send a point once; send nothing until the device has a new one.',
  },
  'stuck-positions': {
    title: 'Positions do not change while vehicles move',
    cause: 'The position is cached, or the GPS receiver has no fix and repeats the last one.',
    fix: 'Read the position of each point from the receiver, and send none without a fix.',
  },
  'silent-vehicles': {
    title: 'Vehicles in service send no positions',
    cause: 'Devices have no connection, a part of the fleet is on a faulty version, or a worker has stopped.',
    fix: 'Check the devices that are listed. Send `service_end` or `comms_lost` for vehicles that are out of service.',
  },
  stopped: {
    title: 'The feed has stopped',
    cause: "The provider's sender has stopped, cannot reach this service, or its token has expired.",
    fix: 'Check the log of the sender for refused requests: 401 is the token, 413 and 415 are the body.',
  },
  'fare-in-units': {
    title: 'Fares are in whole units of the currency',
    cause: 'Euros or dollars were sent; MDS has the smallest unit, such as cents.',
    fix: 'Multiply amounts by 100: 14.50 EUR is 1450.',
  },
  'fare-too-high': {
    title: 'Fares are a hundred times too high',
    cause: 'Amounts that were already in cents were multiplied by 100 again.',
    fix: 'Send the smallest unit of the currency: 14.50 EUR is 1450.',
  },
  'decimal-amount': {
    title: 'Amounts have decimals',
    cause: 'Euros or dollars were sent; MDS has the smallest unit, such as cents.',
    fix: 'Multiply amounts by 100 and send an integer: 14.50 EUR is 1450.',
  },
  'other-provider': {
    title: "Events are of another provider than the token's",
    cause: 'The token of another provider is used, or `provider_id` has the id of another system.',
    fix: 'Use the `provider_id` of the token in every event.',
  },
  'not-a-list': {
    title: 'Requests are not lists of items',
    cause: 'A single object is sent, or the list is in a field such as `data`.',
    fix: 'Send a JSON array, even for a single item.',
  },
  'too-many-items': {
    title: 'Requests have too many items',
    cause: 'Events are collected without a limit, for example after an outage.',
    fix: 'Send at most 1,000 items in a request.',
  },
  'invalid-items': {
    title: 'Items are rejected',
    cause: 'Fields are missing or have values that MDS does not allow.',
    fix: 'Read `error_description` of the failures in the response, or send one body to POST /validate.',
  },
} as const satisfies Readonly<Record<string, Problem>>;

export type ProblemCode = keyof typeof problems;
