import type { IncomingMessage, Server } from 'node:http';

/** Returns the error to respond with. */
type Examine = (error: unknown, request: IncomingMessage) => unknown;

const examiners = new WeakMap<Server, Examine>();

/** Lets the errors of all requests to a server be examined before they are responded with. */
export function examineErrors(server: Server, examine: Examine): void {
  examiners.set(server, examine);
}

/** The error to respond with to a request that has caused one. */
export function examinedError(error: unknown, server: Server, request: IncomingMessage): unknown {
  const examine = examiners.get(server);
  return examine === undefined ? error : examine(error, request);
}
