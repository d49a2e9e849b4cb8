import { MessageMeter } from './message-meter.js';
import { hasRoom } from '../limits/callers.js';
import type { LiveLimits } from '../limits/live-limits.js';

type MeteredMessage = 'viewport' | 'watch';

interface Share {
  sockets: number;
  readonly meters: Readonly<Record<MeteredMessage, MessageMeter>>;
}

/** What the clients of each caller use. Clients without a token are not limited: the service is then open to all. */
export class CallerShares {
  private readonly byCaller = new Map<string, Share>();
  private sockets = 0;

  constructor(
    private readonly limits: Pick<
      LiveLimits,
      'sockets' | 'socketsPerToken' | 'viewportsPerSecond' | 'watchesPerSecond'
    >,
  ) {}

  /**
   * Adds a socket. Returns false, and does not add it, if the caller has the maximum number, or as many as are free.
   *
   * @param used the number of clients of any kind
   */
  addSocket(caller: string | undefined, used = 0): boolean {
    if (caller === undefined) return true;
    const share = this.byCaller.get(caller) ?? this.newShare();
    const { sockets: limit, socketsPerToken } = this.limits;
    if (share.sockets >= socketsPerToken) return false;
    if (!hasRoom({ own: share.sockets, used: Math.max(used, this.sockets), limit })) return false;
    share.sockets += 1;
    this.sockets += 1;
    this.byCaller.set(caller, share);
    return true;
  }

  removeSocket(caller: string | undefined): void {
    const share = caller === undefined ? undefined : this.byCaller.get(caller);
    if (caller === undefined || share === undefined) return;
    share.sockets -= 1;
    this.sockets -= 1;
    if (share.sockets === 0) this.byCaller.delete(caller);
  }

  /** Counts a message of a socket that was added. Returns whether it is within the limit of its caller. */
  allow(caller: string | undefined, message: MeteredMessage, now: number): boolean {
    const share = caller === undefined ? undefined : this.byCaller.get(caller);
    return share === undefined || share.meters[message].allow(now);
  }

  private newShare(): Share {
    const { viewportsPerSecond, watchesPerSecond } = this.limits;
    return {
      sockets: 0,
      meters: { viewport: new MessageMeter(viewportsPerSecond), watch: new MessageMeter(watchesPerSecond) },
    };
  }
}
