/** What a client that starts with HTTP long-polling is told. */
const WEBSOCKET_ONLY = "only WebSocket is served: connect with io(url, { transports: ['websocket'] })";

/** Separates packets in a response to a polling request. @see https://github.com/socketio/engine.io-protocol */
const SEPARATOR = '\u001E';

/**
 * Returns the response to a request of the transport `polling`, which is not served. A first request, without a session, is
 * answered as if a session was opened, followed by the refusal of the connection: the client then reports
 * {@link WEBSOCKET_ONLY} as `connect_error` and does not retry. A plain HTTP error would be reported as "xhr poll error". No
 * session exists, so the requests that follow are answered with 400.
 */
export function answerPolling({ protocol, hasSession }: { protocol: unknown; hasSession: boolean }): {
  readonly status: number;
  readonly body: string;
} {
  if (hasSession || protocol !== '4') return { status: 400, body: WEBSOCKET_ONLY };
  const open = { sid: 'none', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 0 };
  const refusal = { message: WEBSOCKET_ONLY, data: { code: 'WEBSOCKET_ONLY' } };
  return { status: 200, body: `0${JSON.stringify(open)}${SEPARATOR}44${JSON.stringify(refusal)}` };
}
