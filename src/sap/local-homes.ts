// The relay's local destination: request primitives for users of our own domain, handed to the services.

import type { ServiceElements } from '../services/elements.ts';
import { status, type RequestPrimitive, type ResponsePrimitive } from '../wv/primitives.ts';
import { OK } from '../wv/status.ts';
import { receiveMessage } from './local-messages.ts';

/** Serves one request at the homes it names. */
export async function serveLocally(
  services: ServiceElements,
  request: RequestPrimitive,
): Promise<ResponsePrimitive> {
  switch (request.primitive) {
    case 'SendMessageRequest':
      return receiveMessage(services, request);
    case 'DeliveryStatusReport':
      services.groupGuests.reported(request);
      return services.messaging.reported(request);
    case 'SubscribeRequest':
      return services.publishing.subscribe(request);
    case 'UnsubscribeRequest':
      return services.publishing.unsubscribe(request);
    case 'GetPresenceRequest':
      return services.publishing.getPresence(request);
    case 'PresenceNotification':
      return services.watching.notified(request);
    case 'PresenceAuthResponse':
      // Gateways need it. Watchers here see by the presence that they get what was answered.
      return status(OK);
    case 'GroupChangeNotice':
    case 'LeaveGroupIndication':
      return services.groupGuests.told(request);
    case 'JoinGroupRequest':
    case 'LeaveGroupRequest':
    case 'DeleteGroupRequest':
    case 'GetGroupMemberRequest':
    case 'GetJoinedUsersRequest':
    case 'AddGroupMemberRequest':
    case 'RemoveGroupMemberRequest':
    case 'MemberAccessRequest':
    case 'GetGroupPropsRequest':
    case 'SetGroupPropsRequest':
    case 'RejectListRequest':
    case 'SubscribeGroupChangeRequest':
    case 'UnsubscribeGroupChangeRequest':
    case 'GetGroupSubStatusRequest':
      return services.groups.serve(request);
    case 'InviteRequest':
      return services.invited.receive(request);
    case 'InviteResponse':
      return services.inviting.answered(request);
    case 'CancelInviteRequest':
      return services.invited.cancelled(request);
  }
}
