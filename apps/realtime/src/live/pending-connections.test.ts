import { describe, expect, it } from 'vitest';
import { PendingConnections, type EngineConnection } from './pending-connections.js';

function connect(pending: PendingConnections, remoteAddress: string) {
  let onClose = (): void => undefined;
  const connection: EngineConnection & { isClosed: boolean } = {
    remoteAddress,
    isClosed: false,
    once: (_, listener) => (onClose = listener),
    close() {
      this.isClosed = true;
      onClose();
    },
  };
  pending.add(connection);
  return connection;
}

describe(PendingConnections, () => {
  it('closes the oldest connection of the address with most of them', () => {
    const pending = new PendingConnections(3);
    const other = connect(pending, '10.0.0.1');
    const flood = Array.from({ length: 5 }, () => connect(pending, '10.0.0.2'));
    expect(other.isClosed).toBe(false);
    expect(flood.map(({ isClosed }) => isClosed)).toEqual([true, true, true, false, false]);
    expect(pending.size).toBe(3);
  });

  it('does not count connections that were accepted or closed', () => {
    const pending = new PendingConnections(2);
    const [accepted, closed] = [connect(pending, 'a'), connect(pending, 'a')];
    pending.remove(accepted);
    closed.close();
    const others = [connect(pending, 'a'), connect(pending, 'a')];
    expect([accepted, ...others].map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
    accepted.close();
    expect(pending.size).toBe(2);
  });
});
