import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openEvents, openSocket } from './stream';
import { FetchError, fetchJson } from './world';

class FakeSocket {
  static last: FakeSocket;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  close = vi.fn();
  constructor(readonly url: URL) {
    FakeSocket.last = this;
  }
}
class FakeEvents {
  static last: FakeEvents;
  listeners = new Map<string, (event: { data: string }) => void>();
  onerror: (() => void) | null = null;
  close = vi.fn();
  constructor(readonly url: string) {
    FakeEvents.last = this;
  }
  addEventListener(type: string, listener: (event: { data: string }) => void) {
    this.listeners.set(type, listener);
  }
}
const handlers = { frame: vi.fn(), closed: vi.fn() };

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://results.example/kg?lang=ky' });
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('EventSource', FakeEvents);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

it('opens a secure web socket on the page’s own origin', () => {
  openSocket('/api/live?units=country', handlers);
  expect(String(FakeSocket.last.url)).toBe('wss://results.example/api/live?units=country');
});

it('hands on text frames and the first close only', () => {
  openSocket('/api/live', handlers);
  FakeSocket.last.onmessage?.({ data: '{}' });
  FakeSocket.last.onmessage?.({ data: new ArrayBuffer(4) });
  FakeSocket.last.onclose?.();
  FakeSocket.last.onclose?.();
  expect(handlers.frame).toHaveBeenCalledTimes(1);
  expect(handlers.closed).toHaveBeenCalledTimes(1);
});

it('says nothing of a web socket it has closed itself', () => {
  openSocket('/api/live', handlers).close();
  FakeSocket.last.onmessage?.({ data: '{}' });
  FakeSocket.last.onclose?.();
  expect(handlers.frame).not.toHaveBeenCalled();
  expect(handlers.closed).not.toHaveBeenCalled();
});

it('takes server-sent events named or not, and comes back by its own position rather than the browser’s', () => {
  openEvents('/api/events', handlers);
  for (const type of ['message', 'snapshot', 'delta', 'ping']) FakeEvents.last.listeners.get(type)?.({ data: type });
  expect(handlers.frame.mock.calls.flat()).toEqual(['message', 'snapshot', 'delta', 'ping']);
  FakeEvents.last.onerror?.();
  expect(FakeEvents.last.close).toHaveBeenCalled();
  expect(handlers.closed).toHaveBeenCalledTimes(1);
});

it('tells an answer that is no success from none at all', async () => {
  vi.stubGlobal('fetch', async () => new Response('{}', { status: 404 }));
  await expect(fetchJson('/a')).rejects.toMatchObject({ status: 404, url: '/a' });
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('network');
  });
  await expect(fetchJson('/a')).rejects.toBeInstanceOf(FetchError);
  vi.stubGlobal('fetch', async () => new Response('{"a":1}'));
  await expect(fetchJson('/a')).resolves.toEqual({ a: 1 });
});
