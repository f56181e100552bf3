import { describe, expect, it } from 'vitest';
import { header, unit } from '../feed/testing';
import { FetchError } from '../feed/world';
import { TimeMachine, type Past, type Traveller } from './machine.svelte';

const AT = Date.parse('2026-10-04T14:10:30Z') / 1000;
const settle = () => new Promise((resolve) => setTimeout(resolve));

/** A server with a version a minute, and a page that notes where it was taken. */
function world({ precincts = [] as string[], answer = (url: string): unknown => defaultAnswer(url) } = {}) {
  const asked: string[] = [];
  const seen: (number | null)[] = [];
  let shown: Past | null = null;
  const traveller: Traveller = {
    precincts,
    travel(past) {
      shown = past;
      seen.push(past?.snapshot.version ?? null);
    },
  };
  const machine = new TimeMachine('/e', traveller, async (url) => {
    asked.push(url);
    return answer(url);
  });
  return { machine, asked, seen, shown: () => shown };
}

function defaultAnswer(url: string): unknown {
  if (url.includes('/moments')) {
    const moments = [1, 2, 3].map((version) => ({ at: `2026-10-04T14:0${version}:00Z`, epoch: 'e1', version }));
    return { moments };
  }
  const version = Number(/version=e1:(\d+)/.exec(url)?.[1] ?? 7);
  if (url.includes('/units/')) return { unit: unit('precinct:5', version) };
  return { ...header(version), units: [unit(url.includes('/precincts') ? 'precinct:9' : 'country', version)] };
}

describe('the time machine', () => {
  it('takes the page to a second, and back to now', async () => {
    const { machine, asked, seen } = world();
    machine.go(AT + 0.7);
    expect(machine.state).toBe('loading');
    await settle();
    expect([machine.state, asked]).toEqual(['here', ['/e/results?at=2026-10-04T14:10:30Z']]);
    machine.go(null);
    expect([seen, machine.at]).toEqual([[7, null], null]);
  });

  it('asks for one second at a time while the handle is dragged, and ends at the last', async () => {
    const { machine, asked, seen } = world();
    for (let second = 0; second < 50; second += 1) machine.go(AT + second);
    await settle();
    expect(asked.map((url) => url.slice(-10))).toEqual(['T14:10:30Z', 'T14:11:19Z']);
    expect(seen).toHaveLength(2);
  });

  it('shows precincts of the same version as everything else', async () => {
    const all = world({ precincts: ['precincts'] });
    all.machine.go(Date.parse('2026-10-04T14:02:40Z') / 1000);
    await settle();
    expect(all.asked.slice(1)).toEqual(['/e/results?version=e1:2', '/e/precincts?version=e1:2']);
    expect([...(all.shown()?.units.keys() ?? [])]).toEqual(['country', 'precinct:9']);
    const one = world({ precincts: ['precinct:5'] });
    one.machine.go(AT);
    await settle();
    expect(one.asked.at(-1)).toBe('/e/units/precinct:5?version=e1:3');
  });

  it('says where nothing is on record, and where no answer comes; what was in view stays', async () => {
    for (const [status, state] of [[410, 'gone'], [0, 'failed'], [503, 'failed']] as const) {
      const { machine, seen } = world({
        answer: (url) => {
          throw new FetchError(url, status);
        },
      });
      machine.go(AT);
      await settle();
      expect([machine.state, seen]).toEqual([state, []]);
    }
  });

  it('comes back to now whatever is still on its way', async () => {
    const { machine, seen } = world();
    machine.go(AT);
    machine.go(null);
    await settle();
    expect([seen, machine.state, machine.at]).toEqual([[null], 'here', null]);
  });

  it('works from memory alone where there is no history', async () => {
    const { machine, asked } = world({
      precincts: ['precinct:5'],
      answer: (url) => {
        if (url.includes('/moments')) throw new FetchError(url, 404);
        return defaultAnswer(url);
      },
    });
    machine.go(AT);
    await settle();
    expect(asked).toEqual(['/e/moments?step=10', '/e/results?at=2026-10-04T14:10:30Z', '/e/units/precinct:5?version=e1:7']);
  });
});
