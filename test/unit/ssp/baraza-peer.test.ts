// The scripted peer against itself, as two real ones were seen to talk, and against bare documents.

import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startBarazaPeer, type BarazaPeer, type BarazaPeerOptions } from '../../support/ssp/baraza/peer.ts';
import type { Sent } from '../../support/ssp/baraza/state.ts';
import {
  requestDocument,
  loginDocument,
  sessionDocument,
  tokenDocument,
} from '../../support/ssp/baraza/write.ts';
import { startScene, type Scene } from './baraza-scene.ts';

const running: BarazaPeer[] = [];

afterEach(async () => {
  for (const peer of running.splice(0)) await peer.stop();
});

async function scene(a: Partial<BarazaPeerOptions> = {}, b: Partial<BarazaPeerOptions> = {}): Promise<Scene> {
  const both = await startScene(a, b);
  running.push(both.a, both.b);
  return both;
}

const ALICE = 'wv:alice@peer-a.example';
const BOB = 'wv:bob@peer-b.example';
const HIKERS = 'wv:bob/hikers@peer-b.example';

const answered = (sent: Sent) =>
  eventually(
    () => `an answer to ${sent.primitive}`,
    () => sent.answers[0],
    5000,
  );

/** Modes, transactions and roots of what one side sent, in order. */
const steps = (peer: BarazaPeer): string[] =>
  peer.log
    .filter((entry) => entry.direction === 'out' && entry.body.includes('<SetupTransaction'))
    .map(({ body, headers }) => {
      const [, mode] = /mode="(\w+)"/.exec(body) ?? [];
      const [, id] = /transactionID="(\w+)"/.exec(body) ?? [];
      const [, step] = /<(SendSecretToken|Login\w+)/.exec(body) ?? [];
      const header = headers.find(([name]) => name === 'x-wv-transactionid')?.[1] ?? '-';
      return `${step} ${mode} ${id} ${header}`;
    });

const posted = (peer: BarazaPeer, name: string) =>
  peer.log.filter((entry) => entry.direction === 'out' && entry.body.includes(`<${name}`));

describe('set-up', () => {
  it('takes six steps, the second under an ID of its own, when the first request waits', async () => {
    const { a, b } = await scene();
    const sent = a.sendMessage('alice', [BOB], 'Hello');
    await answered(sent);
    expect(steps(a)).toEqual([
      'SendSecretToken Request 101 101',
      'LoginRequest Request 101 -',
      'LoginResponse Request 101 -',
    ]);
    expect(steps(b)).toEqual([
      'SendSecretToken Response 501 501',
      'LoginRequest Response 101 -',
      'LoginResponse Response 101 -',
    ]);
    expect(a.sessions).toMatchObject([
      { state: 'up', ownSessionId: '101@peer-a.example', theirSessionId: '501@peer-b.example' },
    ]);
    expect(sent.attempts).toBe(1);
  });

  it('works in the other direction, and a second one leaves both sessions usable', async () => {
    const { a, b } = await scene({ sendsOn: 'oldest' }, { sendsOn: 'newest' });
    const fromB = b.sendMessage('bob', [ALICE], 'first');
    await answered(fromB);
    // A forgets, and begins anew: B accepts, and keeps both.
    await a.restart({ forget: true });
    await answered(a.sendMessage('alice', [BOB], 'second'));
    expect(b.sessions.map((row) => [row.role, row.state])).toEqual([
      ['initiator', 'up'],
      ['acceptor', 'up'],
    ]);
    await answered(b.sendMessage('bob', [ALICE], 'third'));
    expect(a.received('alice').map((message) => message.text)).toEqual(['third']);
  });

  it('[race] drops a step that comes within 50 ms, and stays half open for ever', async () => {
    const { a, b } = await scene({}, { race: true });
    const sent = a.sendMessage('alice', [BOB], 'Hello');
    await eventually('step 3 dropped', () => steps(a).length === 2);
    await eventually('step 3 closed', () => a.log.some((one) => one.outcome === 'closed'));
    expect([a.sessions[0]?.state, b.sessions[0]?.state]).toEqual(['login-sent', 'token-answered']);
    expect(sent.state).toBe('queued');
  });

  it('[race] takes the same step when it comes later', async () => {
    const { b } = await scene({}, { race: true });
    await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'));
    await eventually('step 2', () => steps(b).length === 1);
    const digest = createHash('md5')
      .update(b.sessions[0]?.ownToken ?? '')
      .digest('base64');
    const step3 = loginDocument('Request', 'x-1', 'peer-a.example', digest);
    expect(await post(b, step3)).toBe('closed');
    await eventually('taken', async () => (await post(b, step3)) !== 'closed');
    await eventually('step 4', () => steps(b).length === 2);
  });

  it.each([
    ['a wrong digest', loginDocument('Request', 'x-1', 'peer-a.example', 'd3Jvbmc=')],
    ['an unknown transaction', loginDocument('Request', 'x-2', 'peer-a.example', 'd3Jvbmc=')],
    ['a token of nobody', tokenDocument('Request', 'x-3', '', 'abc')],
    ['a domain without a route', tokenDocument('Request', 'x-4', 'elsewhere.example', 'abc')],
  ])('closes the connection on %s', async (_what, body) => {
    const { b } = await scene();
    expect(await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'))).toMatchObject({
      status: 200,
    });
    await eventually('step 2', () => steps(b).length === 1);
    expect(await post(b, body)).toBe('closed');
  });

  it('deletes its half after a wrong digest and after a refusal', async () => {
    const { b } = await scene();
    await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'));
    await post(b, loginDocument('Request', 'x-1', 'peer-a.example', 'd3Jvbmc='));
    expect(b.sessions).toEqual([]);
    await post(b, tokenDocument('Request', 'x-2', 'peer-a.example', 'abc'));
    const digest = createHash('md5')
      .update(b.sessions[0]?.ownToken ?? '')
      .digest('base64');
    expect(await post(b, loginDocument('Request', 'x-2', 'peer-a.example', digest))).toMatchObject({
      status: 200,
    });
    const refusal = sessionDocument('Request', 'x-2', '').replace('"200"', '"401"');
    expect(await post(b, refusal)).toBe('closed');
    expect(b.sessions).toEqual([]);
  });
});

interface Reply {
  readonly status: number | undefined;
  readonly rawHeaders: readonly string[];
}

function post(
  peer: BarazaPeer,
  body: string,
  contentType = 'application/vnd.wv.ssp+xml; charset=utf-8',
): Promise<Reply | 'closed'> {
  return new Promise((resolve) => {
    const sending = request(peer.url, { method: 'POST', headers: { 'Content-Type': contentType } });
    sending.once('response', ({ statusCode: status, rawHeaders }) => resolve({ status, rawHeaders }));
    sending.once('error', () => resolve('closed'));
    sending.end(body);
  });
}

describe('HTTP', () => {
  it('answers with an empty 200, its name, and two Connection headers', async () => {
    const { b } = await scene();
    const reply = await post(b, tokenDocument('Request', 'x', 'peer-a.example', 'abc'));
    if (reply === 'closed') throw new Error('closed');
    expect(reply.rawHeaders.slice(0, 4)).toEqual(['Server', 'Kannel/1.4.5', 'Content-Length', '0']);
    const connection = reply.rawHeaders.flatMap((name, index) =>
      name === 'Connection' ? [reply.rawHeaders[index + 1]] : [],
    );
    expect(connection).toEqual(['Keep-Alive', 'keep-alive']);
  });

  it.each(['<a>', '', '<WV-SSP-Message/>', '<Other/>'])('answers 400 to %j', async (body) => {
    const { b } = await scene();
    expect(await post(b, body)).toMatchObject({ status: 400 });
  });

  it('closes on an unknown session, and takes other content without a word', async () => {
    const { b } = await scene();
    expect(await post(b, requestDocument('9@nowhere', '1', '<Status code="200"/>\n'))).toBe('closed');
    expect(await post(b, 'x', 'application/octet-stream')).toMatchObject({ status: 200 });
  });

  it('names itself, the transaction of requests, and on answers the session of the other side', async () => {
    const { a, b } = await scene();
    const sent = a.sendMessage('alice', [BOB], 'Hello');
    await answered(sent);
    const ours = posted(a, 'SendMessageRequest')[0]?.headers;
    expect(ours?.map(([name]) => name)).toEqual([
      'Connection',
      'x-wv-transactionid',
      'x-wv-sessionid',
      'User-Agent',
      'Content-Type',
      'Content-Length',
      'Host',
    ]);
    expect(ours).toContainEqual(['x-wv-transactionid', sent.transactionId]);
    expect(ours).toContainEqual(['x-wv-sessionid', '101@peer-a.example']);
    const theirs = Object.fromEntries(posted(b, 'SendMessageResponse')[0]?.headers ?? []);
    expect(theirs['x-wv-sessionid']).toBe('101@peer-a.example');
    expect(theirs).not.toHaveProperty('x-wv-transactionid');
  });
});

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

describe('the sender', () => {
  it('tries again under the same ID, in order, and delivers after the other side came back', async () => {
    const { a, b } = await scene({ retryMs: 20 });
    await answered(a.sendMessage('alice', [BOB], '0'));
    await b.kill();
    const sent = ['1', '2', '3'].map((text) => a.sendMessage('alice', [BOB], text));
    await eventually('two attempts', () => (sent[0]?.attempts ?? 0) >= 2);
    expect(sent[1]?.attempts).toBe(0);
    await b.restart();
    for (const one of sent) await answered(one);
    expect(b.received('bob').map((one) => one.text)).toEqual(['0', '1', '2', '3']);
    const ids = posted(a, 'SendMessageRequest').map(
      ({ headers }) => Object.fromEntries(headers)['x-wv-transactionid'],
    );
    expect(new Set(ids).size).toBe(4);
  });

  it('keeps sessions and queue over a restart, and has nothing after it forgot', async () => {
    const { a, b } = await scene({ retryMs: 20 });
    await answered(a.sendMessage('alice', [BOB], 'before'));
    await b.kill();
    a.sendMessage('alice', [BOB], 'waiting');
    await eventually('an attempt', () => posted(a, 'SendMessageRequest').length >= 2);
    const url = a.url;
    await a.restart();
    expect([a.url, a.waiting, a.sessions.length]).toEqual([url, 1, 1]);
    await b.restart();
    await eventually('delivered', () => b.received('bob').length === 2);
    await b.restart({ forget: true });
    expect([b.sessions, b.received('bob')]).toEqual([[], []]);
  });

  it('repeats what is not well formed until it expires, without holding up others', async () => {
    const { a } = await scene({ retryMs: 20, lifeMs: 400 });
    await answered(a.sendMessage('alice', [BOB], 'x'));
    const invitation = { inviteId: 'i-1', type: 'IM', invited: BOB } as const;
    const cancel = a.cancelInvite('alice', invitation);
    expect(await answered(a.invite('alice', invitation))).toMatchObject({ primitive: 'Status', code: 200 });
    await eventually('expired', () => cancel.state === 'expired');
    expect(cancel.attempts).toBeGreaterThan(1);
    expect(posted(a, 'CancelInviteRequest').every(({ outcome }) => outcome === 400)).toBe(true);
  });
});

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

it('starts alone, and begins no set-up where it has no route', async () => {
  const peer = await startBarazaPeer({
    domain: 'peer-a.example',
    peer: { domain: 'peer-b.example' },
    users: ['alice'],
    retryMs: 5,
  });
  running.push(peer);
  const sent = peer.sendMessage('alice', [BOB], 'Hello');
  expect([sent.state, peer.sessions, peer.log]).toEqual(['queued', [], []]);
});
