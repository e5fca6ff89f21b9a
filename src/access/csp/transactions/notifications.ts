// Which general notifications a client wants (1.3; csp-transactions section 11).

import { combine, type DetailedResult } from '../../../wv/status.ts';
import { statusElement, statusOf } from '../answers.ts';
import type { Body } from '../codec/binding.ts';
import {
  isNotificationType,
  NOTIFICATION_TYPES,
  UNSERVED_TYPES,
  type NotificationType,
} from '../notifications.ts';
import { inSession, type Answer, type Handlers, type SessionExchange } from '../transaction.ts';

interface Named {
  readonly types: readonly NotificationType[];
  readonly failures: readonly DetailedResult[];
}

/** An empty list names everything. 506 for types that are not served, 402 for what is no type at all. */
function typesOf(list: Body<'NotificationTypeList'>): Named {
  const names = list.NotificationType ?? [];
  if (names.length === 0) return { types: NOTIFICATION_TYPES, failures: [] };
  const types = names.filter(isNotificationType);
  const failures = names
    .filter((name) => !isNotificationType(name))
    .map((name): DetailedResult => ({
      code: UNSERVED_TYPES.has(name) ? 506 : 402,
      description: `NotificationType ${name.slice(0, 20)}`,
    }));
  return { types, failures };
}

async function change(
  { services, session, version }: SessionExchange,
  list: Body<'NotificationTypeList'>,
  apply: (wanted: Set<NotificationType>, type: NotificationType) => void,
): Promise<Answer> {
  if (version !== '1.3') return statusOf(405, version, 'Notifications are of CSP 1.3');
  const { types, failures } = typesOf(list);
  for (const type of types) apply(session.notifications, type);
  if (types.length > 0) await services.sessions.save(session);
  return statusElement(combine(types.length, failures), version);
}

export const notificationTransactions: Handlers = {
  'SubscribeNotification-Request': inSession('SubscribeNotification-Request', (exchange, body) =>
    change(exchange, body.NotificationTypeList, (wanted, type) => wanted.add(type)),
  ),
  'UnsubscribeNotification-Request': inSession('UnsubscribeNotification-Request', (exchange, body) =>
    change(exchange, body.NotificationTypeList, (wanted, type) => wanted.delete(type)),
  ),
};
