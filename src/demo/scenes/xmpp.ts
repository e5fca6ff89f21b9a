// A WV phone and an XMPP client: contacts, subscriptions both ways, presence, messages with reports and receipts.

import type { PhoneUser } from '../phones.ts';
import { seenAfter, type Scene } from '../scene.ts';
import type { XmppPerson } from '../xmpp-person.ts';

/** `annJid`: what ann is called in XMPP. */
export function xmppScene(ann: PhoneUser, annJid: string, romeo: XmppPerson): Scene {
  return {
    title: 'Phone ⇄ XMPP',
    steps: [
      {
        from: 'ann',
        to: 'romeo',
        what: 'asks to see his presence',
        play: () => seenAfter(romeo.seesSubscription(annJid, 'subscribe'), () => ann.watches(romeo.address)),
      },
      {
        from: 'romeo',
        to: 'ann',
        what: 'grants it: ann sees him AVAILABLE, “in the orchard”',
        play: () =>
          seenAfter(
            ann.seesPresence(romeo.address, { UserAvailability: 'AVAILABLE', StatusText: 'in the orchard' }),
            () => romeo.lets(annJid),
          ),
      },
      {
        from: 'romeo',
        to: 'ann',
        what: 'asks to see her presence',
        play: () => seenAfter(ann.seesRequestOf(romeo.address), () => romeo.asksToWatch(annJid)),
      },
      {
        from: 'ann',
        to: 'romeo',
        what: 'grants it: romeo sees her online',
        play: () => seenAfter(romeo.seesPresence(annJid, {}), () => ann.lets(romeo.address)),
      },
      {
        from: 'romeo',
        to: 'ann',
        what: 'dnd, “climbing the wall”: ann sees DISCREET and the text',
        play: () =>
          seenAfter(
            ann.seesPresence(romeo.address, {
              UserAvailability: 'DISCREET',
              StatusText: 'climbing the wall',
            }),
            () => romeo.shows('dnd', 'climbing the wall'),
          ),
      },
      {
        from: 'ann',
        to: 'romeo',
        what: 'DISCREET, “on the balcony”: romeo sees dnd and the text',
        play: () =>
          seenAfter(romeo.seesPresence(annJid, { show: 'dnd', status: 'on the balcony' }), () =>
            ann.shows('DISCREET', 'on the balcony'),
          ),
      },
      ...messages(ann, annJid, romeo),
    ],
  };
}

function messages(ann: PhoneUser, annJid: string, romeo: XmppPerson): Scene['steps'] {
  let delivered: Promise<unknown>;
  let received: Promise<unknown>;
  return [
    {
      from: 'ann',
      to: 'romeo',
      what: '“Who’s there? <3 & 🌹”',
      play: () => {
        delivered = ann.seesDelivered();
        const text = 'Who’s there? <3 & 🌹';
        return seenAfter(romeo.seesMessage(annJid, text), () => ann.writes(romeo.address, text));
      },
    },
    { from: 'romeo', to: 'ann', what: 'his receipt: ann gets a delivery report', play: () => delivered },
    {
      from: 'romeo',
      to: 'ann',
      what: '“It is I, your neighbour.”',
      play: () => {
        received = romeo.seesReceipt(annJid);
        const text = 'It is I, your neighbour.';
        return seenAfter(ann.seesMessage(romeo.address, text), () => romeo.writes(annJid, text));
      },
    },
    { from: 'ann', to: 'romeo', what: 'her phone has it: romeo gets a receipt', play: () => received },
  ];
}
