import type { VehicleQuery, ViewportRequest } from '@hailstream/events/live';
import { isUuid } from '@hailstream/service/uuid';
import type { ProviderFilter } from '../fold/city-state.js';
import { QueryError, type QueryParameters } from '../query/query-parameters.js';
import { parseBbox } from '../vehicles/bbox.js';

/** What a stream sends: the messages `viewport` and `watch` of a socket. */
export interface StreamRequest {
  readonly viewport: ViewportRequest;
  readonly watched: VehicleQuery | null;
}

const everywhere = { west: -180, south: -90, east: 180, north: 90 };

/** Parses `bbox`, `provider_id` and `device_id`, all optional. @throws QueryError if one is invalid */
export function parseStreamQuery(parameters: QueryParameters, allowed: ProviderFilter): StreamRequest {
  const bbox = parameters.text('bbox', 200);
  const providerId = parameters.provider(allowed);
  const deviceId = parameters.text('device_id', 100)?.toLowerCase();
  if (deviceId !== undefined && !isUuid(deviceId)) {
    throw new QueryError('device_id', `expected a UUID, got "${deviceId}"`);
  }
  return {
    viewport: {
      ...(bbox === undefined ? everywhere : parseBbox(bbox)),
      ...(providerId !== null && { providerId }),
    },
    watched: deviceId === undefined ? null : { deviceId, providerId },
  };
}

/** The state of a client, from the header `Last-Event-ID`; `undefined` if it has none, or not one of this service. */
export function parseEventId(id: unknown): ViewportRequest['resume'] {
  const [, epoch, sequence, view] = (typeof id === 'string' && EVENT_ID.exec(id)) || [];
  if (epoch === undefined || sequence === undefined || view === undefined) return undefined;
  return { epoch: Number(epoch), sequence: Number(sequence), view };
}

export function formatEventId({ epoch, sequence, view }: NonNullable<ViewportRequest['resume']>): string {
  return `${epoch}-${sequence}-${view}`;
}

const EVENT_ID = /^(\d{1,15})-(\d{1,15})-([\w:+-]{1,200})$/;
