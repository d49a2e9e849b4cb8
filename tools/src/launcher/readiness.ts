import { connect } from 'node:net';

/** Time limit of one check, which is then repeated. */
const ASK_TIMEOUT_MS = 2_000;

/** Whether the readiness check of a service succeeds. */
export async function isServiceReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/health/ready', url), {
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Not listening yet, or not responding.
    return false;
  }
}

/** Whether the port accepts connections. */
export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: ASK_TIMEOUT_MS });
    const answer = (listening: boolean) => (): void => {
      socket.destroy();
      done(listening);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}
