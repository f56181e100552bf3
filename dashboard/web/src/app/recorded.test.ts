import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FetchError } from '../feed/world';
import { Recorded } from './recorded.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const REST = 250;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A server that answers with the address it was asked for. */
function world(answer: (url: string) => Promise<unknown> = async (url) => url) {
  const asked: string[] = [];
  const recorded = new Recorded<string>(
    (url) => {
      asked.push(url);
      return answer(url);
    },
    () => 1,
  );
  return { recorded, asked };
}

describe('an answer about the past', () => {
  it('is asked for where the reader comes to rest, and nowhere on the way', async () => {
    const { recorded, asked } = world();
    for (let version = 0; version < 50; version += 1) {
      recorded.want(`/seats?version=${version}`);
      await pass(50);
    }
    expect([asked, recorded.state]).toEqual([[], 'loading']);
    await pass(REST);
    expect([asked, recorded.value, recorded.state]).toEqual([['/seats?version=49'], '/seats?version=49', 'here']);
  });

  it('is asked for once: whoever comes back to a moment has it at once', async () => {
    const { recorded, asked } = world();
    for (const version of ['a', 'b', 'a', 'b', 'a']) {
      recorded.want(version);
      await pass(REST);
      expect([recorded.value, recorded.state]).toEqual([version, 'here']);
    }
    recorded.want('b');
    expect([recorded.value, recorded.state, asked]).toEqual(['b', 'here', ['a', 'b']]);
    for (let other = 0; other < 50; other += 1) {
      recorded.want(String(other));
      await pass(REST);
    }
    recorded.want('b');
    expect(recorded.state).toBe('loading');
  });

  it('is one of several that are asked for one after the other, and a late one is never shown', async () => {
    const waiting = new Map<string, (value: string) => void>();
    const { recorded, asked } = world((url) => new Promise((resolve) => waiting.set(url, resolve)));
    recorded.want('a');
    await pass(REST);
    recorded.want('b');
    await pass(10 * REST);
    expect(asked).toEqual(['a']);
    waiting.get('a')?.('of a');
    await pass(REST);
    expect([recorded.value, recorded.state, asked]).toEqual([null, 'loading', ['a', 'b']]);
    waiting.get('b')?.('of b');
    await pass(0);
    expect([recorded.value, recorded.state]).toEqual(['of b', 'here']);
    recorded.want('a');
    expect([recorded.value, recorded.state]).toEqual(['of a', 'here']);
    await pass(60_000);
    expect(asked).toHaveLength(2);
  });

  it('stays until the next is here, and is said to be another’s meanwhile', async () => {
    const { recorded } = world();
    recorded.want('a');
    await pass(REST);
    recorded.want('b');
    expect([recorded.value, recorded.state]).toEqual(['a', 'loading']);
  });

  it('is said not to be on record, and not asked for again', async () => {
    for (const status of [404, 410]) {
      const { recorded, asked } = world(async (url) => {
        throw new FetchError(url, status);
      });
      recorded.want('a');
      await pass(60_000);
      expect([recorded.value, recorded.state, asked]).toEqual([null, 'gone', ['a']]);
    }
  });

  it('is asked for again, ever more seldom, where no answer comes', async () => {
    let fails = true;
    const { recorded, asked } = world(async (url) => {
      if (fails) throw new FetchError(url, 503);
      return url;
    });
    recorded.want('a');
    await pass(REST);
    expect([recorded.value, recorded.state, asked.length]).toEqual([null, 'failed', 1]);
    await pass(500 + 1000);
    expect(asked).toHaveLength(3);
    fails = false;
    await pass(2000);
    expect([recorded.value, recorded.state, asked.length]).toEqual(['a', 'here', 4]);
  });

  it('is asked for no more once nobody wants it', async () => {
    const { recorded, asked } = world();
    recorded.want('a');
    recorded.stop();
    await pass(60_000);
    expect(asked).toEqual([]);
  });
});
