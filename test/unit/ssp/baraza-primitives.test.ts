// What the scripted peer does with each primitive, asked by another of its kind or by bare documents.

import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { requestDocument } from '../../support/ssp/baraza/write.ts';
import { ALICE, answered, BOB, HIKERS, post, posted, scene, type Scene } from './baraza-scene.ts';

/** A session over which bare content can be put to B. */
async function bare(): Promise<Scene & { readonly put: (content: string, id?: string) => Promise<string> }> {
  const both = await scene();
  await answered(both.a.sendMessage('alice', [BOB], 'Hello'));
  const put = async (content: string, id = 'bare-1'): Promise<string> => {
    const before = both.b.log.length;
    await post(both.b, requestDocument('101@peer-a.example', id, `${content}\n`));
    const answer = (): string | undefined =>
      both.b.log.slice(before).find(({ direction }) => direction === 'out')?.body;
    return await eventually('an answer', answer, 5000);
  };
  return { ...both, put };
}

const message = (recipients: string, data: string, user = ALICE): string =>
  `<SendMessageRequest deliveryReport="No"><MetaInfo clientOriginated="Yes"><Requestor serviceID="wv:@peer-a.example"><User userID="${user}"/></Requestor></MetaInfo><MessageInfo messageID="m-1" contentType="text/plain" contentSize="2">${recipients}<Sender><User userID="wv:amy@peer-a.example"/></Sender></MessageInfo>${data}</SendMessageRequest>`;
const user = (id: string): string => `<User userID="${id}"/>`;
const to = (...ids: string[]): string => `<Recipient>${ids.map(user).join('')}</Recipient>`;
const data = (text: string, attributes = ' encoding="base64"'): string =>
  `<ContentData contentType="text/plain"${attributes}>${text}</ContentData>`;
const codes = (body: string): string[] => [...body.matchAll(/code="(\d+)"/g)].map(([, code = '']) => code);

describe('messages', () => {
  it('are delivered, answered, and reported: the report is lost', async () => {
    const { a, b } = await scene();
    const sent = a.sendMessage('alice', [BOB], 'Hello', { report: true });
    expect(await answered(sent)).toMatchObject({ code: 200, reachesClient: false });
    expect(b.received('bob')).toMatchObject([
      { messageId: sent.messageId, text: 'Hello', sender: ALICE, wantsReport: true },
    ]);
    await eventually('the report', () => a.user('alice').lostReports[0]);
    expect(a.received('alice')).toEqual([]);
  });

  it('name each recipient that failed', async () => {
    const { a } = await scene();
    const some = await answered(a.sendMessage('alice', [BOB, 'wv:nobody@peer-b.example'], 'x'));
    expect(some).toMatchObject({ code: 201, details: [427], reachesClient: true });
    const none = await answered(a.sendMessage('alice', ['wv:nobody@peer-b.example'], 'x'));
    expect(none).toMatchObject({ code: 900, details: [427], element: { attributes: { messageID: '' } } });
    const third = await answered(a.sendMessage('alice', ['wv:carol@third.example'], 'x'));
    expect(third).toMatchObject({ code: 900, details: [516] });
  });

  it('carry binary content', async () => {
    const { a, b } = await scene();
    const octets = Buffer.from([0, 255, 128, 10]);
    await answered(a.sendMessage('alice', [BOB], { octets, contentType: 'image/gif' }));
    expect(b.received('bob')[0]).toMatchObject({ contentType: 'image/gif', content: octets });
  });

  it('are delivered as often as they come', async () => {
    const { b, put } = await bare();
    const document = message(to(BOB), data('SGk='));
    await put(document, 'same');
    await put(document, 'same');
    expect(b.received('bob').filter((one) => one.messageId === 'm-1')).toHaveLength(2);
  });

  it('serve the first user of a Recipient only, and show the Sender, whoever asked', async () => {
    const { b, put } = await bare();
    expect(
      codes(await put(message(to('bob@PEER-B.example', 'wv:ben@peer-b.example'), data('SGk=')))),
    ).toEqual(['200']);
    expect(b.received('bob')[1]).toMatchObject({ text: 'Hi', sender: 'wv:amy@peer-a.example' });
    expect(b.received('ben')).toEqual([]);
  });

  it.each([
    ['a prefix in upper case', message(to('WV:bob@peer-b.example'), data('SGk=')), ['900', '427']],
    ['a user of another domain', message(to(BOB), data('SGk='), 'wv:eve@other.example'), ['901']],
    ['KeepAlive', '<KeepAliveRequest/>', ['405']],
    ['Logout', '<LogoutRequest/>', ['405']],
    ['Disconnect', '<Disconnect/>', ['405']],
    ['ServiceRequest', '<ServiceRequest/>', ['405']],
  ])('%s is refused', async (_what, content, expected) => {
    const { put } = await bare();
    expect(codes(await put(content))).toEqual(expected);
  });

  it('are destroyed by any encoding but base64, and without one get their ampersands escaped', async () => {
    const { b, put } = await bare();
    await put(message(to(BOB), data('plain text', ' encoding="None"')));
    await put(message(to(BOB), data('tea &amp; cake', '')));
    const [, destroyed, escaped] = b.received('bob');
    expect(destroyed?.text).not.toContain('plain');
    expect(escaped?.text).toBe('tea &amp; cake');
  });

  it('several in one document are answered in one, in order', async () => {
    const { b, put } = await bare();
    const second = `</Transaction><Transaction mode="Request" transactionID="bare-2"><Unheard/>`;
    const body = await put(`${message(to(BOB), data('SGk='))}${second}`);
    expect([...body.matchAll(/transactionID="([^"]+)"/g)].map(([, id]) => id)).toEqual(['bare-1', 'bare-2']);
    expect(codes(body)).toEqual(['200', '405']);
    expect(b.received('bob')).toHaveLength(2);
  });
});

it.each(['PresenceNotification', 'DeliveryStatusReport', 'GroupChangeNotice', 'LeaveGroupIndication'])(
  '%s gets no answer',
  async (primitive) => {
    const { put } = await bare();
    const other = `</Transaction><Transaction mode="Request" transactionID="bare-2"><Unheard/>`;
    const body = await put(`<${primitive}/>${other}`);
    expect([...body.matchAll(/transactionID="([^"]+)"/g)].map(([, id]) => id)).toEqual(['bare-2']);
  },
);

describe('presence', () => {
  it('begins with an empty notification, and follows what is authorised', async () => {
    const { a, b } = await scene();
    const { presenceSeen } = a.user('alice');
    expect(await answered(a.subscribe('alice', [BOB]))).toMatchObject({ code: 200, primitive: 'Status' });
    await eventually('the empty one', () => presenceSeen.length === 1);
    b.publish('bob', { UserAvailability: 'DISCREET' });
    b.authorise('bob', ALICE, ['OnlineStatus', 'StatusText']);
    b.publish('bob', { StatusText: 'Tea & cake' });
    b.logIn('bob');
    b.logOut('bob');
    await eventually('three more', () => presenceSeen.length === 4);
    expect(presenceSeen.map(({ values }) => values)).toEqual([
      {},
      { StatusText: 'Tea & cake' },
      { StatusText: 'Tea & cake', OnlineStatus: 'T' },
      { OnlineStatus: 'F' },
    ]);
    expect(await answered(a.unsubscribe('alice', [BOB]))).toMatchObject({ code: 200 });
    const before = posted(b, 'PresenceNotification').length;
    b.logIn('bob');
    await answered(b.sendMessage('bob', [ALICE], 'here I am'));
    expect(posted(b, 'PresenceNotification')).toHaveLength(before);
  });

  it('names unknown users, and has no Status in GetPresenceResponse', async () => {
    const { a, b } = await scene();
    const unknown = await answered(a.subscribe('alice', ['wv:nobody@peer-b.example'], ['OnlineStatus']));
    expect(unknown).toMatchObject({ code: 201, details: [531] });
    expect((await answered(a.getPresence('alice', [BOB]))).element.children).toEqual([]);
    b.authorise('bob', '*', 'all');
    b.logIn('bob');
    const seen = await answered(a.getPresence('alice', [BOB], ['OnlineStatus']));
    expect(seen).toMatchObject({ code: undefined, reachesClient: false });
    expect(seen.element.children.map(({ name }) => name)).toEqual(['PresenceValue']);
  });
});

describe('groups', () => {
  it('are joined, written to from home, asked about, and left', async () => {
    const { a, b } = await scene();
    const joined = await answered(a.join('alice', HIKERS, { screenName: 'Ally' }));
    expect(joined).toMatchObject({ code: 200, joined: ['Bobby', 'Ally'], welcomeNote: '' });
    await eventually('his own notice', () => a.user('alice').groupChanges[0]?.joined[0] === 'Ally');
    expect(b.user('bob').groupChanges).toMatchObject([{ joined: ['Ally'] }]);

    b.postToGroup('bob', 'bob/hikers', 'Welcome');
    const [message] = await eventually(
      'the message',
      () => a.received('alice').length > 0 && a.received('alice'),
    );
    expect(message).toMatchObject({ sender: HIKERS, screenName: 'ScreenName=Bobby', text: 'Welcome' });

    const users = await answered(a.joinedUsers('alice', HIKERS));
    expect(users).toMatchObject({ code: 200, joined: [], reachesClient: false });
    expect(await answered(a.groupMembers('alice', HIKERS))).toMatchObject({ primitive: 'Status', code: 816 });
    expect(await answered(a.rejectList('alice', HIKERS))).toMatchObject({ primitive: 'Status', code: 816 });
    expect(await answered(a.setGroupProps('alice', HIKERS, { Topic: 'T' }))).toMatchObject({
      code: 201,
      details: [816],
    });
    const subscribed = await answered(a.groupSubStatus('alice', HIKERS));
    expect(subscribed.element.attributes['subscribed']).toBe('Yes');

    const left = await answered(a.leave('alice', HIKERS));
    expect(left).toMatchObject({ primitive: 'LeaveGroupIndication', code: 200 });
    await eventually('notice of leaving', () => a.user('alice').groupChanges[1]?.left[0] === 'Ally');
  });

  it('do not relay what a member elsewhere wrote to others elsewhere', async () => {
    const { a, b } = await scene();
    await answered(a.join('alice', HIKERS, { screenName: 'Ally' }));
    const alone = await answered(a.sendMessage('alice', [{ groupId: HIKERS }], 'Hello hikers'));
    expect(alone).toMatchObject({ code: 200 });
    await answered(a.join('amy', HIKERS, { screenName: 'Amy' }));
    const both = await answered(a.sendMessage('alice', [{ groupId: HIKERS }], 'Hello hikers'));
    expect(both).toMatchObject({ code: 201, details: [516] });
    const whisper = { groupId: HIKERS, screenName: 'Bobby' };
    expect(await answered(a.sendMessage('alice', [whisper], 'psst'))).toMatchObject({ code: 200 });
    expect(b.received('bob').map(({ text, groupId }) => [text, groupId])).toEqual([
      ['Hello hikers', HIKERS],
      ['Hello hikers', HIKERS],
      ['psst', HIKERS],
    ]);
    expect(a.received('amy')).toEqual([]);
  });

  it('refuse with a bare Status, and tell members when they are deleted', async () => {
    const { a, b } = await scene();
    const nowhere = await answered(a.join('alice', 'wv:bob/gone@peer-b.example'));
    expect(nowhere).toMatchObject({ primitive: 'Status', code: 800 });
    const rejected = await answered(a.join('amy', 'wv:bob/closed@peer-b.example'));
    expect(rejected).toMatchObject({ primitive: 'Status', code: 809 });
    await answered(a.join('alice', HIKERS));
    b.deleteGroup('bob/hikers');
    await eventually('told', () => a.user('alice').groupsLeft[0]?.code === 800);
  });
});

describe('invitations', () => {
  it.each(['IM', 'GR', 'PR', 'SC'] as const)(
    '%s reach the invited, and are answered by a Status',
    async (type) => {
      const { a, b } = await scene();
      const invitation = {
        inviteId: `i-${type}`,
        type,
        invited: BOB,
        note: 'come',
        ...(type === 'GR' ? { groupId: 'wv:alice/club@peer-a.example' } : {}),
        ...(type === 'PR' ? { attributes: ['OnlineStatus'] } : {}),
        ...(type === 'SC' ? { urls: ['http://127.0.0.1/a?b&c'] } : {}),
      };
      expect(await answered(a.invite('alice', invitation))).toMatchObject({ primitive: 'Status', code: 200 });
      expect(b.user('bob').invitations).toMatchObject([{ type, inviting: ALICE, note: 'come' }]);
    },
  );
});
