// What a process costs, from the outside: the same for our server, Prosody (Lua) and ejabberd (Erlang). Linux only.

import { readFileSync } from 'node:fs';

/** Linux reports in USER_HZ, which is 100 on every architecture that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;
const UTIME = 11;
const STIME = 12;

/** User and system time of all threads of a process until now, microseconds (in steps of 10,000). proc(5). */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets; there may be anything in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) * MICROSECONDS_PER_TICK;
}

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1] ?? Number.NaN) * 1024;
}
