import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openEvents, openSocket } from './stream';
import { FetchError, fetchJson } from './world';

class FakeSocket {
  static last: FakeSocket;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
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

/** A frame as the server deflates it: a zlib stream. */
const deflated = (text: string) => new Uint8Array(deflateSync(text)).buffer;

it('opens a secure web socket on the page’s own origin, deflated where the browser can inflate', () => {
  openSocket('/api/live?units=country', handlers);
  expect(String(FakeSocket.last.url)).toBe('wss://results.example/api/live?units=country&encoding=deflate');
  vi.stubGlobal('DecompressionStream', undefined);
  Reflect.deleteProperty(globalThis, 'DecompressionStream');
  openSocket('/api/live?units=country', handlers);
  expect(String(FakeSocket.last.url)).toBe('wss://results.example/api/live?units=country');
});

it('hands on frames in the order in which they came, deflated or not', async () => {
  openSocket('/api/live', handlers);
  const frames = ['"plain"', `"${'a'.repeat(100_000)}"`, '"short"', '"deflated"', '"last"'];
  for (const [at, text] of frames.entries()) FakeSocket.last.onmessage?.({ data: at % 2 === 0 ? text : deflated(text) });
  await vi.waitFor(() => expect(handlers.frame).toHaveBeenCalledTimes(frames.length));
  expect(handlers.frame.mock.calls.flat()).toEqual(frames);
  FakeSocket.last.onmessage?.({ data: 'at once again' });
  expect(handlers.frame).toHaveBeenLastCalledWith('at once again');
});

it('closes a connection that brings what cannot be inflated', async () => {
  openSocket('/api/live', handlers);
  FakeSocket.last.onmessage?.({ data: new TextEncoder().encode('no zlib').buffer });
  await vi.waitFor(() => expect(handlers.closed).toHaveBeenCalledTimes(1));
  expect(FakeSocket.last.close).toHaveBeenCalled();
  FakeSocket.last.onmessage?.({ data: '{}' });
  expect(handlers.frame).not.toHaveBeenCalled();
});

it('hands on the first close only', () => {
  openSocket('/api/live', handlers);
  FakeSocket.last.onmessage?.({ data: '{}' });
  FakeSocket.last.onclose?.();
  FakeSocket.last.onclose?.();
  expect(handlers.frame).toHaveBeenCalledTimes(1);
  expect(handlers.closed).toHaveBeenCalledTimes(1);
});

it('takes an error that no close follows for the end, as where a policy forbids the connection', () => {
  openSocket('/api/live', handlers);
  FakeSocket.last.onerror?.();
  FakeSocket.last.onclose?.();
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
