import { MessageMeter } from './message-meter.js';
import type { LiveLimits } from '../limits/live-limits.js';

type MeteredMessage = 'viewport' | 'watch';

interface Share {
  sockets: number;
  readonly meters: Readonly<Record<MeteredMessage, MessageMeter>>;
}

/** What the clients of each token use. Clients without a token are not limited: the service is then open to all. */
export class TokenShares {
  private readonly byToken = new Map<string, Share>();

  constructor(
    private readonly limits: Pick<LiveLimits, 'socketsPerToken' | 'viewportsPerSecond' | 'watchesPerSecond'>,
  ) {}

  /** Adds a socket. Returns false, and does not add it, if the token has the maximum number. */
  addSocket(token: string | undefined): boolean {
    if (token === undefined) return true;
    const share = this.byToken.get(token) ?? this.newShare();
    if (share.sockets >= this.limits.socketsPerToken) return false;
    share.sockets += 1;
    this.byToken.set(token, share);
    return true;
  }

  removeSocket(token: string | undefined): void {
    const share = token === undefined ? undefined : this.byToken.get(token);
    if (token === undefined || share === undefined) return;
    share.sockets -= 1;
    if (share.sockets === 0) this.byToken.delete(token);
  }

  /** Counts a message of a socket that was added. Returns whether it is within the limit of its token. */
  allow(token: string | undefined, message: MeteredMessage, now: number): boolean {
    const share = token === undefined ? undefined : this.byToken.get(token);
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
