import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_JSON } from './problem.js';
import { SECURITY_HEADER_LINES } from './security-headers.js';

/** Status by error code of Node's HTTP parser; 400 for other codes. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/**
 * Responds with a problem to data that is not valid HTTP or does not arrive in time, and closes the connection. If the
 * response to the request has already started, the connection is closed without another response.
 */
export function answerUnparsedRequest(
  error: NodeJS.ErrnoException,
  socket: Socket,
  isAnswered: boolean,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) {
    socket.destroy();
    return;
  }
  const status = STATUS_BY_CODE[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({
    type: 'about:blank',
    title,
    status,
    detail: 'the request is not valid HTTP, or did not arrive in time',
  });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\n${SECURITY_HEADER_LINES}Content-Type: ${PROBLEM_JSON}\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
