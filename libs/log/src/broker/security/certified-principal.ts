import type { Socket } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';

/**
 * The principal of a TLS client certificate: its distinguished name with the most specific part first, as in Kafka.
 *
 * @returns undefined if the client has presented no valid certificate
 */
export function certifiedPrincipal(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  return principalOf(socket.getPeerCertificate().subject);
}

/** @see RFC 2253, section 2 */
export function principalOf(subject: PeerCertificate['subject']): string {
  const parts = Object.entries(subject).flatMap(([type, value]) =>
    [value].flat().map((each) => `${type}=${escaped(String(each))}`),
  );
  return `User:${parts.toReversed().join(',')}`;
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]/g, '\\$&').replace(/^[ #]| $/g, '\\$&');
}
