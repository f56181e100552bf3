import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SeatsAnswer } from '../src/feed/allocation';
import type { ElectionSummary, Place, Snapshot } from '../src/feed/types';
import { FIELDS } from '../src/pages/fields';
import { DARK, LIGHT } from '../src/map/ground';
import { classOf, REPORTED_BREAKS } from '../src/map/shade';
import { reportedOf } from '../src/results/standing';
import { contextOf, SIZES } from './browser';
import { mapShares } from './pixels';
import { api, base, browser, definition, json, on, SCREENSHOTS, watched } from './night';
import { PublicPage } from './public-page';

const SAMPLES = fileURLToPath(new URL('../../docs/samples/', import.meta.url));
watched('the end');

describe('the time machine', () => {
  it('shows what was published at the second of the handle, says so, and comes back to now', async () => {
    const at = Date.parse(definition.polls_close) / 1000 + 1500;
    const then = await json<Snapshot>(`${api}/results?at=${new Date(at * 1000).toISOString().slice(0, 19)}Z`);
    const now = await json<Snapshot>(`${api}/results`);
    const reported = ({ units }: Snapshot) => units.find(({ id }) => id === 'country')?.reported.precincts ?? NaN;
    expect(reported(then)).toBeLessThan(reported(now));
    await on('laptop', `/${definition.id}?lang=en`, async ({ page }) => {
      const version = (snapshot: Snapshot) => `time[data-version="${snapshot.epoch}:${snapshot.version}"]`;
      const handle = page.locator('input[type="range"]');
      await page.waitForSelector(version(now));
      await handle.fill(String(at));
      await page.waitForSelector(version(then));
      expect(await page.locator('[role="status"] p.past').textContent()).toContain('You are looking at the past');
      expect(await page.title()).toMatch(/^As of /);
      expect(await page.locator('#results').textContent()).toContain(`${reported(then)} of ${definition.precincts} precincts`);
      // An arrow is a minute; Escape leads back.
      await handle.focus();
      await page.keyboard.press('ArrowLeft');
      await page.waitForFunction(([input, value]) => (document.querySelector(input as string) as HTMLInputElement).value === value, ['input[type="range"]', String(at - 60)]);
      expect(await handle.getAttribute('aria-valuetext')).toMatch(/^at \d\d:\d\d:\d\d$/);
      await page.keyboard.press('Escape');
      await page.waitForSelector(version(now));
      expect(await page.locator('p.past').count()).toBe(0);
      await handle.fill(String(at));
      await page.waitForSelector(version(then));
      await page.getByRole('button', { name: 'Back to now' }).click();
      await page.waitForSelector(version(now));
    });
  });
});

describe('a precinct in the time machine', () => {
  it('says of its evidence that it is of now', async () => {
    const at = Date.parse(definition.polls_close) / 1000 + 1500;
    const [place] = (await json<Place[]>(`${api}/places`)).filter(({ parent }) => parent !== 'abroad');
    await on('laptop', `/${definition.id}/precinct/${place?.precinct}?lang=en`, async ({ page }) => {
      const said = page.locator('#results p').filter({ hasText: 'What follows is as it stands now' });
      await page.waitForSelector('input[type="range"]');
      expect(await said.count()).toBe(0);
      await page.locator('input[type="range"]').fill(String(at));
      await said.waitFor();
    });
  });
});

describe('seats in the time machine', () => {
  it('are those of the moment in view, or are said not to have been there yet, and nobody who drags asks for all', async () => {
    const closed = Date.parse(definition.polls_close) / 1000;
    const contest = definition.contests.find(({ kind }) => kind === 'proportional_open_list');
    if (!contest) throw new Error('no lists');
    const seatsAt = async (at: number) => json<SeatsAnswer>(`${api}/seats?contest=${contest.id}&source=urns&at=${new Date(at * 1000).toISOString().slice(0, 19)}Z`);
    const seats = ({ allocation }: SeatsAnswer) => Object.fromEntries((allocation?.options ?? []).flatMap(({ option, seats }) => (seats > 0 ? [[option, seats]] : [])));
    const [then, now] = [await seatsAt(closed + 1500), await json<SeatsAnswer>(`${api}/seats?contest=${contest.id}&source=urns`)];
    expect(then.allocation?.ballots).toBeLessThan(now.allocation?.ballots ?? 0);
    await on('laptop', `/${definition.id}?lang=en&contest=${contest.id}`, async ({ page }) => {
      const asked: string[] = [];
      page.on('request', (request) => void (request.url().includes('/seats?') && asked.push(request.url())));
      const of = ({ epoch, version }: SeatsAnswer) => page.waitForSelector(`section[data-seats][data-version="${epoch}:${version}"]:not([aria-busy="true"])`);
      const handle = page.locator('input[type="range"]');
      await of(now);
      asked.length = 0;
      await handle.fill(String(closed + 600));
      for (let second = 600; second < 1500; second += 30) await handle.fill(String(closed + second));
      await handle.fill(String(closed + 1500));
      await of(then);
      const rows = await page.locator('tr[data-seats-of]').evaluateAll((all) => all.map((row) => [(row as HTMLElement).dataset['seatsOf'] ?? '', row.querySelector('[data-figure="seats"]')?.textContent ?? '0']));
      expect(Object.fromEntries(rows.filter(([, count]) => count !== '0').map(([option, count]) => [option, Number(count)]))).toEqual(seats(then));
      // Thirty moments were passed: few of them can have been rested at.
      expect(asked.length).toBeLessThan(10);
      await handle.fill(String(closed - 600));
      await page.locator('section[data-seats] p').filter({ hasText: 'At that moment votes were not shown yet' }).waitFor();
      asked.length = 0;
      await handle.fill(String(closed + 1500));
      await of(then);
      expect(asked).toEqual([]);
      await page.getByRole('button', { name: 'Back to now' }).click();
      await of(now);
    });
  });
});

describe('the map in the past', () => {
  const LOOKS = [['laptop', false, 'en'], ['phone', false, 'ky'], ['wall', true, 'ky']] as const;
  /** Of the picture: more than the edge of an area, less than any region. */
  const SEEN = 0.002;

  it.each(LOOKS)('has the colours of what had been reported then, on a %s (dark: %s, %s)', async (size, dark, lang) => {
    const at = Date.parse(definition.polls_close) / 1000 + 1500;
    const then = await json<Snapshot>(`${api}/results?at=${new Date(at * 1000).toISOString().slice(0, 19)}Z`);
    const now = await json<Snapshot>(`${api}/results`);
    const national = definition.contests.find(({ scope }) => scope === 'country');
    if (!national) throw new Error('no country-wide contest');
    const classes = ({ units }: Snapshot) =>
      units.filter(({ kind }) => kind === 'region').map((unit) => {
        const { precincts, ofPrecincts } = reportedOf(unit, national);
        return classOf((100 * precincts) / ofPrecincts, REPORTED_BREAKS);
      });
    const colours = (dark ? DARK : LIGHT).reported;
    const whole = REPORTED_BREAKS.length - 1;
    expect(classes(now).every((each) => each === whole)).toBe(true);
    expect(classes(then)).not.toContain(whole);
    const address = `/${definition.id}?lang=${lang}&mode=reported`;
    const look = async (page: PublicPage) => {
      await page.mapDrawn();
      const before = await mapShares(page.page, colours);
      expect(before.map((share) => share > SEEN)).toEqual(colours.map((_, of) => of === whole));
      await page.page.locator('input[type="range"]').fill(String(at));
      await page.page.waitForSelector(`time[data-version="${then.epoch}:${then.version}"]`);
      await page.mapDrawn();
      const after = await mapShares(page.page, colours);
      const seen = after.flatMap((share, of) => (share > SEEN ? [of] : []));
      expect(seen.length).toBeGreaterThan(0);
      expect(classes(then)).toEqual(expect.arrayContaining(seen));
      // Nothing of what is reported now shows through.
      expect(after[whole]).toBeLessThan(SEEN);
      await page.page.screenshot({ path: `${SCREENSHOTS}time-machine-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
    };
    await on(size, address, look, dark);
  });
});

describe('the search', () => {
  it('finds a candidate by name, and leads to the ballot', async () => {
    const contest = definition.contests.find(({ kind }) => kind === 'single_member');
    const candidate = contest?.options.find(({ kind }) => kind === 'candidate');
    await on('laptop', `/${definition.id}?lang=ky`, async (page) => {
      await page.search(candidate?.name.ky ?? '');
      await page.page.waitForSelector(`tr[data-option="${candidate?.id}"]`);
      expect(new URL(page.page.url()).pathname).toMatch(/\/district\/\d+$/);
    });
  });
});

describe('the page that makes embeddings', () => {
  it('shows what is chosen, and gives the code for it', async () => {
    const region = definition.units.find(({ kind }) => kind === 'region');
    await on('laptop', '/embed?lang=en', async ({ page }) => {
      await page.selectOption('select[name="kind"]', 'map');
      await page.selectOption('select[name="unit"]', region?.id ?? '');
      await page.selectOption('select[name="theme"]', 'dark');
      const [element, frame] = await page.locator('pre code').allTextContents();
      expect(element).toBe(`<script src="${base}/embed/sanak.js" async></script>\n<sanak-map unit="${region?.id}" lang="en" theme="dark"></sanak-map>`);
      expect(frame).toContain(`${base}/embed/map?unit=${encodeURIComponent(region?.id ?? '')}&amp;lang=en&amp;theme=dark`);
      const inner = page.frameLocator('iframe');
      await inner.locator('sanak-map path[data-unit]').first().waitFor();
      expect(await inner.locator('sanak-map h3').textContent()).toContain(region?.name?.en);
    });
  });
});

describe('the archive', () => {
  it('is a table of every election the server has', async () => {
    const all = await json<ElectionSummary[]>(`${base}/api/v1/elections`);
    const rows = await on('phone', '/elections?lang=en', async ({ page }) => {
      await page.waitForSelector('tr[data-election]');
      return page.locator('tr[data-election]').evaluateAll((found) => found.map((row) => [(row as HTMLElement).dataset['election'], row.textContent ?? '']));
    });
    expect(rows.map(([id]) => id).sort()).toEqual(all.map(({ id }) => id).sort());
    for (const { id, registered } of all) expect(rows.find((row) => row[0] === id)?.[1]).toContain(registered.toLocaleString('en'));
  });
});

describe('the first view', () => {
  it('is the country in its colours, which lead on, before the map’s program is there', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    // The program is asked for, and never comes.
    await page.page.route('**/country-map*.js', () => undefined);
    try {
      await page.open('?lang=en');
      await page.page.waitForSelector('.pane[data-seen]');
      const sketch = page.page.locator('canvas[data-sketch]');
      expect(Number(await sketch.getAttribute('data-sketch'))).toBeGreaterThanOrEqual(7);
      expect(await page.page.locator('.legend .leaders button').count()).toBeGreaterThan(0);
      await page.page.screenshot({ path: `${SCREENSHOTS}sketch-laptop-light-en.png` });
      const { width = 0, height = 0 } = (await sketch.boundingBox()) ?? {};
      await sketch.click({ position: { x: 0.57 * width, y: 0.5 * height } });
      await page.page.waitForURL(/\/region\/naryn/);
      await page.page.goBack();
      await page.page.getByRole('button', { name: 'Voters', exact: true }).click();
      await page.page.waitForURL(/mode=voters/);
      await page.page.screenshot({ path: `${SCREENSHOTS}sketch-voters-laptop-light-en.png` });
      expect(page.errors).toEqual([]);
    } finally {
      await context.close();
    }
  });
});

describe('an election that is over', () => {
  it('has its figures in a table, says that it has no map, and is not followed', async () => {
    const past = 'kg-past';
    const answers: Record<string, object> = { '': { ...(await json<object>(`${api}?keys=false`)), id: past }, '/results': { ...(await json<Snapshot>(`${api}/results`)), election: past } };
    for (const [size, lang, dark, sentence] of [
      ['laptop', 'ru', false, 'Карта этих выборов не сохранена'],
      ['phone', 'ky', true, 'Бул шайлоонун картасы сакталган эмес'],
      ['wall', 'en', true, 'No map is kept of this election'],
    ] as const) {
      const context = await contextOf(browser, size, dark);
      const page = await context.newPage();
      const sockets: string[] = [];
      page.on('websocket', (socket) => sockets.push(socket.url()));
      // What the archive has of it; of everything else the service says itself that there is none.
      await page.route(new RegExp(`/elections/${past}(/results)?(\\?|$)`), (route) => {
        const path = new URL(route.request().url()).pathname.split(past)[1] ?? '';
        const body = answers[path];
        return body ? route.fulfill({ json: body }) : route.continue();
      });
      try {
        await page.goto(`${base}/${past}?lang=${lang}`);
        await page.locator('[data-trouble="unmapped"]').filter({ hasText: sentence }).waitFor();
        expect(await page.locator('.pane tbody tr').count()).toBeGreaterThan(definition.units.filter(({ kind }) => kind === 'region').length);
        expect(await page.locator('tr[data-option]').count()).toBeGreaterThan(0);
        await page.screenshot({ path: `${SCREENSHOTS}past-election-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
        expect(sockets).toEqual([]);
      } finally {
        await context.close();
      }
    }
  });
});

/** Every path of a value, members of maps by id as `{id}`, and what stands inside a source as `…`. */
function paths(value: unknown, at = '', into = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const each of value) paths(each, `${at}[]`, into);
  else if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) {
      const member = at.endsWith('.contests') || at === '….votes' ? '{id}' : name;
      const path = at === '' ? member : `${at}.${member}`;
      const source = /contests\.\{id\}\.(urns|protocols)$/.test(path);
      if (source) into.add(path);
      paths(inner, source ? '…' : path, into);
    }
  } else into.add(at);
  return into;
}

describe('the page for those who read by program', () => {
  it('explains every field of a snapshot, and none that is not there', async () => {
    const snapshot = await json<Snapshot>(`${api}/results`);
    const known = new Set(FIELDS.map(({ path }) => path));
    const sent = paths(snapshot);
    expect([...sent].filter((path) => !known.has(path))).toEqual([]);
    // Two are there only while they apply.
    expect([...known].filter((path) => !sent.has(path) && path !== 'embargo_until' && path !== 'stalled_since')).toEqual([]);
  });

  it('shows programs that run', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'samples-'));
    const run = (command: string, ...args: string[]) => spawnSync(command, args, { cwd: directory, encoding: 'utf8', timeout: 60_000 });
    const snapshot = await json<Snapshot>(`${api}/results`);
    const country = snapshot.units.find(({ id }) => id === 'country');
    const [contest] = definition.contests;
    const votes = Object.entries(country?.contests[contest?.id ?? '']?.urns.votes ?? {});
    for (const round of ['first', 'again, answered with 304']) {
      const curl = run('sh', join(SAMPLES, 'results.sh'), api);
      expect(curl.stderr, round).toBe('');
      for (const [option, count] of votes) expect(curl.stdout).toMatch(new RegExp(`,urns,.*,${option},.*,${count}\\r?\\n`));
    }
    const python = run('/usr/bin/python3', join(SAMPLES, 'results.py'), api);
    expect(python.stderr).toBe('');
    expect(python.stdout).toContain('# SIMULATION ');
    const [option, count] = votes[0] ?? ['', 0];
    expect(python.stdout).toContain(`country\t${contest?.options.find(({ id }) => id === option)?.name.en}\t${count}\n`);
    const flags = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-websocket', '--no-warnings'] : [];
    const live = run('node', ...flags, join(SAMPLES, 'live.mjs'), api, '4');
    expect(live.stderr).toBe('');
    expect(live.stdout).toContain(`${country?.reported.precincts} of ${country?.precincts} precincts`);
    // R is large: tried where it is installed.
    if (existsSync('/usr/bin/Rscript')) {
      const r = run('/usr/bin/Rscript', join(SAMPLES, 'results.R'), api);
      expect(r.stdout).toContain(`${definition.precincts} precincts, ${country?.turnout.identified} identified of ${country?.registered}`);
    }
    rmSync(directory, { recursive: true });
  });
});

describe('the pages beside the figures', () => {
  it('are pictured in sizes, themes and languages, and never wider than the screen', async () => {
    const looks = [['wall', true, 'ky'], ['laptop', false, 'ru'], ['phone', true, 'en'], ['phone', false, 'ky']] as const;
    for (const [size, dark, lang] of looks) {
      for (const name of ['embed', 'data', 'elections']) {
        await on(
          size,
          `/${definition.id}/${name}?lang=${lang}`,
          async (page) => {
            await page.page.waitForTimeout(1500);
            expect(await page.overflow()).toBeLessThanOrEqual(0);
            await page.page.setViewportSize({ width: 320, height: 640 });
            expect(await page.overflow()).toBeLessThanOrEqual(0);
            await page.page.setViewportSize(SIZES[size]);
            await page.page.screenshot({ path: `${SCREENSHOTS}${name}-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
          },
          dark,
        );
      }
    }
  });
});
