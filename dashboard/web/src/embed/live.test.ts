import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamHandlers } from '../feed/stream';
import { delta, ping, snapshot, unit } from '../feed/testing';
import type { Definition, Frame, Unit } from '../feed/types';
import { Live } from './live';
import type { Answer } from './poll';
import type { Summary } from './view';

interface Opened {
  url: URL;
  handlers: StreamHandlers;
  closed: boolean;
}

const DEFINITION = { id: 'kg-demo' } as Definition;
const COUNTRY = [unit('country', 3)];

/** A server that answers with `answer`, or with a status, and sockets that a test speaks through. */
class World {
  answer: Unit[] | number = COUNTRY;
  version = 7;
  asked = 0;
  sockets: Opened[] = [];
  told: Answer<Summary>[] = [];
  random = () => 1;
  forbids = false;
  forbidden = () => this.forbids;
  ask = async <T>(): Promise<T | number> => {
    this.asked += 1;
    return typeof this.answer === 'number' ? this.answer : ({ ...snapshot(this.version, this.answer), definition: DEFINITION } as T);
  };
  openSocket = (url: string, handlers: StreamHandlers) => {
    const opened = { url: new URL(url, 'http://results.example'), handlers, closed: false };
    this.sockets.push(opened);
    return { close: () => void (opened.closed = true) };
  };
  hear = (answer: Answer<Summary>) => void this.told.push(answer);
  say = (frame: Frame) => this.sockets.at(-1)?.handlers.frame(JSON.stringify(frame));
  get now(): Answer<Summary> | undefined {
    return this.told.at(-1);
  }
  get reported(): number | undefined {
    return this.now?.value?.units[0]?.reported.precincts;
  }
}

let world: World;
let live: Live;
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
  live = new Live('http://results.example/e', 'unit=country', world);
});

describe('what an element follows', () => {
  it('is asked for once, and then comes through a socket', async () => {
    live.add(world.hear);
    await settle();
    expect(world.sockets[0]?.url.pathname).toBe('/e/live');
    expect(world.sockets[0]?.url.searchParams.get('since')).toBe('e1:7');
    expect(world.sockets[0]?.url.searchParams.get('units')).toBe('country');
    world.say(delta(7, 8, [unit('country', 4)]));
    await settle(1000);
    expect([world.reported, world.now?.value?.definition]).toEqual([4, DEFINITION]);
    for (let pings = 0; pings < 10; pings += 1) {
      await settle(10_000);
      world.say(ping(8));
    }
    expect([world.asked, world.sockets.length]).toEqual([1, 1]);
  });

  it('names whole kinds in a country, so that many share a frame, and single units elsewhere', async () => {
    world.answer = [unit('country', 3), unit('region:osh', 1), unit('region:talas', 2)];
    live.add(world.hear);
    await settle();
    expect(world.sockets[0]?.url.searchParams.get('units')).toBe('country,regions');
    world.answer = [unit('region:osh', 3), unit('raion:alay', 1)];
    new Live('http://results.example/e', 'unit=region:osh', world).add(world.hear);
    await settle();
    expect(world.sockets[1]?.url.searchParams.get('units')).toBe('region:osh,raion:alay');
  });

  it('is drawn at most once a second, and ends at the newest', async () => {
    live.add(world.hear);
    await settle();
    const before = world.told.length;
    for (let at = 7; at < 27; at += 1) {
      world.say(delta(at, at + 1, [unit('country', at)]));
      await settle(100);
    }
    await settle(1000);
    expect(world.told.length - before).toBeLessThanOrEqual(4);
    expect(world.reported).toBe(26);
  });

  it('resumes after a break from what it holds, and says meanwhile that the connection is lost', async () => {
    live.add(world.hear);
    await settle();
    world.say(delta(7, 8, [unit('country', 4)]));
    world.sockets[0]?.handlers.closed();
    await settle(1000);
    expect([world.now?.failed, world.reported]).toEqual([0, 4]);
    expect(world.sockets[1]?.url.searchParams.get('since')).toBe('e1:8');
    world.say(ping(8));
    await settle(1000);
    expect([world.now?.failed, world.asked]).toEqual([null, 1]);
  });

  it('is asked for anew when frames are missing, and when the service was started anew', async () => {
    live.add(world.hear);
    await settle();
    world.say(delta(9, 10, [unit('country', 4)]));
    world.version = 12;
    await settle(5000);
    expect([world.asked, world.sockets.length]).toEqual([2, 2]);
    expect(world.sockets[1]?.url.searchParams.get('since')).toBe('e1:12');
    world.say({ ...snapshot(1, COUNTRY), epoch: 'e2' });
    await settle(5000);
    expect([world.asked, world.sockets.length]).toEqual([3, 3]);
  });

  it('is asked for every few seconds where sockets are refused, and a socket is tried again later', async () => {
    live.add(world.hear);
    await settle();
    for (let tries = 0; tries < 2; tries += 1) {
      world.sockets.at(-1)?.handlers.closed();
      await settle(1000);
    }
    expect(world.sockets).toHaveLength(2);
    world.version = 9;
    world.answer = [unit('country', 6)];
    await settle(6000);
    expect([world.reported, world.now?.failed]).toEqual([6, null]);
    await settle(240_000);
    expect(world.sockets).toHaveLength(3);
    world.sockets.at(-1)?.handlers.closed();
    await settle(60_000);
    expect(world.sockets).toHaveLength(3);
    expect(world.asked).toBeGreaterThan(40);
  });

  it('tries no second socket where the policy of the page around forbids them', async () => {
    live.add(world.hear);
    await settle();
    world.forbids = true;
    world.sockets[0]?.handlers.closed();
    await settle(300_000);
    expect(world.sockets).toHaveLength(1);
    expect(world.asked).toBeGreaterThan(40);
    expect(world.now?.failed).toBe(null);
  });

  it('keeps the last good figures while nothing answers, with their age', async () => {
    live.add(world.hear);
    await settle();
    const at = world.now?.at;
    world.answer = 503;
    world.sockets[0]?.handlers.closed();
    await settle(1000);
    world.sockets[1]?.handlers.closed();
    await settle(60_000);
    expect([world.now?.at, world.now?.failed, world.reported]).toEqual([at, 503, 3]);
  });

  it('takes a silent connection for a dead one', async () => {
    live.add(world.hear);
    await settle(36_000);
    expect(world.sockets[0]?.closed).toBe(true);
    expect(world.sockets).toHaveLength(2);
  });

  it('takes what is no json for a broken connection', async () => {
    live.add(world.hear);
    await settle();
    world.sockets[0]?.handlers.frame('not json');
    await settle(1000);
    expect([world.sockets[0]?.closed, world.sockets.length]).toEqual([true, 2]);
  });

  it('ends when nobody looks, and goes on from what is held when somebody does', async () => {
    live.add(world.hear);
    await settle();
    live.remove(world.hear);
    expect(world.sockets[0]?.closed).toBe(true);
    await settle(60_000);
    expect(world.sockets).toHaveLength(1);
    live.add(world.hear);
    await settle();
    expect([world.asked, world.sockets.length]).toEqual([1, 2]);
  });

  it('reads the definition again every ten minutes: somebody may have been withdrawn', async () => {
    live.add(world.hear);
    await settle();
    for (let pings = 0; pings < 62; pings += 1) {
      await settle(10_000);
      world.say(ping(7));
    }
    await settle(6000);
    expect(world.asked).toBe(2);
  });
});
