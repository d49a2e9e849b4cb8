/**
 * State of the service with respect to the log. Frames are sent only while it is `following` or `stalled`.
 */
export type ServiceStatus =
  /** It reads new records of the log. */
  | { readonly kind: 'following' }
  /** The log has not responded yet, so no vehicle is known. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** It reads recent records. The state of the city is incomplete. `reason`: the problem, if there is one, and since when. */
  | {
      readonly kind: 'rebuilding';
      readonly percent: number;
      readonly reason: string | null;
      readonly since: number | null;
    }
  /** It has rebuilt the state, but cannot read new records: the state of the city is outdated since then, by the service's clock in milliseconds. */
  | { readonly kind: 'stalled'; readonly reason: string; readonly since: number };

export interface StatusMessage {
  /** The service's clock, in milliseconds. */
  readonly asOf: number;
  readonly status: ServiceStatus;
  /** Records and batches that could not be decoded since the start; time of the last one if it was recent. */
  readonly unreadable: { readonly count: number; readonly lastAt: number | null };
}
