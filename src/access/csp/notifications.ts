// The general notifications of 1.3 (csp-transactions section 11): what one client of a user changed, for his others.

import type { Body } from './codec/binding.ts';

/**
 * The types whose events exist here: authorization needed (ANU) and changed (AC), block and grant list and their use
 * changed (BLC, BLUC, GLC, GLUC), contact list changed, created, deleted (CLC, CLCR, CLD).
 */
export const NOTIFICATION_TYPES = ['ANU', 'AC', 'BLC', 'BLUC', 'GLC', 'GLUC', 'CLC', 'CLCR', 'CLD'] as const;
export type NotificationType = (typeof NOTIFICATION_TYPES)[number];

/** Types of the protocol that nothing here leads to. */
export const UNSERVED_TYPES: ReadonlySet<string> = new Set(
  'ANC AND ATCL GC GD GMAU GMG GMR GMU GR IA IC IR OEU PPU SPA'.split(' '),
);

export function isNotificationType(text: string): text is NotificationType {
  return (NOTIFICATION_TYPES as readonly string[]).includes(text);
}

/** What changed; state to be read again, so that the newest of the same kind is enough. */
export interface Change {
  readonly type: NotificationType;
  readonly subject: Omit<Body<'Notification-Request'>, 'NotificationType'>;
}

/** Changes of the same key replace each other while they wait. */
export function changeKey({ type, subject }: Change): string {
  const { ContactListIDList: lists, UserIDList: users, DefaultList: all } = subject;
  return JSON.stringify([type, lists?.ContactList, users?.UserID, all]);
}
