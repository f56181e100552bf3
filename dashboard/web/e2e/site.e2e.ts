import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SeatsAnswer } from '../src/feed/allocation';
import type { MissingAnswer, QuarantineAnswer } from '../src/feed/lists';
import type { History, PrecinctDetail, Snapshot } from '../src/feed/types';
import { contextOf } from './browser';
import { api, base, browser, definition, digits, json, on, SCREENSHOTS, watched } from './night';
import { PublicPage } from './public-page';
import { frameOf } from './frames';

/** A precinct with an urn's final report in. */
let precinct: PrecinctDetail;
watched('the end', async () => {
  const { units } = await json<Snapshot>(`${api}/precincts?phase=reported`);
  const unit = units.find((each) => Object.values(each.contests).every(({ urns }) => urns.precincts === 1));
  if (!unit) throw new Error('no precinct has reported by its urns');
  precinct = await json<PrecinctDetail>(`${api}/precincts/${unit.id.split(':')[1]}`);
});

describe('publication that is held', () => {
  it('is said in a sentence, with the moment since when, for as long as the feed says so', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    let held = true;
    // The frames of the real feed, as they are while the audit finds a sum that is wrong.
    await page.page.routeWebSocket(/\/live/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => {
        const frame = frameOf(message) as Snapshot;
        socket.send(JSON.stringify(held ? { ...frame, stalled_since: '2026-10-04T15:04:05Z' } : frame));
      });
    });
    try {
      await page.open(`/${definition.id}?lang=en`);
      const banner = page.page.getByRole('status').filter({ hasText: 'Publication stands still since 21:04' });
      await banner.waitFor();
      held = false;
      // A ping says so, every ten seconds.
      await banner.waitFor({ state: 'detached', timeout: 30_000 });
      expect(page.errors).toEqual([]);
    } finally {
      await context.close();
    }
  });
});

describe('the seats', () => {
  it('are the server’s, as places of the chamber and as a table, and add up to the house', async () => {
    const contest = definition.contests.find(({ scope }) => scope === 'country');
    if (!contest) throw new Error('no country-wide contest');
    const { allocation } = await json<SeatsAnswer>(`${api}/seats?contest=${contest.id}&source=urns`);
    if (!allocation) throw new Error('no allocation after the count');
    const expected: Record<string, number> = Object.fromEntries(allocation.options.filter(({ seats }) => seats > 0).map(({ option, seats }) => [option, seats]));
    const seen = await on('laptop', `/${definition.id}?lang=en`, async ({ page }) => {
      await page.waitForSelector('tr[data-seats-of]');
      await page.waitForTimeout(500);
      return page.evaluate(() => ({
        places: document.querySelectorAll('svg.chamber circle').length,
        spoken: document.querySelector('svg.chamber')?.getAttribute('aria-label') ?? '',
        rows: [...document.querySelectorAll<HTMLElement>('tr[data-seats-of]')].map((row) => [
          row.dataset['seatsOf'] ?? '',
          row.querySelector('[data-figure="seats"]')?.textContent ?? '',
        ]),
      }));
    });
    const rows: Record<string, number> = Object.fromEntries(seen.rows.map(([option, seats]) => [option, digits(seats)]));
    expect(Object.fromEntries(Object.entries(rows).filter(([, seats]) => seats > 0))).toEqual(expected);
    expect(seen.places).toBe(contest.seats);
    for (const [option, seats] of Object.entries(expected)) {
      const name = contest.options.find(({ id }) => id === option)?.name;
      expect(seen.spoken).toContain(`${name?.en ?? name?.ky}: ${seats}`);
    }
  });

  it('of the hand count are its own, and said to be none while no protocol is in', async () => {
    const contest = definition.contests.find(({ scope }) => scope === 'country');
    const { allocation } = await json<SeatsAnswer>(`${api}/seats?contest=${contest?.id}&source=protocols`);
    const result = await on('laptop', `/${definition.id}?lang=en&source=protocols`, async ({ page }) => {
      await page.waitForSelector('section[data-seats]:not([data-seats="none"])');
      return page.locator('section[data-seats]').getAttribute('data-seats');
    });
    expect(result).toBe(allocation?.result);
  });

  it('of a district are one person’s, by the server’s word', async () => {
    const contest = definition.contests.find(({ kind }) => kind === 'single_member');
    if (!contest) throw new Error('no single-member contest');
    const { allocation } = await json<SeatsAnswer>(`${api}/seats?contest=${contest.id}&source=urns`);
    const path = `/${definition.id}/${contest.unit.replace(':', '/')}?lang=en`;
    const elected = await on('laptop', path, async ({ page }) => {
      await page.waitForSelector('section[data-seats]:not([data-seats="none"])');
      return page.locator('.card[data-seats-of]').evaluateAll((cards) => cards.map((card) => (card as HTMLElement).dataset['seatsOf']));
    });
    expect(elected).toEqual(allocation?.options.filter(({ seats }) => seats > 0).map(({ option }) => option));
  });
});

describe('addresses', () => {
  it('of every kind of page open what they name, in title, heading and link preview', async () => {
    const named = (kind: string) => {
      const unit = definition.units.find((each) => each.kind === kind && each.name?.en);
      if (!unit) throw new Error(`no ${kind} with a name`);
      return { path: unit.id.replace(':', '/'), name: unit.name?.en ?? '' };
    };
    const single = definition.contests.find(({ kind }) => kind === 'single_member');
    const pages = [named('region'), named('raion'), named('district'), { path: `precinct/${precinct.place.precinct}`, name: `Precinct ${precinct.place.precinct}` }];
    for (const { path, name } of pages) {
      const response = await fetch(`${base}/${definition.id}/${path}?lang=en`, { headers: { accept: 'text/html' } });
      const html = await response.text();
      expect(html).toContain(`property="og:title" content="`);
      expect(html).toMatch(new RegExp(`<title>[^<]*${name}`));
      const seen = await on('laptop', `/${definition.id}/${path}?lang=en`, async (page) => [await page.page.title(), await page.heading()]);
      expect(seen[0]).toContain(name);
      expect(seen[1]).toBe(name);
    }
    const title = await on('laptop', `/${definition.id}/contest/${single?.of}?lang=en`, ({ page }) => page.title());
    expect(title).toContain('Districts');
  });

  it('change as the reader moves, and lead back', async () => {
    await on('laptop', `/?lang=en`, async ({ page }) => {
      await page.locator('header button[aria-controls="pages"]').focus();
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.waitForSelector('main h2:has-text("Precincts still missing")');
      expect(new URL(page.url()).pathname).toBe(`/${definition.id}/missing`);
      expect(await page.title()).toContain('Precincts still missing');
      await page.goBack();
      await page.waitForSelector('.pane');
      expect(new URL(page.url()).pathname).toBe('/');
    });
  });
});

describe('the public lists', () => {
  it('show every precinct that the server has for missing, or say that none is', async () => {
    const { precincts } = await json<MissingAnswer>(`${api}/missing`);
    const seen = await on('phone', `/${definition.id}/missing?lang=en`, async ({ page }) => {
      await page.waitForSelector('tr[data-precinct], p.empty');
      return page.locator('tr[data-precinct]').count();
    });
    expect(seen).toBe(Math.min(100, precincts.length));
  });

  it('show every report kept back, with its rule in words and its bytes', async () => {
    const { reports } = await json<QuarantineAnswer>(`${api}/quarantine`);
    expect(reports.length).toBeGreaterThan(0);
    const rows = await on('phone', `/${definition.id}/quarantine?lang=en`, async ({ page }) => {
      await page.waitForSelector('tr[data-offset]');
      return page.locator('tr[data-offset]').evaluateAll((all) =>
        all.map((row) => ({ offset: Number((row as HTMLElement).dataset['offset']), text: row.textContent ?? '', href: row.querySelector('small a')?.getAttribute('href') ?? '' })),
      );
    });
    expect(rows.map(({ offset }) => offset)).toEqual(reports.slice(0, 100).map(({ offset }) => offset));
    for (const [at, { text, href }] of rows.entries()) {
      for (const code of reports[at]?.codes ?? []) expect(text).toContain(code);
      expect((await fetch(base + href)).status).toBe(200);
    }
  });

  it('say in words that nothing has been corrected', async () => {
    const empty = await on('phone', `/${definition.id}/corrections?lang=en`, async ({ page }) => {
      await page.waitForSelector('p.empty, article');
      return page.locator('p.empty').textContent();
    });
    expect(empty).toBe('No published figure has been corrected.');
  });
});

describe('a precinct', () => {
  it('has its sources side by side, with the server’s figures and whether they agree', async () => {
    const { unit, place } = precinct;
    await on('laptop', `/${definition.id}/precinct/${place.precinct}?lang=en`, async ({ page }) => {
      await page.waitForSelector('[data-part="corrections"]');
      for (const [id, { urns }] of Object.entries(unit.contests)) {
        const total = (source: string) => page.locator(`table[data-contest="${id}"] tr[data-source="${source}"] td`).first().textContent();
        expect(digits(await total('identified'))).toBe(unit.turnout.identified);
        expect(digits(await total('urns'))).toBe(urns.ballots);
        expect(await total('protocol')).toBe('–');
        const agreement = await page.locator(`table[data-contest="${id}"] tr[data-source="urns"]`).getAttribute('data-agreement');
        expect(agreement === 'agrees').toBe(urns.ballots === unit.turnout.identified);
      }
    });
  });

  it('gives out the signed bytes that its digests are of, and a program that finds their signature good', async () => {
    const { reports, place } = precinct;
    const link = (offset: number) => `${api}/precincts/${place.precinct}/reports/${offset}.cose`;
    for (const { offset, digest } of reports.slice(-3)) {
      const bytes = new Uint8Array(await (await fetch(link(offset))).arrayBuffer());
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
    }
    const [script, command, keys] = await on('laptop', `/${definition.id}/precinct/${place.precinct}?lang=en`, async ({ page }) => {
      await page.locator('details:has(pre) summary').click();
      await page.locator('details:has(pre) button').click();
      await page.waitForSelector('p.key');
      const texts = await page.locator('pre code').allTextContents();
      return [texts[0] ?? '', texts[1] ?? '', await page.locator('p.key').count()] as const;
    });
    expect(keys).toBeGreaterThan(0);
    const directory = mkdtempSync(join(tmpdir(), 'check-report-'));
    writeFileSync(join(directory, 'check-report.py'), script);
    const [, ...args] = command.split(' ');
    const run = (given: string[]) => spawnSync('/usr/bin/python3', given, { cwd: directory, encoding: 'utf8', timeout: 60_000 });
    const good = run(args);
    expect(good.stderr).toBe('');
    expect(good.stdout).toContain(' signed ');
    // The same bytes said to be of another precinct are not what the device signed.
    writeFileSync(join(directory, 'check-report.py'), script.replace('/{precinct}/{device}/report', '/{precinct}0/{device}/report'));
    expect(run(args).stderr).toContain('InvalidSignature');
    rmSync(directory, { recursive: true });
  });
});

describe('turnout', () => {
  it('of a region stands at the hours it is announced at, as the server’s history has it', async () => {
    const region = definition.units.find(({ kind }) => kind === 'region')?.id ?? '';
    const { points } = await json<History>(`${api}/history?unit=${region}&series=turnout&step=1800`);
    const close = points.findLast(({ at }) => Date.parse(at) <= Date.parse(definition.polls_close));
    const [hours, last] = await on('laptop', `/${definition.id}/${region.replace(':', '/')}?lang=en`, async ({ page }) => {
      await page.locator('section:has(#turnout-title) summary').click();
      await page.waitForSelector('tr[data-hour] td.strong:not(:has-text("–"))');
      return [await page.locator('tr[data-hour]').count(), await page.locator('tr[data-hour] td.strong').last().textContent()] as const;
    });
    expect(hours).toBe(6);
    expect(digits(last)).toBe(close?.identified);
  });
});

describe('the first view', () => {
  it('brings nothing of the pages that nobody has asked for', async () => {
    const asked: string[] = [];
    await on('laptop', `/${definition.id}?lang=en`, async (page) => {
      page.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await page.page.reload();
      await page.mapDrawn();
    });
    expect(asked.some((path) => path.includes('/assets/country-map-'))).toBe(true);
    expect(asked.filter((path) => /\/assets\/(ListPage|PrecinctDetail|TurnoutHours)-/.test(path))).toEqual([]);
    expect(asked.filter((path) => /\/(missing|quarantine|corrections)$/.test(path))).toEqual([]);
  });
});

describe('the new pages', () => {
  it('are pictured in every size, theme and language, and never wider than the screen', async () => {
    const number = precinct.place.precinct;
    const district = definition.units.find(({ kind }) => kind === 'district')?.id.replace(':', '/');
    const pages = { missing: 'missing', quarantine: 'quarantine', corrections: 'corrections', precinct: `precinct/${number}`, district };
    const looks = [
      ['wall', true, 'ky'],
      ['laptop', false, 'ru'],
      ['laptop', true, 'en'],
      ['phone', false, 'ky'],
      ['phone', true, 'ru'],
    ] as const;
    for (const [size, dark, lang] of looks) {
      for (const [name, path] of Object.entries(pages)) {
        await on(
          size,
          `/${definition.id}/${path}?lang=${lang}`,
          async (page) => {
            if (path?.includes('/')) await page.mapDrawn();
            else await page.page.waitForTimeout(1000);
            expect(await page.overflow()).toBeLessThanOrEqual(0);
            await page.page.screenshot({ path: `${SCREENSHOTS}${name}-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
          },
          dark,
        );
      }
    }
  });

  it('have no horizontal scroll at 320 px', async () => {
    for (const path of ['missing', 'quarantine', 'corrections', `precinct/${precinct.place.precinct}`]) {
      for (const lang of ['ky', 'ru', 'en']) {
        await on('phone', `/${definition.id}/${path}?lang=${lang}`, async (page) => {
          await page.page.setViewportSize({ width: 320, height: 640 });
          await page.page.waitForTimeout(800);
          expect(await page.overflow()).toBeLessThanOrEqual(0);
        });
      }
    }
  });
});
