import type { ErrorCode } from '../../../protocol/error-codes.js';

/** An assignment protocol that a member supports, with its metadata for the leader. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

/** Response to JoinGroup. */
export interface JoinAnswer {
  readonly error: ErrorCode;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  readonly skipAssignment: boolean;
  /** Only for the leader; empty for others. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Buffer;
  }[];
}

/** Response to SyncGroup. */
export interface SyncAnswer {
  readonly error: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** A member of a group, and its waiting requests. */
export interface Member {
  memberId: string;
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  joining: ((answer: JoinAnswer) => void) | undefined;
  syncing: ((answer: SyncAnswer) => void) | undefined;
  /** Whether it sent SyncGroup in this generation. */
  synced: boolean;
  session: NodeJS.Timeout | undefined;
}

export const NO_BYTES = Buffer.alloc(0);

/** Whether two lists of protocols are the same, in the same order. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => protocol.name === b[i]?.name && protocol.metadata.equals(b[i].metadata))
  );
}

/** The protocols that all members support, in the order of the first member. */
export function commonProtocols(members: readonly Pick<Member, 'protocols'>[]): string[] {
  const [first, ...others] = members;
  return (first?.protocols ?? [])
    .map((protocol) => protocol.name)
    .filter((name) => others.every((member) => member.protocols.some((own) => own.name === name)));
}

/** The protocol that most members prefer, of those that all support. */
export function electProtocol(members: readonly Pick<Member, 'protocols'>[]): string {
  const candidates = commonProtocols(members);
  const votes = new Map(candidates.map((name) => [name, 0]));
  for (const { protocols } of members) {
    const favourite = protocols.find(({ name }) => votes.has(name))?.name;
    if (favourite !== undefined) votes.set(favourite, (votes.get(favourite) as number) + 1);
  }
  let [best] = candidates;
  for (const name of candidates) {
    if ((votes.get(name) as number) > (votes.get(best as string) as number)) best = name;
  }
  return best ?? '';
}
