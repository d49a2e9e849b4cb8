import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { NO_BYTES, type JoinAnswer, type SyncAnswer } from './member.js';

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
