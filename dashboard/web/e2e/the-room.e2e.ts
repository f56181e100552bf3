import { describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { QuarantineAnswer } from '../src/feed/lists';
import type { PrecinctDetail, Snapshot, Unit } from '../src/feed/types';
import { contextOf, type Size } from './browser';
import { api, base, browser, digits, json, SCREENSHOTS, watched } from './night';

/** People of the simulation's room. */
const TOKENS = ['demonstration', 'second demonstration'] as const;
const COMMISSION = 'Simulated commission';
watched('the end');

/** The room, entered by one of its people. */
async function room<T>(look: (page: Page) => Promise<T>, { token = TOKENS[0] as string, size = 'laptop' as Size, dark = false, lang = 'en' } = {}): Promise<T> {
  const context = await contextOf(browser, size, dark);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  try {
    await page.goto(`${base}/room?lang=${lang}`);
    await page.locator('input[name="token"]').fill(token);
    await page.locator('main form button').click();
    await page.waitForSelector('main[data-desk]');
    const seen = await look(page);
    expect(errors).toEqual([]);
    return seen;
  } finally {
    await context.close();
  }
}

const desk = (page: Page, name: string) => page.getByRole('tab', { name }).click();

/** Decides with a reason, and waits for what it did. */
async function decide(page: Page, reason: string): Promise<void> {
  await page.locator('textarea[name="reason"]').fill(reason);
  await page.locator('form:has(textarea) .primary').click();
  await page.waitForSelector('[data-result="known"], form:has(textarea) .trouble[role="alert"]');
}

const changed = async (page: Page, what: string) => (await page.locator(`tr[data-changed="${what}"] td.num`).allTextContents()).map(digits);

describe('the situation room', () => {
  it('lets in nobody without a token, and keeps the token nowhere', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = await context.newPage();
    await page.goto(`${base}/room?lang=en`);
    await page.locator('input[name="token"]').fill('guessed');
    await page.locator('main form button').click();
    await page.getByRole('alert').filter({ hasText: 'does not know this token' }).waitFor();
    expect(await page.locator('main[data-desk]').count()).toBe(0);
    await context.close();
    await room(async (inside) => {
      const kept = await inside.evaluate(() => ({ local: { ...localStorage }, session: { ...sessionStorage }, html: document.documentElement.outerHTML, address: location.href }));
      expect(JSON.stringify(kept)).not.toContain(TOKENS[0]);
      expect(await inside.context().cookies()).toEqual([]);
      await inside.reload();
      await inside.waitForSelector('input[name="token"]');
    });
  });

  it('decides about reports kept back, for one reason, and shows what that changed', async () => {
    const open = async () => (await json<QuarantineAnswer>(`${api}/quarantine?limit=500`)).reports.filter(({ decision }) => !decision);
    const before = await open();
    const [first] = before;
    if (!first) throw new Error('nothing was kept back');
    await room(async (page) => {
      await page.waitForSelector('tr[data-offset]');
      const rows = await page.locator('tr[data-offset]').evaluateAll((all) => all.map((row) => Number((row as HTMLElement).dataset['offset'])));
      expect(rows).toEqual(before.map(({ offset }) => offset));
      expect(await page.locator('form:has(textarea) .primary').isDisabled()).toBe(true);
      const chosen = page.locator(`tr[data-offset="${first.offset}"]`);
      for (const code of first.codes) expect(await chosen.textContent()).toContain(code);
      await chosen.locator('input').check();
      await page.locator('input[name="act"][value="refuse"]').check();
      await decide(page, 'looked into on the telephone');
      expect(await page.locator('[data-result]').textContent()).toContain('Decisions taken: 1');
      const [then = NaN, now = NaN] = await changed(page, `precinct:${first.precinct} quarantined`);
      expect(then - now).toBe(1);
      await page.waitForSelector(`tr[data-offset="${first.offset}"]`, { state: 'detached' });
    });
    const decided = (await json<QuarantineAnswer>(`${api}/quarantine?limit=500`)).reports.find(({ offset }) => offset === first.offset);
    expect(decided?.decision).toMatchObject({ by: COMMISSION, reason: 'looked into on the telephone' });
    expect(await open()).toHaveLength(before.length - 1);
  });

  it('annuls a precinct and takes it back, with the figures of the country before and after', async () => {
    const country = async () => {
      const { units } = await json<Snapshot>(`${api}/results`);
      const unit = units.find(({ id }) => id === 'country');
      return Object.values(unit?.contests ?? {}).reduce((all, { urns }) => all + (urns.ballots ?? 0), 0);
    };
    const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
    const unit = units.find((each) => Object.values(each.contests).some(({ urns }) => (urns.ballots ?? 0) > 0)) as Unit;
    const whole = await country();
    await room(async (page) => {
      await desk(page, 'Certify or annul');
      await page.locator('input[name="unit"]').fill(unit.id);
      await page.locator('input[value="annul"]').check();
      await decide(page, 'decision of a court');
      const [before = NaN, after = NaN] = await changed(page, 'country urns');
      expect(before).toBe(whole);
      expect(after).toBeLessThan(whole);
      expect(await country()).toBe(after);
      await page.locator('input[value="reinstate"]').check();
      await decide(page, 'the court has taken it back');
      await page.waitForSelector(`tr[data-changed="${unit.id} phase"]`);
      expect(await changed(page, 'country urns')).toEqual([after, whole]);
    });
    const { corrections } = await json<PrecinctDetail>(`${api}/precincts/${unit.id.split(':')[1]}`);
    expect(corrections.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['decision of a court', 'the court has taken it back']));
  });

  it('takes a protocol from two people who do not see each other’s entry, with its sums checked as typed', async () => {
    const { units } = await json<Snapshot>(`${api}/precincts`);
    let found: PrecinctDetail | undefined;
    for (const { id } of units) {
      const detail = await json<PrecinctDetail & { protocol: string }>(`${api}/precincts/${id.split(':')[1]}`);
      if (detail.protocol === 'awaited' && detail.place.parent !== 'abroad') found = detail;
      if (found) break;
    }
    if (!found) throw new Error('every protocol is in');
    const { precinct } = found.place;
    const type = async (page: Page) => {
      await desk(page, 'Protocols');
      await page.locator('input[name="precinct"]').fill(String(precinct));
      await page.getByRole('button', { name: 'Open' }).click();
      await page.waitForSelector('fieldset[data-paper]');
      expect(await page.locator('fieldset[data-paper] td input').evaluateAll((all) => all.filter((each) => (each as HTMLInputElement).value !== '').length)).toBe(0);
      for (const paper of await page.locator('fieldset[data-paper]').all()) {
        const inputs = paper.locator('td input');
        for (let at = 0; at < (await inputs.count()); at += 1) await inputs.nth(at).fill('0');
        for (const line of ['received', 'issued', 'ballots', 'valid']) await paper.locator(`input[name="${line}"]`).fill('10');
        expect(await paper.locator('[data-unbalanced="votes"]').count()).toBe(1);
        await inputs.nth(7).fill('10');
        expect(await paper.locator('[data-unbalanced]').count()).toBe(0);
      }
      await decide(page, 'protocol of the commission');
    };
    const outcome = async (token: string) =>
      room(
        async (page) => {
          await type(page);
          await page.waitForSelector('[data-result]');
          return { waits: await page.locator(`tr[data-waiting="${precinct}"]`).count(), counted: await changed(page, `precinct:${precinct} protocols`) };
        },
        { token },
      );
    const papers = Object.keys(found.unit.contests).length;
    expect(await outcome(TOKENS[0])).toEqual({ waits: 1, counted: [] });
    expect((await outcome(TOKENS[1])).counted).toEqual([0, 10 * papers]);
  });

  it('says in the service’s own words why something cannot be decided', async () => {
    await room(async (page) => {
      await desk(page, 'Missing reports');
      const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
      const number = units[0]?.id.split(':')[1] ?? '';
      await page.locator('input[name="precinct"]').fill(number);
      await page.locator('input[name="device"]').fill('no-such-device');
      await page.locator('input[name="from"]').fill('1');
      await page.locator('input[name="through"]').fill('2');
      await decide(page, 'the device was lost');
      expect(await page.locator('form:has(textarea) .trouble').textContent()).toContain('no-such-device');
      await desk(page, 'Lots');
      await page.locator('select[name="contest"]').selectOption({ index: 1 });
      await page.waitForSelector('[data-ties], fieldset');
    });
  });

  it('is pictured in sizes, themes and languages, and never wider than the screen', async () => {
    for (const [size, dark, lang] of [['wall', true, 'ky'], ['laptop', false, 'ru'], ['phone', false, 'ky'], ['phone', true, 'en']] as const) {
      await room(
        async (page) => {
          await page.waitForSelector('form:has(textarea)');
          for (const [at, name] of ['quarantine', 'units', 'gap', 'protocol', 'lots'].entries()) {
            await page.getByRole('tab').nth(at).click();
            await page.waitForSelector(`main[data-desk="${name}"] h2`);
            await page.waitForTimeout(300);
            expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
            await page.screenshot({ path: `${SCREENSHOTS}room-${name}-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
          }
        },
        { size, dark, lang },
      );
    }
  });
});
