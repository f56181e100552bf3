import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unit } from '../feed/testing';
import { Asking, placeAfter, type End, type Spelled, type Wish } from './asking.svelte';
import type { Consequence } from './consequence';
import { Refusal } from './session.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const WISH: Wish = { button: 'Annul', path: '/units', body: { unit: 'region:osh', act: 'annul' }, units: ['country'] };

/** A room whose service counts one more with every decision, or refuses. */
function room(refuses?: Error) {
  const [sent, ends]: [[string, object][], End[]] = [[], []];
  let done = 0;
  const asking = new Asking({
    base: '/e',
    read: async () => ({ unit: unit('country', 3, { p01: 10 + sent.length }) }),
    decide: async (path, body) => {
      if (refuses) throw refuses;
      sent.push([path, body]);
      return { offset: 7 };
    },
    said: (refusal) => (refusal as Error).message,
    done: () => (done += 1),
    ended: (end) => ends.push(end),
  });
  asking.reason = ' decision of a court ';
  return { asking, sent, ends, done: () => done };
}

const finish = async (going: Promise<void>) => {
  await vi.advanceTimersByTimeAsync(10_000);
  await going;
};
const stands = (figures: string): Consequence => ({ does: ['it will'], stands: { figures, otherwise: 'they have changed' } });

describe('a decision', () => {
  it('is sent at the first press where it takes nothing away, and says what it changed', async () => {
    const { asking, sent, ends, done } = room();
    await finish(asking.ask(WISH));
    expect([sent, ends, done(), asking.reason]).toEqual([[['/units', WISH.body]], ['taken'], 1, '']);
    expect(asking.result).toEqual({ taken: 1, problems: [], changes: [{ unit: 'country', figure: 'urns', before: 10, after: 11 }] });
  });

  it('is spelled out first, and whoever goes back has sent nothing and keeps the reason', async () => {
    const { asking, sent, ends } = room();
    await finish(asking.ask(WISH, () => ({ does: ['it will'] })));
    expect(asking.asked).toMatchObject({ button: 'Annul', does: ['it will'], reason: 'decision of a court' });
    expect([asking.busy, ends]).toEqual([false, []]);
    asking.leave();
    // The dialog says that it is closed once more when it is.
    asking.leave();
    await finish(asking.confirm());
    expect([sent, ends, asking.asked, asking.reason.trim()]).toEqual([[], ['left'], null, 'decision of a court']);
  });

  it('is not sent before the number of those it takes is typed', async () => {
    const { asking, sent } = room();
    await finish(asking.ask(WISH, () => ({ does: [], typed: { label: 'type 12', text: '12' } })));
    for (const typed of ['', '1', '13', '12 precincts']) {
      asking.typed = typed;
      expect(asking.confirmable).toBe(false);
      await finish(asking.confirm());
      expect([sent, asking.asked === null]).toEqual([[], false]);
    }
    asking.typed = ' 12 ';
    await finish(asking.confirm());
    expect(sent).toHaveLength(1);
    // The next one is typed for anew.
    asking.reason = 'another';
    await finish(asking.ask(WISH, () => ({ does: [], typed: { label: 'type 12', text: '12' } })));
    expect([asking.typed, asking.confirmable]).toEqual(['', false]);
  });

  it('is not sent where the figures it follows from have changed while it was to be confirmed', async () => {
    let figures = 'ten';
    const { asking, sent, ends } = room();
    await finish(asking.ask(WISH, () => stands(figures)));
    figures = 'eleven';
    await finish(asking.confirm());
    expect([sent, ends, asking.trouble, asking.asked, asking.busy]).toEqual([[], ['changed'], 'they have changed', null, false]);
    await finish(asking.ask(WISH, () => stands(figures)));
    expect(asking.trouble).toBe('');
    await finish(asking.confirm());
    expect([sent.length, ends]).toEqual([1, ['changed', 'taken']]);
  });

  it('is not sent where nobody can say whether they have', async () => {
    let silent = false;
    const { asking, sent, ends } = room();
    await finish(
      asking.ask(WISH, async () => {
        if (silent) throw new Refusal(0, 'no answer');
        return stands('ten');
      }),
    );
    silent = true;
    await finish(asking.confirm());
    expect([sent, ends, asking.trouble]).toEqual([[], ['refused'], 'no answer']);
  });

  it('is asked for once, however often the button is pressed', async () => {
    const { asking, sent } = room();
    const spelled = vi.fn<Spelled>(async () => ({ does: [] }));
    await finish(Promise.all([asking.ask(WISH, spelled), asking.ask(WISH, spelled)]).then(() => undefined));
    await finish(Promise.all([asking.confirm(), asking.confirm()]).then(() => undefined));
    expect([spelled.mock.calls.length, sent.length]).toEqual([1, 1]);
  });

  it('that the service refuses leaves the reason as it was typed, and says why', async () => {
    const { asking, ends, done } = room(new Refusal(409, 'it is certified'));
    await finish(asking.ask(WISH, () => ({ does: [] })));
    await finish(asking.confirm());
    expect([ends, asking.trouble, asking.result, done()]).toEqual([['refused'], 'it is certified', null, 0]);
    expect([asking.reason.trim(), asking.busy]).toEqual(['decision of a court', false]);
  });
});

it('comes back to its button, or to what became of it where there is nothing more to press', () => {
  const places = (pressable: boolean) => (['left', 'refused', 'changed', 'taken'] as const).map((end) => placeAfter(end, pressable));
  expect(places(true)).toEqual(['button', 'button', 'trouble', 'button']);
  expect(places(false)).toEqual(['reason', 'trouble', 'trouble', 'result']);
});
