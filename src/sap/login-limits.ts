// How often somebody may fail to log in: per user and source, per user in all, per source in all. A stranger who guesses
// uses up his own tries, not those of the user.

import { isIPv6 } from 'node:net';
import type { Clock } from '../ops/ports.ts';
import type { UserAddress } from '../wv/ids.ts';
import { RateLimit } from './rate-limit.ts';

/** `burst` wrong tries at once, then one every `seconds`. */
export interface Allowance {
  readonly burst: number;
  readonly seconds: number;
}

export interface LoginAllowances {
  /** Of one user, from one source. */
  readonly user: Allowance;
  /** Of one user, from everywhere. */
  readonly userInAll: Allowance;
  /** From one source, for all users. */
  readonly source: Allowance;
}

/** Who tries: what the limits count by. */
export interface Attempt {
  readonly user: UserAddress;
  /** Network address. */
  readonly source: string;
}

/**
 * What counts as one source: an IPv4 address, or the /64 of an IPv6 address, for whoever has one address of it has
 * them all.
 */
export function sourceOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('%', 1).join('').split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? front : [...front, ...zeros(8 - front.length - back.length), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

function zeros(count: number): readonly string[] {
  return Array.from({ length: Math.max(0, count) }, () => '0');
}

export class LoginLimits {
  private readonly perUserAndSource: RateLimit;
  private readonly perUser: RateLimit;
  private readonly perSource: RateLimit;

  constructor(clock: Clock, { user, userInAll, source }: LoginAllowances) {
    this.perUserAndSource = new RateLimit(clock, user.burst, user.seconds);
    // Never tighter than that of a single source.
    const inAll = Math.max(user.burst, userInAll.burst);
    this.perUser = new RateLimit(clock, inAll, userInAll.seconds);
    this.perSource = new RateLimit(clock, source.burst, source.seconds);
  }

  /** Seconds to wait; 0 = go ahead. */
  wait({ user, source }: Attempt): number {
    return Math.max(
      this.perUserAndSource.wait(`${user} ${sourceOf(source)}`),
      this.perUser.wait(user),
      this.perSource.wait(sourceOf(source)),
    );
  }

  failed({ user, source }: Attempt): void {
    this.perUserAndSource.spend(`${user} ${sourceOf(source)}`);
    this.perUser.spend(user);
    this.perSource.spend(sourceOf(source));
  }

  /** The right password: wrong tries of this user from there are forgiven, those from elsewhere are not. */
  succeeded({ user, source }: Attempt): void {
    this.perUserAndSource.forgive(`${user} ${sourceOf(source)}`);
  }
}
