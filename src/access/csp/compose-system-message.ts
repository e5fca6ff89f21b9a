// What the operator tells a user, in the words of the client's version (csp-transactions section 11).

import type { Element } from '../../wv/element.ts';
import { contentSize, type MessageContent } from '../../wv/message.ts';
import { domainOf, serviceAddress } from '../../wv/address.ts';
import type { SystemMessage } from '../../store/store.ts';
import { buildElement, type Body } from './codec/binding.ts';
import { writeDate } from './dates.ts';
import type { CspSession } from './session.ts';

/** Versions before 1.3 have no system messages: there it is an instant message from the service, without answers. */
export function composeSystemMessage(session: CspSession, message: SystemMessage): Element {
  if (session.version !== '1.3') return asInstantMessage(session, message);
  return buildElement(
    'SystemMessage-Request',
    { SystemMessageList: { SystemMessage: [systemMessageBody(message)] } },
    session.version,
  );
}

function systemMessageBody(message: SystemMessage): Body<'SystemMessage'> {
  const options = message.options.map((text, at) => ({ AnswerOptionID: at + 1, AnswerOptionText: text }));
  const { verification } = message;
  return {
    SystemMessageID: message.id,
    RequiresResponse: message.requiresResponse,
    SystemMessageText: message.text,
    ...(options.length === 0 ? {} : { AnswerOptions: { AnswerOption: options } }),
    ...(verification === undefined ? {} : { VerificationMechanism: { InText: verification.question } }),
  };
}

function asInstantMessage({ home, version }: CspSession, message: SystemMessage): Element {
  const content: MessageContent = { contentType: 'text/plain', encoding: 'none', data: message.text };
  const info: Body<'MessageInfo'> = {
    MessageID: message.id,
    ContentType: content.contentType,
    ContentSize: contentSize(content),
    Recipient: { User: [{ UserID: home.address }] },
    Sender: { User: { UserID: serviceAddress(domainOf(home.address)) } },
    DateTime: writeDate(message.sentAt),
  };
  return buildElement('NewMessage', { MessageInfo: info, ContentData: message.text }, version);
}
