import { once } from 'node:events';
import type { ClientToServer, HistoryOrder, HistoryStatus, ServerToClient } from '@hailstream/events/live';
import { io, type Socket } from 'socket.io-client';

const SEEK_WITHIN_MS = 120_000;
const VIEWPORT = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };

/** A page that seeks. */
export class HistoryClient implements AsyncDisposable {
  private lastSeek = 0;

  private constructor(
    private readonly socket: Socket<ServerToClient, ClientToServer>,
    private readonly by: HistoryOrder,
  ) {}

  static async connect(url: string, by: HistoryOrder): Promise<HistoryClient> {
    const socket: Socket<ServerToClient, ClientToServer> = io(url, { transports: ['websocket'] });
    await once(socket as never, 'connect');
    return new HistoryClient(socket, by);
  }

  /** Opens a session. Returns the time until its first snapshot, in milliseconds. */
  open(at: number): Promise<number> {
    return this.timed((seek) => {
      this.socket.emit('openHistory', { seek, at, by: this.by, viewport: VIEWPORT });
    });
  }

  /** Returns the time from the request to the snapshot, in milliseconds. */
  seek(at: number): Promise<number> {
    return this.timed((seek) => {
      this.socket.emit('seekHistory', { seek, at });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.socket.disconnect();
    return Promise.resolve();
  }

  private timed(request: (seek: number) => void): Promise<number> {
    const seek = (this.lastSeek += 1);
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const end = (): void => {
        clearTimeout(timer);
        this.socket.off('historySnapshot', onSnapshot);
        this.socket.off('historyStatus', onStatus);
      };
      const onSnapshot = (frame: { readonly seek: number; readonly vehicles: readonly unknown[] }): void => {
        if (frame.seek !== seek) return;
        end();
        if (frame.vehicles.length > 0) resolve(performance.now() - startedAt);
        else reject(new Error(`the snapshot of seek ${seek} has no vehicles`));
      };
      const onStatus = (status: HistoryStatus): void => {
        if (status.kind !== 'closed') return;
        end();
        reject(new Error(`the session was closed: ${status.reason}`));
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`no snapshot within ${SEEK_WITHIN_MS / 1_000} s`));
      }, SEEK_WITHIN_MS);
      this.socket.on('historySnapshot', onSnapshot);
      this.socket.on('historyStatus', onStatus);
      request(seek);
    });
  }
}
