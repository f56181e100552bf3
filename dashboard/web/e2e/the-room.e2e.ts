import { describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { QuarantineAnswer } from '../src/feed/lists';
import type { Definition, PrecinctDetail, Snapshot, Unit } from '../src/feed/types';
import { contextOf, type Size } from './browser';
import { api, base, browser, definition, digits, json, SCREENSHOTS, watched } from './night';

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

const desk = (page: Page, name: string) => page.getByRole('tab', { name, exact: true }).click();

/** Presses the button with a reason; what is then asked to be confirmed, if anything is. */
async function press(page: Page, reason: string): Promise<string> {
  await page.locator('textarea[name="reason"]').fill(reason);
  await page.locator('form.decision .primary').click();
  await page.waitForSelector('dialog[open], [data-result], form.decision > .trouble[role="alert"]');
  const dialog = page.locator('dialog[open]');
  return (await dialog.count()) > 0 ? ((await dialog.textContent()) ?? '') : '';
}

async function known(page: Page): Promise<void> {
  await page.waitForSelector('[data-result="known"], form.decision > .trouble[role="alert"]');
}

/** Decides with a reason, confirms where that is asked for, and waits for what it did; what was to be confirmed. */
async function decide(page: Page, reason: string): Promise<string> {
  const spelled = await press(page, reason);
  if (spelled !== '') await page.locator('dialog[open] .primary').click();
  await known(page);
  return spelled;
}

/** Opens a precinct at a desk. */
async function open(page: Page, precinct: number): Promise<void> {
  await page.locator('input[name="precinct"]').fill(String(precinct));
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.waitForSelector(`[data-precinct="${precinct}"]`);
}

const detailOf = (precinct: number) => json<PrecinctDetail>(`${api}/precincts/${precinct}`);
const waiting = async () => (await json<QuarantineAnswer>(`${api}/quarantine?limit=500`)).reports.filter(({ decision }) => !decision);
/** Until something that was decided is to be read by everybody. */
const published = <T,>(read: () => Promise<T>, is: (found: T) => boolean) => expect.poll(async () => is(await read()), { timeout: 10_000 }).toBe(true);

/** Until the keyboard is at something. */
const at = (page: Page, selector: string) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

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
    const before = await waiting();
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
      // One press decides nothing: it says what will happen, and whoever goes back has done nothing.
      const spelled = await press(page, 'looked into on the telephone');
      expect(spelled).toContain('This cannot be taken back');
      expect(spelled).toContain('looked into on the telephone');
      await page.locator('dialog[open] .plain').click();
      expect(await page.locator('dialog[open]').count()).toBe(0);
      await at(page, 'form.decision .primary');
      expect(await waiting()).toHaveLength(before.length);
      await decide(page, 'looked into on the telephone');
      expect(await page.locator('[data-result]').textContent()).toContain('Decisions taken: 1');
      const [then = NaN, now = NaN] = await changed(page, `precinct:${first.precinct} quarantined`);
      expect(then - now).toBe(1);
      await page.waitForSelector(`tr[data-offset="${first.offset}"]`, { state: 'detached' });
    });
    const decided = (await json<QuarantineAnswer>(`${api}/quarantine?limit=500`)).reports.find(({ offset }) => offset === first.offset);
    expect(decided?.decision).toMatchObject({ by: COMMISSION, reason: 'looked into on the telephone' });
    expect(await waiting()).toHaveLength(before.length - 1);
  });

  it('decides about no report that the filter hides, and says that it is left out', async () => {
    await room(async (page) => {
      await page.waitForSelector('tr[data-offset]');
      // From row to row by keyboard, whatever its letters are.
      const row = (nth: number) => `tr[data-offset]:nth-child(${nth}) input`;
      await page.getByRole('checkbox', { name: 'All in view' }).focus();
      for (const [key, nth] of [['KeyJ', 1], ['KeyJ', 2], ['KeyK', 1]] as const) {
        await page.keyboard.press(key);
        await at(page, row(Math.min(nth, await page.locator('tr[data-offset]').count())));
      }
      await page.getByRole('checkbox', { name: 'All in view' }).check();
      const all = await page.locator('tr[data-offset]').count();
      const codes = page.locator('.codes button');
      await codes.nth(1).click();
      const inView = await page.locator('tr[data-offset]').count();
      const left = page.locator('[data-hidden]');
      if (inView < all) expect(Number(await left.getAttribute('data-hidden'))).toBe(all - inView);
      expect(digits(await page.locator('form.decision .primary').textContent())).toBe(inView);
      // Nothing of what is in view is chosen any more: what is hidden alone is nothing to decide about.
      await page.getByRole('checkbox', { name: 'All in view' }).uncheck();
      await page.locator('textarea[name="reason"]').fill('nothing is to be decided');
      expect(await page.locator('form.decision .primary').isDisabled()).toBe(true);
      if (inView < all) {
        expect(Number(await left.getAttribute('data-hidden'))).toBe(all - inView);
        await left.getByRole('button').click();
        expect(await page.locator('tr[data-offset]').count()).toBe(all);
      }
    });
  });

  it('asks for the number of precincts before it takes many figures away', async () => {
    const { units } = await json<Snapshot>(`${api}/results`);
    const raion = units.find(({ kind, precincts }) => kind === 'raion' && precincts > 1) as Unit;
    await room(async (page) => {
      await desk(page, 'Certify or annul');
      await page.locator('input[name="unit"]').fill(raion.id);
      await page.locator('input[value="annul"]').check();
      const spelled = await press(page, 'a rehearsal of the hand');
      expect(spelled).toContain('leave every sum');
      // A raion's sums hold the list contest alone: nothing is left of it where every precinct is annulled.
      const { ballots = 0 } = raion.contests['list']?.urns ?? {};
      expect((await page.locator('dialog[open] tr[data-spelled] td').allTextContents()).slice(0, 2).map(digits)).toEqual([ballots, 0]);
      const confirm = page.locator('dialog[open] .primary');
      expect(await confirm.isDisabled()).toBe(true);
      await page.locator('input[name="typed"]').fill(String(raion.precincts + 1));
      expect(await confirm.isDisabled()).toBe(true);
      await page.locator('input[name="typed"]').fill(String(raion.precincts));
      expect(await confirm.isEnabled()).toBe(true);
      await page.keyboard.press('Escape');
      expect(await page.locator('dialog[open]').count()).toBe(0);
      // Whoever works by keyboard is where they were.
      await at(page, 'form.decision .primary');
      // There is nothing to take back: said before anything is asked.
      await page.locator('input[value="reinstate"]').check();
      expect(await press(page, 'a rehearsal of the hand')).toBe('');
      expect(await page.locator('form.decision > .trouble').textContent()).toContain('nothing to decide');
      await at(page, 'form.decision .primary');
    });
    const after = (await json<Snapshot>(`${api}/results`)).units.find(({ id }) => id === raion.id);
    expect(after?.contests).toEqual(raion.contests);
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
      expect(await decide(page, 'decision of a court')).toContain('leave every sum: 1 of 1');
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
      await page.getByRole('button', { name: 'Open', exact: true }).click();
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

  it('corrects figures beside what stands there, with every change spelled out first', async () => {
    const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
    const unit = units.find(({ contests }) => (contests['list']?.urns.ballots ?? 0) > 10 && contests['list']?.urns.precincts === 1) as Unit;
    const precinct = Number(unit.id.split(':')[1]);
    const before = await detailOf(precinct);
    const { ballots = 0, invalid = 0 } = unit.contests['list']?.urns ?? {};
    await room(async (page) => {
      await desk(page, 'Corrections');
      await open(page, precinct);
      const form = page.locator('[data-tally="list"]');
      await page.locator('textarea[name="reason"]').fill('counted again');
      expect(await page.locator('form.decision .primary').isDisabled()).toBe(true);
      await form.locator('input[name="ballots"]').fill(String(ballots + 3));
      expect(await page.locator('[data-unsound="sum"]').count()).toBe(1);
      await form.locator('input[name="invalid"]').fill(String(invalid + 3));
      expect(await page.locator('[data-unsound]').count()).toBe(0);
      expect(await press(page, 'counted again')).toContain('replaced, whole');
      const lines = await page.locator('dialog[open] tr[data-spelled]').allTextContents();
      expect(lines.map((line) => line.replace(/[\s,]/g, ''))).toEqual([`Ballots${ballots}${ballots + 3}`, `Invalidballots${invalid}${invalid + 3}`]);
      await page.locator('dialog[open] .primary').click();
      await known(page);
      // There is nothing more to press: the eye and the keyboard are at what became of it.
      await at(page, '[data-result]');
      expect(await changed(page, `${unit.id} urns`)).toHaveLength(2);
      await page.locator('select[name="source"]').selectOption('turnout');
      await page.locator('input[name="identified"]').fill(String(unit.turnout.identified + 5));
      await decide(page, 'the list was counted again');
      expect(await changed(page, `${unit.id} identified`)).toEqual([unit.turnout.identified, unit.turnout.identified + 5]);
    });
    const after = await detailOf(precinct);
    expect(after.unit.contests['list']?.urns).toMatchObject({ ballots: ballots + 3, invalid: invalid + 3, votes: unit.contests['list']?.urns.votes });
    const listOf = ({ reconciliation }: PrecinctDetail) => reconciliation.find(({ contest }) => contest === 'list');
    // Preference votes that nobody touched are those that stood there.
    expect(listOf(after)?.urns?.preferences).toEqual(listOf(before)?.urns?.preferences);
    expect(after.corrections.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['counted again', 'the list was counted again']));
  });

  it('sends no correction of figures that have changed while it was to be confirmed', async () => {
    const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
    const unit = units.filter(({ contests }) => (contests['list']?.urns.ballots ?? 0) > 10 && contests['list']?.urns.precincts === 1)[1] as Unit;
    const precinct = Number(unit.id.split(':')[1]);
    const urns = async () => (await detailOf(precinct)).reconciliation.find(({ contest }) => contest === 'list')?.urns;
    const stood = await urns();
    if (!stood) throw new Error('a precinct that has reported has no whole count');
    const { ballots, invalid, votes, preferences } = stood;
    await room(async (page) => {
      await desk(page, 'Corrections');
      await open(page, precinct);
      const input = (name: string) => page.locator(`[data-tally="list"] input[name="${name}"]`);
      const type = async (more: number) => {
        await input('ballots').fill(String(ballots + more));
        await input('invalid').fill(String(invalid + more));
      };
      await type(3);
      expect(await press(page, 'three were found')).toContain('replaced, whole');
      // Another person is quicker.
      const act = { act: 'correct', precinct, source: 'urns', contest: 'list', votes, preferences, ballots: ballots + 1, invalid: invalid + 1 };
      const answer = await fetch(`${base}/api/v1/room/decisions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKENS[1]}` },
        body: JSON.stringify({ reason: 'one was found', act }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      await published(urns, (found) => found?.ballots === ballots + 1);
      await page.locator('dialog[open] .primary').click();
      await page.locator('form.decision > .trouble').filter({ hasText: 'have changed meanwhile' }).waitFor();
      expect([await page.locator('dialog[open]').count(), await page.locator('[data-result]').count()]).toEqual([0, 0]);
      // The form becomes another, and its button has nothing to do: the keyboard is at the words, and stays there.
      await page.waitForFunction(([name, value]) => document.querySelector<HTMLInputElement>(`input[name="${name}"]`)?.value === value, ['ballots', String(ballots + 1)]);
      expect(await page.locator('form.decision .primary').isDisabled()).toBe(true);
      await at(page, 'form.decision > .trouble');
      expect((await urns())?.ballots).toBe(ballots + 1);
      await type(4);
      const spelled = await decide(page, 'and three more');
      expect(spelled.replace(/[\s,]/g, '')).toContain(`Ballots${ballots + 1}${ballots + 4}`);
      expect(await page.locator('form.decision > .trouble').count()).toBe(0);
    });
    await published(urns, (found) => found?.ballots === ballots + 4);
    const reasons = (await detailOf(precinct)).corrections.map(({ reason }) => reason);
    expect(reasons).toEqual(expect.arrayContaining(['one was found', 'and three more']));
    expect(reasons).not.toContain('three were found');
  });

  it('closes a discrepancy that was looked into', async () => {
    const { units } = await json<Snapshot>(`${api}/precincts?discrepancy=true`);
    const [unit] = units;
    if (!unit) throw new Error('no figure of the night breaks a rule');
    const precinct = Number(unit.id.split(':')[1]);
    const { discrepancies } = await detailOf(precinct);
    const [first] = discrepancies;
    await room(async (page) => {
      await desk(page, 'Discrepancies');
      // The list is asked for when its desk is opened.
      await page.locator('tr[data-open]').first().waitFor();
      expect(await page.locator('tr[data-open]').count()).toBe(units.length);
      await page.locator(`tr[data-open="${precinct}"] button`).click();
      await page.waitForSelector(`[data-precinct="${precinct}"]`);
      await page.locator(`label[data-code="${first?.code}"] input`).first().check();
      await decide(page, 'the commission was asked');
      expect(await page.locator('[data-result]').textContent()).toContain('Decisions taken: 1');
    });
    await published(() => detailOf(precinct), (found) => found.discrepancies.length === discrepancies.length - 1);
  });

  it('records a copy that observers hold, and a scan of it', async () => {
    const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
    const precinct = Number(units[1]?.id.split(':')[1]);
    const { unit } = await detailOf(precinct);
    const contests = definition.contests.filter(({ id }) => unit.contests[id]);
    await room(async (page) => {
      await desk(page, 'Observers’ copies');
      await open(page, precinct);
      await page.locator('input[name="holder"]').fill('Observers “<b>Ак</b>”');
      for (const { id } of contests) {
        const inputs = page.locator(`[data-tally="${id}"] td input`);
        for (let at = 0; at < (await inputs.count()); at += 1) await inputs.nth(at).fill('0');
        await inputs.nth(0).fill('7');
        await inputs.nth(1).fill('7');
      }
      await decide(page, 'handed in at the raion’s commission');
      await page.locator('[data-holders]').filter({ hasText: 'Observers “<b>Ак</b>”' }).waitFor();
      await desk(page, 'Scans');
      await open(page, precinct);
      // The smallest picture there is: one grey point.
      const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';
      await page.locator('input[name="file"]').setInputFiles({ name: 'protocol.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') });
      await page.locator('select[name="kind"]').selectOption('copy');
      expect(await decide(page, 'photographed by an observer')).toContain('protocol.png');
      await page.waitForSelector('tr[data-document="copy"]');
    });
    const after = await detailOf(precinct);
    expect(after.reconciliation[0]?.copies?.map(({ holder, ballots }) => ({ holder, ballots }))).toEqual([{ holder: 'Observers “<b>Ак</b>”', ballots: 7 }]);
    expect(after.documents.map(({ kind }) => kind)).toContain('copy');
  });

  it('gives a device another key, and shuts it out once that was confirmed', async () => {
    const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
    const precinct = Number(units[2]?.id.split(':')[1]);
    const { reports } = await detailOf(precinct);
    const device = reports.find(({ kind }) => kind === 'id_terminal')?.device ?? '';
    const registered = async () => (await json<Definition>(api)).devices?.find(({ id }) => id === device);
    const key = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
    await room(async (page) => {
      await desk(page, 'Devices');
      await open(page, precinct);
      await page.locator(`label[data-device="${device}"] input`).check();
      await page.locator('input[name="act"][value="reissue"]').check();
      await page.locator('input[name="key"]').fill(key);
      expect(await decide(page, 'its key was seen by others')).toContain(key.slice(0, 16));
      await published(registered, (found) => found?.public_key === key);
      await page.locator(`label[data-device="${device}"] input`).check();
      await page.locator('input[name="act"][value="revoke"]').check();
      // What was accepted since the precinct was opened is among what stays counted: it is read anew.
      const anew = page.waitForRequest((request) => request.url().endsWith(`/precincts/${precinct}`));
      const spelled = await press(page, 'it was stolen');
      await anew;
      expect(spelled).toContain(`Reports accepted of it: ${reports.filter((report) => report.device === device && report.verdict === 'accepted').length}`);
      await page.locator('dialog[open] .plain').click();
      expect((await registered())?.status).toBe('active');
      await decide(page, 'it was stolen');
      await published(registered, (found) => found?.status === 'revoked');
      await page.locator('input[name="act"][value="replace"]').check();
      await page.locator('form.decision').waitFor();
    });
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
      expect(await page.locator('form.decision > .trouble').textContent()).toContain('no-such-device');
      await at(page, 'form.decision .primary');
      await desk(page, 'Lots');
      await page.locator('select[name="contest"]').selectOption({ index: 1 });
      await page.waitForSelector('[data-ties], fieldset');
    });
  });

  it('is pictured in sizes, themes and languages, and never wider than the screen', async () => {
    for (const [size, dark, lang] of [['wall', true, 'ky'], ['laptop', false, 'ru'], ['phone', false, 'ky'], ['phone', true, 'en']] as const) {
      const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
      const number = units[3]?.id.split(':')[1] ?? '';
      await room(
        async (page) => {
          await page.waitForSelector('form:has(textarea)');
          for (const name of ['quarantine', 'discrepancies', 'figures', 'protocol', 'copies', 'documents', 'devices', 'gap', 'units', 'lots']) {
            await page.evaluate((desk) => (location.hash = desk), name);
            await page.waitForSelector(`main[data-desk="${name}"] h2`);
            if (['discrepancies', 'figures', 'copies', 'documents', 'devices'].includes(name)) {
              await page.locator('input[name="precinct"]').fill(number);
              await page.locator('form:has(input[name="precinct"]) .primary').click();
              await page.waitForSelector('[data-precinct]');
            }
            await page.waitForTimeout(300);
            expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
            await page.screenshot({ path: `${SCREENSHOTS}room-${name}-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
          }
          await page.evaluate(() => (location.hash = 'units'));
          await page.waitForSelector('main[data-desk="units"]');
          await page.locator('input[name="unit"]').fill('region:osh');
          await page.locator('input[value="annul"]').check();
          await page.locator('textarea[name="reason"]').fill('2026-10-04 / 17');
          await page.locator('form.decision .primary').click();
          await page.waitForSelector('dialog[open] table');
          expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
          await page.screenshot({ path: `${SCREENSHOTS}room-confirm-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
        },
        { size, dark, lang },
      );
    }
  });
});
