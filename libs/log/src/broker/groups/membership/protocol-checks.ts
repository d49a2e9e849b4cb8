import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { commonProtocols, type Member } from './member.js';
import type { JoinRequest, SyncRequest } from './requests.js';

/** @throws ProtocolError if the member has no protocol in common with the others */
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
    'the member supports no protocol that all other members support',
  );
}

/** @throws ProtocolError if the member expects another protocol than the selected one */
export function checkChosenProtocol(
  { protocolType, protocolName }: SyncRequest,
  chosen: { readonly protocolType: string | null; readonly protocolName: string | null },
): void {
  const typeDiffers = protocolType !== null && protocolType !== chosen.protocolType;
  const nameDiffers = protocolName !== null && protocolName !== chosen.protocolName;
  if (typeDiffers || nameDiffers) {
    throw new ProtocolError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      'the protocol is not the one that the group has selected',
    );
  }
}
