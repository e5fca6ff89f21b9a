// A write that fails is answered 500 and changes nothing: what clients see afterwards is what is on disk.

import { afterEach, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import {
  elements,
  manageList,
  sendMessage,
  subscribe,
  updatePresence,
  users,
} from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import {
  attribute,
  codeOf,
  drain,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

/** Fails the next calls of the named methods, once each. */
class BrokenDisk {
  readonly failing = new Set<keyof Store>();

  readonly filter = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name: keyof Store): unknown => {
        const method = target[name] as (...parameters: unknown[]) => unknown;
        return (...parameters: unknown[]): unknown =>
          this.failing.delete(name) ? Promise.reject(new Error('disk full')) : method(...parameters);
      },
    });
}

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.stop();
  scene = undefined;
});

async function onDisk(): Promise<{ disk: BrokenDisk; own: Scene }> {
  const disk = new BrokenDisk();
  const own = await startScene({ storeFilter: disk.filter });
  scene = own;
  return { disk, own };
}

it.each(['putContacts', 'removeContacts'] as const)('%s: the list stays as it was', async (method) => {
  const { disk, own } = await onDisk();
  const [ann, bea, cy] = await own.people('ann', 'bea', 'cy');
  const phone = await own.online(ann, HABITS.android);
  const list = ann.replace('@', '/~pep1.0_privatelist@');
  await phone.say(android.addContact(list, bea, 'Bea'));
  disk.failing.add(method);
  const change =
    method === 'putContacts' ? android.addContact(list, cy, 'Cy') : android.removeContact(list, bea);
  expect(codeOf(await phone.say(change))).toBe(500);
  const shown = await phone.say(manageList(list, elements('ReceiveList', 'T')));
  expect(texts(shown.content, 'UserID')).toEqual([bea]);
  await own.restart();
  const again = await own.again(phone).say(manageList(list, elements('ReceiveList', 'T')));
  expect(texts(again.content, 'UserID')).toEqual([bea]);
});

it('putList, deleteList: a list that could not be made is not there, one that could not be deleted is', async () => {
  const { disk, own } = await onDisk();
  const ann = await own.person('ann');
  const phone = await own.online(ann, HABITS.android);
  const [pals, work] = [ann.replace('@', '/pals@'), ann.replace('@', '/work@')];
  const create = (list: string) => elements('CreateList-Request', elements('ContactList', list));
  disk.failing.add('putList');
  expect(codeOf(await phone.say(create(pals)))).toBe(500);
  expect(codeOf(await phone.say(create(pals)))).toBe(200);
  expect(codeOf(await phone.say(create(work)))).toBe(200);
  disk.failing.add('deleteList');
  expect(codeOf(await phone.say(elements('DeleteList-Request', elements('ContactList', work))))).toBe(500);
  const lists = texts((await phone.say(android.getList())).content, 'ContactList');
  expect(lists).toEqual([pals, work]);
});

it('setAccessLists: nobody is blocked', async () => {
  const { disk, own } = await onDisk();
  const [ann, bea] = await own.people('ann', 'bea');
  const phone = await own.online(ann, HABITS.android);
  disk.failing.add('setAccessLists');
  expect(codeOf(await phone.say(android.block(bea)))).toBe(500);
  expect(texts((await phone.say(android.getBlockedList())).content, 'UserID')).toEqual([]);
});

it('putPresence, putAuthorization: watchers see nothing of it', async () => {
  const { disk, own } = await onDisk();
  const [ann, bea] = await own.people('ann', 'bea');
  const [publisher, watcher] = [await own.online(ann, HABITS.android), await own.online(bea, HABITS.android)];
  await watcher.say(subscribe(ann));
  await drain(publisher);
  disk.failing.add('putAuthorization');
  expect(codeOf(await publisher.say(android.authorize(bea, true)))).toBe(500);
  const look = elements('GetPresence-Request', users(ann));
  expect(attribute((await watcher.say(look)).content, ann, 'OnlineStatus')).toBeUndefined();
  await publisher.say(android.authorize(bea, true));
  await publisher.say(updatePresence('1.2', { StatusText: 'before' }));
  disk.failing.add('putPresence');
  expect(codeOf(await publisher.say(updatePresence('1.2', { StatusText: 'after' })))).toBe(500);
  expect(attribute((await watcher.say(look)).content, ann, 'StatusText')).toBe('before');
});

it('when the home cannot be read either, its user is answered 500 until it can', async () => {
  const { disk, own } = await onDisk();
  const [ann, bea] = await own.people('ann', 'bea');
  const phone = await own.online(ann, HABITS.android);
  disk.failing.add('setAccessLists').add('loadHome');
  expect(codeOf(await phone.say(android.block(bea)))).toBe(500);
  disk.failing.add('loadHome');
  expect(codeOf(await phone.say(android.getBlockedList()))).toBe(500);
  const shown = await phone.say(android.getBlockedList());
  expect(texts(shown.content, 'UserID')).toEqual([]);
});

it('a forwarded message whose original could not leave the queue is not lost, nor delivered twice', async () => {
  const { disk, own } = await onDisk();
  const [ann, bea, cy] = await own.people('ann', 'bea', 'cy');
  const [sender, forwarder] = [await own.online(ann, HABITS.android), await own.online(bea, HABITS.android)];
  const sent = await sender.say(sendMessage('pass it on', [bea]));
  const id = elements('MessageID', ...texts(sent.content, 'MessageID'));
  const forward = elements('ForwardMessage-Request', id + elements('Recipient', users(cy)));
  disk.failing.add('dequeue');
  expect(codeOf(await forwarder.say(forward))).toBe(500);
  expect(texts((await forwarder.say('<GetMessageList-Request/>')).content, 'MessageID')).toHaveLength(1);
  expect(codeOf(await forwarder.say(forward))).toBe(200);
  expect(texts((await forwarder.say('<GetMessageList-Request/>')).content, 'MessageID')).toEqual([]);
  const friend = await own.online(cy, HABITS.android);
  expect((await drain(friend)).flatMap((each) => texts(each, 'ContentData'))).toEqual(['pass it on']);
});

it('a copy that could not be stored leaves the original where it was', async () => {
  const { disk, own } = await onDisk();
  const [ann, bea, cy] = await own.people('ann', 'bea', 'cy');
  const [sender, forwarder] = [await own.online(ann, HABITS.android), await own.online(bea, HABITS.android)];
  const sent = await sender.say(sendMessage('pass it on', [bea]));
  const id = elements('MessageID', ...texts(sent.content, 'MessageID'));
  disk.failing.add('enqueue');
  const forward = elements('ForwardMessage-Request', id + elements('Recipient', users(cy)));
  expect(codeOf(await forwarder.say(forward))).toBe(500);
  expect((await drain(forwarder)).flatMap((each) => texts(each, 'ContentData'))).toEqual(['pass it on']);
});

it('a queue that cannot be read costs a client nothing but the wait for its next poll', async () => {
  const { disk, own } = await onDisk();
  const [ann, bea] = await own.people('ann', 'bea');
  const [sender, receiver] = [await own.online(ann, HABITS.s60), await own.online(bea, HABITS.s60)];
  await sender.say(sendMessage('one', [bea]));
  await own.restart();
  disk.failing.add('queueOf');
  const again = own.again(receiver);
  // No HTTP error: phones take one for a fault of the transport and log in anew.
  expect((await pollOnly(again)).status).toBe(200);
  expect((await drain(again)).map(({ name }) => name)).toEqual(['NewMessage']);
});
