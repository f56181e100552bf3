import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Asked } from './asked.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('an answer that follows the figures', () => {
  it('is asked for at once, and for the newest version when its time has come', async () => {
    const urls: string[] = [];
    const asked = new Asked<number>(5000, async (url) => urls.push(url));
    asked.want('/seats', 'e:1');
    await settle();
    expect(asked.value).toBe(1);
    asked.want('/seats', 'e:2');
    asked.want('/seats', 'e:3');
    await vi.advanceTimersByTimeAsync(4900);
    expect(asked.value).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked.value).toBe(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(urls).toHaveLength(2);
  });

  it('keeps the last good answer when one fails, and tries again', async () => {
    let fails = false;
    const asked = new Asked<string>(5000, async () => {
      if (fails) throw new Error('no answer');
      return 'good';
    });
    asked.want('/seats', 'e:1');
    await settle();
    fails = true;
    asked.want('/seats', 'e:2');
    await vi.advanceTimersByTimeAsync(5100);
    expect([asked.value, asked.failed]).toEqual(['good', true]);
    fails = false;
    await vi.advanceTimersByTimeAsync(5100);
    expect([asked.value, asked.failed]).toEqual(['good', false]);
  });

  it('forgets what it held when something else is wanted, and never shows a late answer to the old question', async () => {
    const waiting = new Map<string, (value: string) => void>();
    const asked = new Asked<string>(5000, (url) => new Promise((resolve) => waiting.set(url, resolve)));
    asked.want('/urns', 'e:1');
    asked.want('/protocols', 'e:1');
    waiting.get('/urns')?.('urns');
    await settle();
    expect(asked.value).toBeNull();
    waiting.get('/protocols')?.('protocols');
    await settle();
    expect(asked.value).toBe('protocols');
  });

  it('asks nothing any more when it is stopped', async () => {
    let times = 0;
    const asked = new Asked<number>(1000, async () => ++times);
    asked.want('/seats', 'e:1');
    await settle();
    asked.want('/seats', 'e:2');
    asked.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(times).toBe(1);
  });
});
