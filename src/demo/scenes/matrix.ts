// A WV phone and a Matrix client: a direct chat, presence both ways, messages with reports and read receipts.

import type { MatrixPerson } from '../matrix-person.ts';
import { SHOWN, type PhoneUser } from '../phones.ts';
import { seenAfter, type Scene } from '../scene.ts';

/** `ghost`: what ann is called in Matrix. `allOfMatrix`: the watcher who stands for everybody there. */
export function matrixScene(ann: PhoneUser, ghost: string, dave: MatrixPerson, allOfMatrix: string): Scene {
  // Homeservers remember texts for a while; these are of now.
  const train = `on the ${new Date().toTimeString().slice(0, 5)} train`;
  const desk = `at my desk since ${new Date().toTimeString().slice(0, 5)}`;
  return {
    title: 'Phone ⇄ Matrix',
    steps: [
      {
        from: 'ann',
        to: 'dave',
        what: 'asks to see his presence: dave is invited to a chat, and joins',
        play: () => seenAfter(dave.joins(ghost), () => ann.watches(dave.address)),
      },
      {
        from: 'dave',
        to: 'ann',
        what: `online, “${desk}”`,
        play: () => seenAfter(ann.seesPresence(dave.address, { StatusText: desk }), () => dave.shows(desk)),
      },
      {
        from: 'ann',
        to: 'dave',
        what: `lets Matrix see her: dave sees her online, “${train}”`,
        play: () =>
          seenAfter(dave.seesPresence(ghost, train), async () => {
            await ann.shows('AVAILABLE', train);
            await ann.client.createAttributeList(SHOWN, { users: [allOfMatrix] });
          }),
      },
      ...messages(ann, ghost, dave),
    ],
  };
}

function messages(ann: PhoneUser, ghost: string, dave: MatrixPerson): Scene['steps'] {
  let delivered: Promise<unknown>;
  let read: Promise<unknown>;
  return [
    {
      from: 'ann',
      to: 'dave',
      what: '“Lunch at one? ☕”',
      play: () => {
        delivered = ann.seesDelivered();
        return seenAfter(dave.seesMessage(ghost, 'Lunch at one? ☕'), () =>
          ann.writes(dave.address, 'Lunch at one? ☕'),
        );
      },
    },
    { from: 'dave', to: 'ann', what: 'has read it: ann gets a delivery report', play: () => delivered },
    {
      from: 'dave',
      to: 'ann',
      what: '“Half past, at the café.”',
      play: () => {
        read = dave.seesRead(ghost);
        const text = 'Half past, at the café.';
        return seenAfter(ann.seesMessage(dave.address, text), () => dave.writes(text));
      },
    },
    { from: 'ann', to: 'dave', what: 'her phone has it: dave sees it read', play: () => read },
  ];
}
