// What the demo says before and after the conversation: who is who, what listens where, how to log in.

import type { House } from '../gateway.ts';
import { PHONES } from './phones.ts';
import type { Servers } from './servers.ts';
import { MATRIX_PSEUDO_DOMAIN, USERS } from './settings.ts';
import type { Transcript } from './transcript.ts';

/** Who talks by which client. */
export function sayWhoPlays(transcript: Transcript, { xmpp, matrix }: Servers, house: House): void {
  transcript.heading('Who is here');
  transcript.row('ann', PHONES.ann);
  transcript.row('bea', PHONES.bea);
  if (xmpp !== undefined)
    transcript.row('romeo', `an XMPP client (@xmpp/client) at Prosody ${xmpp.version}, ${xmpp.domain}`);
  if (matrix !== undefined)
    transcript.row(
      'dave',
      `a Matrix client (matrix-js-sdk) at Synapse ${matrix.version}, ${matrix.serverName}`,
    );
  transcript.row('wvgate', `between them, CSP at ${endpoint(house)}`);
}

/** What listens where, and how a phone logs in. */
export function sayHowToLogIn(transcript: Transcript, { xmpp, matrix }: Servers, house: House): void {
  const { stcp, ops } = house.addresses;
  transcript.heading('Still running, until Ctrl-C');
  transcript.row(
    'phones',
    `${endpoint(house)} (CSP 1.1 to 1.3, XML or WBXML; calls over TCP ${stcp?.port ?? 'off'})`,
  );
  transcript.row('operators', `http://${ops.host}:${ops.port}/readyz and /metrics`);
  if (xmpp !== undefined)
    transcript.row('XMPP', `clients ${xmpp.host}:${xmpp.c2sPort}, component ${xmpp.components.main.domain}`);
  if (matrix !== undefined) transcript.row('Matrix', `clients ${matrix.baseUrl}`);
  transcript.heading('Log in with a phone (an emulated one on this machine)');
  transcript.row('server', endpoint(house));
  for (const { name, password } of USERS) transcript.row('user', `${name}, password ${password}`);
  const [romeo, dave] = [xmpp?.users['romeo'], matrix?.users['dave']];
  if (romeo !== undefined)
    transcript.row('write to', `wv:${romeo.jid} (log in as ${romeo.jid}, password ${romeo.password})`);
  if (dave !== undefined) {
    const address = `wv:${dave.userId.slice(1).replace(':', '%40')}@${MATRIX_PSEUDO_DOMAIN}`;
    transcript.row('write to', `${address} (log in as ${dave.userId}, password ${dave.password})`);
  }
}

function endpoint({ addresses: { csp } }: House): string {
  return `http://${csp.host}:${csp.port}/csp`;
}
