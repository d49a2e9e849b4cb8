import { ErrorCode, ProtocolError } from '../protocol/error-codes.js';
import { commonProtocols, NO_BYTES, type JoinAnswer, type Member, type SyncAnswer } from './member.js';
import type { JoinRequest } from './requests.js';

/** Answers a join that came to nothing. */
export function refusedJoin(memberId: string, error: ErrorCode): JoinAnswer {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    memberId,
    skipAssignment: false,
    members: [],
  };
}

/** Answers a sync that came to nothing. */
export function refusedSync(error: ErrorCode): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: NO_BYTES };
}

export function unknownMember(memberId: string): ProtocolError {
  return new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, `the group has no member '${memberId}'`);
}

export function fenced(instanceId: string): ProtocolError {
  return new ProtocolError(ErrorCode.FENCED_INSTANCE_ID, `another member came for instance '${instanceId}'`);
}

/** @throws ProtocolError where the member has no protocol in common with the others */
export function checkProtocols(
  { memberId, protocolType, protocols }: JoinRequest,
  group: { readonly members: ReadonlyMap<string, Member>; readonly protocolType: string | null },
): void {
  const others = [...group.members.values()].filter((member) => member.memberId !== memberId);
  const fits =
    protocolType !== '' &&
    protocols.length > 0 &&
    (group.members.size === 0 || group.protocolType === protocolType) &&
    (others.length === 0 ||
      commonProtocols(others).some((name) => protocols.some((own) => own.name === name)));
  if (fits) return;
  throw new ProtocolError(
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    'the member has no protocol that the others have',
  );
}
