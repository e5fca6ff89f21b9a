// Who writes to whom in the loads over XMPP, and what.

import type { XmppAccount, XmppTask } from './tasks.ts';

const FILLER =
  'It is a quarter past ten, the train is late again, and the bells of the old town ring. See you?';

/** Accounts in twos: the first of each writes to the second. */
export function roles(
  { accounts }: XmppTask,
  index: number,
): { readonly sender: XmppAccount; readonly recipient: XmppAccount } {
  const twos = accounts.length >> 1;
  const first = 2 * (index % twos);
  const [sender, recipient] = [accounts[first], accounts[first + 1]];
  if (sender === undefined || recipient === undefined)
    throw new Error('the XMPP server has no load accounts');
  return { sender, recipient };
}

/** Not the resource of anybody else who uses the same accounts now. */
export function resourceOf(side: string, index: number): string {
  return `bench-${process.pid}-${side}${index}`;
}

/** A chat message whose text holds `#mark#`. */
export function stanzaTo(address: string, mark: number | string): string {
  return (
    `<message xmlns='jabber:client' to='${address}' type='chat' id='m${mark}'>` +
    `<body>#${mark}# ${FILLER}</body></message>`
  );
}
