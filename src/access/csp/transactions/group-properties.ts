// Groups: their properties and a user's own in them (csp-transactions section 8).

import { isSuccess } from '../../../wv/status.ts';
import { statusElement, statusOf } from '../answers.ts';
import { buildElement } from '../codec/binding.ts';
import { propertiesIn, propertyElements, welcomeNote, welcomeNoteIn } from '../group-forms.ts';
import type { Handlers } from '../transaction.ts';
import { aboutGroup, ask } from './about-group.ts';

const getProperties = aboutGroup(
  'GetGroupProps-Request',
  async (exchange, group) => {
    const { version } = exchange;
    const answer = await ask(exchange, { primitive: 'GetGroupPropsRequest', group });
    if (answer.primitive !== 'GetGroupPropsResponse' || !isSuccess(answer.result)) {
      return statusElement(answer.result, version);
    }
    return buildElement(
      'GetGroupProps-Response',
      {
        GroupProperties: {
          Property: propertyElements(answer.properties),
          ...welcomeNote(answer.welcomeNote),
        },
        OwnProperties: { Property: propertyElements(answer.ownProperties) },
      },
      version,
    );
  },
  'GETGP',
);

const setProperties = aboutGroup(
  'SetGroupProps-Request',
  async (exchange, group, { GroupProperties, OwnProperties }) => {
    const { version } = exchange;
    if (GroupProperties === undefined && OwnProperties === undefined) {
      return statusOf(402, version, 'No properties');
    }
    const note = welcomeNoteIn(GroupProperties?.WelcomeNote);
    if (note === 'unreadable') return statusOf(415, version, 'WelcomeNote is not text');
    const { result } = await ask(exchange, {
      primitive: 'SetGroupPropsRequest',
      group,
      ...(GroupProperties === undefined ? {} : { properties: propertiesIn(GroupProperties) }),
      ...(OwnProperties === undefined ? {} : { ownProperties: propertiesIn(OwnProperties) }),
      ...(note.text === undefined ? {} : { welcomeNote: note.text }),
    });
    return statusElement(result, version);
  },
  'SETGP',
);

export const groupPropertyTransactions: Handlers = {
  'GetGroupProps-Request': getProperties,
  'SetGroupProps-Request': setProperties,
};
