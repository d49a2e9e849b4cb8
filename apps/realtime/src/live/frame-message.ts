import type { CellRow, LiveFrame } from '@hailstream/events/live';
import type { FrameContent } from '../views/frame.js';
import type { Payload } from './client.js';

/** A snapshot or a frame, as it is sent. */
export type FrameMessage =
  [message: 'snapshot' | 'frame', payload: LiveFrame] | [message: 'binary', payload: Uint8Array];

/** The rows of a frame. Numbers are those of `vehicles` and `gone`, in the same order. */
export type FrameRows = Pick<FrameContent, 'vehicles' | 'gone' | 'requests' | 'requestsGone'> & {
  readonly numbers: readonly number[];
  readonly goneNumbers: readonly number[];
  readonly cells?: readonly CellRow[];
};

/** Passes the name and the content of a message to a function that sends it. */
export function deliver(
  [message, payload]: FrameMessage,
  send: <M extends 'snapshot' | 'frame' | 'binary'>(message: M, payload: Payload<M>) => void,
): void {
  if (payload instanceof Uint8Array) send('binary', payload);
  else if (message !== 'binary') send(message, payload);
}
