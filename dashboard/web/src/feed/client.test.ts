import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FeedClient, type FeedWorld } from './client';
import type { StreamHandlers } from './stream';
import { delta, ping, snapshot, unit } from './testing';
import type { Frame } from './types';

interface Opened {
  kind: 'socket' | 'events';
  url: URL;
  handlers: StreamHandlers;
  closed: boolean;
}

class World implements FeedWorld {
  answers = new Map<string, unknown>();
  asked: string[] = [];
  opened: Opened[] = [];
  now = () => Date.now();
  random = () => 1;
  setTimer = (run: () => void, ms: number) => Number(setTimeout(run, ms));
  clearTimer = (timer: number) => clearTimeout(timer);

  fetchJson = async (url: string) => {
    this.asked.push(url);
    const answer = this.answers.get(url);
    if (answer === undefined) throw new Error(`no answer for ${url}`);
    return answer;
  };
  openSocket = (url: string, handlers: StreamHandlers) => this.#open('socket', url, handlers);
  openEvents = (url: string, handlers: StreamHandlers) => this.#open('events', url, handlers);

  #open(kind: Opened['kind'], url: string, handlers: StreamHandlers) {
    const opened: Opened = { kind, url: new URL(url, 'http://page'), handlers, closed: false };
    this.opened.push(opened);
    return { close: () => void (opened.closed = true) };
  }

  get last(): Opened {
    const opened = this.opened.at(-1);
    if (!opened) throw new Error('nothing was opened');
    return opened;
  }

  say(frame: Frame): void {
    this.last.handlers.frame(JSON.stringify(frame));
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0);
let world: World;
let changes: (string[] | 'all')[];
let client: FeedClient;

beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
  changes = [];
  client = new FeedClient('/e', world, { changed: (units) => changes.push(units), link: () => undefined });
  world.answers.set('/e/results', snapshot(7, [unit('country', 3)]));
});

async function live() {
  client.start();
  await settle();
  world.say(delta(7, 8, [unit('country', 4)]));
}

it('reads the last figures of an election that is over, and follows nothing', async () => {
  const links: string[] = [];
  const past = new FeedClient('/e', world, { changed: (units) => changes.push(units), link: (link) => links.push(link) }, true);
  past.start();
  await settle();
  expect([changes, links.at(-1), world.opened, past.lastFrameAt]).toEqual([['all'], 'live', [], null]);
  // A precinct that is looked at by itself is asked for, and still nothing is followed.
  world.answers.set('/e/precincts', snapshot(7, [unit('precinct:1', 1)]));
  past.follow(['country', 'precincts']);
  await settle();
  expect([world.asked.at(-1), world.opened]).toEqual(['/e/precincts', []]);
});

describe('the feed client', () => {
  it('takes the snapshot over http and follows from its version', async () => {
    client.start();
    await settle();
    expect(world.asked).toEqual(['/e/results']);
    expect(changes).toEqual(['all']);
    expect(world.last.kind).toBe('socket');
    expect(world.last.url.pathname).toBe('/e/live');
    expect(world.last.url.searchParams.get('since')).toBe('e1:7');
    expect(world.last.url.searchParams.get('units')).toBe('country,abroad,regions,raions,districts');
  });

  it('applies deltas and says which units changed', async () => {
    await live();
    expect(client.link).toBe('live');
    expect(changes).toEqual(['all', ['country']]);
    expect(client.held.position).toBe('e1:8');
  });

  it('resumes from the version it holds after the connection breaks', async () => {
    await live();
    world.last.handlers.closed();
    expect(client.link).toBe('waiting');
    await vi.advanceTimersByTimeAsync(500);
    expect(world.opened).toHaveLength(2);
    expect(world.last.url.searchParams.get('since')).toBe('e1:8');
    expect(world.asked).toEqual(['/e/results']);
  });

  it('waits longer after each failure, up to thirty seconds', async () => {
    world.answers.clear();
    client.start();
    const at: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      await settle();
      const before = Date.now();
      const asked = world.asked.length;
      while (world.asked.length === asked) await vi.advanceTimersByTimeAsync(250);
      at.push(Date.now() - before);
    }
    expect(at).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('asks for a snapshot when frames are missing', async () => {
    await live();
    world.say(delta(10, 11, [unit('country', 9)]));
    await vi.advanceTimersByTimeAsync(500);
    expect(world.last.url.searchParams.has('since')).toBe(false);
    world.say(snapshot(11, [unit('country', 9)]));
    expect(client.held.position).toBe('e1:11');
    world.last.handlers.closed();
    await vi.advanceTimersByTimeAsync(500);
    expect(world.last.url.searchParams.get('since')).toBe('e1:11');
  });

  it('takes the snapshot of a server that was started anew', async () => {
    await live();
    world.say({ ...ping(1), epoch: 'e2' });
    await vi.advanceTimersByTimeAsync(500);
    world.say({ ...snapshot(1, [unit('country', 4)]), epoch: 'e2' });
    expect(client.held.position).toBe('e2:1');
  });

  it('reconnects when nothing has been heard for three pings', async () => {
    await live();
    await vi.advanceTimersByTimeAsync(36_000);
    expect(world.opened[0]?.closed).toBe(true);
    expect(world.opened).toHaveLength(2);
  });

  it('does not reconnect while pings come', async () => {
    await live();
    for (let i = 0; i < 10; i += 1) {
      await vi.advanceTimersByTimeAsync(10_000);
      world.say(ping(8));
    }
    expect(world.opened).toHaveLength(1);
  });

  it('falls back to server-sent events where two web sockets stay deaf, and tries them again later', async () => {
    client.start();
    await settle();
    world.last.handlers.closed();
    await vi.advanceTimersByTimeAsync(500);
    world.last.handlers.closed();
    await vi.advanceTimersByTimeAsync(1000);
    expect(world.opened.map(({ kind }) => kind)).toEqual(['socket', 'socket', 'events']);
    expect(world.last.url.pathname).toBe('/e/events');
    world.say(delta(7, 8, [unit('country', 4)]));
    world.last.handlers.closed();
    await vi.advanceTimersByTimeAsync(1000);
    expect(world.last.kind).toBe('socket');
  });

  it('drops a connection that sends no json', async () => {
    await live();
    world.last.handlers.frame('not json');
    expect(client.link).toBe('waiting');
  });

  it('stops everything while paused and catches up afterwards', async () => {
    await live();
    client.pause();
    world.opened[0]?.handlers.frame(JSON.stringify(delta(8, 9, [unit('country', 5)])));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(client.held.position).toBe('e1:8');
    expect(world.opened).toHaveLength(1);
    client.resume();
    await settle();
    expect(world.last.url.searchParams.get('since')).toBe('e1:8');
  });

  it('fetches all precincts over http when they are first followed, and resumes from the older version', async () => {
    await live();
    const precincts = Array.from({ length: 10 }, (_, i) => unit(`precinct:${i + 1}`, 1));
    world.answers.set('/e/precincts', snapshot(7, precincts));
    client.follow(['country', 'precincts']);
    await settle();
    expect(world.asked).toEqual(['/e/results', '/e/precincts']);
    expect(world.last.url.searchParams.get('units')).toBe('country,precincts');
    expect(world.last.url.searchParams.get('since')).toBe('e1:7');
    client.follow(['country']);
    expect(client.held.units.size).toBe(1);
  });

  it('begins with a snapshot when the precincts are of another epoch', async () => {
    await live();
    world.answers.set('/e/precincts', { ...snapshot(1, [unit('precinct:1', 1)]), epoch: 'e2' });
    client.follow(['country', 'precincts']);
    await settle();
    expect(world.last.url.searchParams.has('since')).toBe(false);
  });

  it('begins with a snapshot when a single unit is newly followed', async () => {
    await live();
    client.follow(['country', 'precinct:5']);
    await settle();
    expect(world.last.url.searchParams.has('since')).toBe(false);
  });

  it('leaves the connection alone when nothing else is followed', async () => {
    await live();
    client.follow(['country', 'abroad', 'regions', 'raions', 'districts']);
    await settle();
    expect(world.opened).toHaveLength(1);
  });

  it('tries at once when the network is back', async () => {
    world.answers.clear();
    client.start();
    await settle();
    expect(client.link).toBe('waiting');
    client.hurry();
    await settle();
    expect(world.asked).toHaveLength(2);
  });
});
